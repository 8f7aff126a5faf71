"""The face of the demo: how the service gets to know it, from one crop, where all that it needs is there."""

from __future__ import annotations

from pathlib import Path

from edge.capture.chatter import held_back
from edge.capture.scene.portrait import NAME, passport, portrait
from edge.errors import EdgeError
from edge.people.door import recognizer
from edge.people.scout import encoded
from edge.recognize.faces.enrol import seen
from edge.recognize.faces.obey import kept
from edge.settings.compose import Settings


def introduce(settings: Settings, state: Path) -> str | None:
    """Enrols the portrait's one crop in the gallery of the folder ``state``, as a JPEG that somebody sent.

    Gives None, or in a sentence what is missing for it.
    """
    try:
        picture = portrait()
        with held_back():  # the runtime tells standard error how it begins
            known = recognizer(settings, state)
    except EdgeError as error:
        return str(error)
    try:
        reply = kept(known, NAME, seen(known, encoded(passport(picture))))
    finally:
        known.close()
    return None if reply.ok else f"the portrait cannot be enrolled: {reply.message}"
