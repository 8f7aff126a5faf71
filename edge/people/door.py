"""The way to the gallery: the run socket of the service where one runs, else the gallery's file itself.

The file is safe with several processes (it is SQLite); the service is asked first all the same, since it may
belong to another user, and what it is told holds in the same moment.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from edge.control.client import NoServiceError, ask
from edge.errors import ConfigError, UnavailableError
from edge.infer.model import Model
from edge.people.scout import Sight
from edge.recognize.faces import DESCRIPTOR
from edge.recognize.faces.obey import forget, kept, people
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.recognize.registry import resolve
from edge.records import Reply
from edge.settings.compose import Settings
from edge.settings.folder import state_folder

WITHIN = 5.0
"""Seconds for an answer of the service: it answers between two frames."""

PATIENCE, TURN = 5.0, 0.05
"""Seconds to wait for another process that writes the gallery's file, and between two tries."""


class Door(Protocol):
    """Where people are kept."""

    where: str
    """In words for a person."""

    def enrol(self, name: str, sight: Sight) -> Reply:
        """Keeps what was seen of a person."""
        ...

    def people(self) -> Reply:
        """Who is known."""
        ...

    def forget(self, name: str) -> Reply:
        """Forgets somebody."""
        ...


class ServiceDoor:
    """A service that runs, by its run socket."""

    def __init__(self, config: Path | None) -> None:
        self.where = "the running service"
        self._config = config

    def enrol(self, name: str, sight: Sight) -> Reply:
        """Sends the part of the picture that shows the face."""
        return self._ask("enroll", {"name": name, "jpeg": base64.b64encode(sight.jpeg).decode()})

    def people(self) -> Reply:
        """Who is known."""
        return self._ask("people", {})

    def forget(self, name: str) -> Reply:
        """Forgets somebody."""
        return self._ask("forget", {"name": name})

    def deny(self, name: str, track: int) -> Reply:
        """That is not this person."""
        return self._ask("deny", {"name": name, "track": track})

    def _ask(self, command: str, fields: Mapping[str, Any]) -> Reply:
        reply = ask(command, fields, config=self._config, timeout=WITHIN)
        if reply.error == "not-running":
            raise ConfigError(
                "the service that runs does not look for faces", "add faces to recognizers in its settings"
            )
        if reply.error in ("not-allowed", "ending"):
            raise UnavailableError(reply.message)
        return reply


class FileDoor:
    """The gallery's file, with the recognizer of the settings."""

    def __init__(self, settings: Settings, state: Path) -> None:
        """Loads the models. Raises ``ConfigError`` (exit 78)."""
        self.where = f"the gallery in {state}"
        self.recognizer = recognizer(settings, state)

    def enrol(self, name: str, sight: Sight) -> Reply:
        """Keeps what was seen of a person; waits for another process that writes the file."""
        reply = kept(self.recognizer, name, sight.look)
        until = time.monotonic() + PATIENCE
        while reply.error == "unavailable" and "locked" in reply.message and time.monotonic() < until:
            time.sleep(TURN)
            reply = kept(self.recognizer, name, sight.look)
        return reply

    def people(self) -> Reply:
        """Who is known."""
        return people(self.recognizer, {}, _NOTHING)

    def forget(self, name: str) -> Reply:
        """Forgets somebody."""
        return forget(self.recognizer, {"name": name}, _NOTHING)


class _Nothing:
    """Without a service there is nothing in view."""

    frame = None

    def track(self, _number: int) -> None:
        return None


_NOTHING = _Nothing()


def recognizer(settings: Settings, state: Path | None) -> FaceRecognizer:
    """That of the settings; ``state`` None: with a gallery of its own, in memory. Raises ``ConfigError``."""
    found = resolve(DESCRIPTOR.factory)(
        settings.recognizer(DESCRIPTOR.name), lambda name: Model.load(name, settings.infer), state
    )
    assert isinstance(found, FaceRecognizer)
    return found


def runs(config: Path | None) -> bool:
    """Whether a service runs by these settings, and speaks to this user.

    Raises ``UnavailableError`` where one is there that does not.
    """
    try:
        ask("status", config=config, timeout=WITHIN)
    except NoServiceError:
        return False
    return True


def door(config: Path | None, settings: Settings) -> ServiceDoor | FileDoor:
    """The way to the gallery of ``settings``, which ``config`` holds."""
    return ServiceDoor(config) if runs(config) else FileDoor(settings, state_folder(config, settings))
