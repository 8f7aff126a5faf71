"""Payloads of discovery as devices make them: with readings, with people, by other names."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from edge.entities import describe, entities
from edge.recognize.faces.shown import PRESENT
from edge.settings.compose import Settings, settings_class
from edge.transmit.discovery import Discovery
from edge.transmit.entities import NamedReading

READINGS = (
    NamedReading("water", "Water", "m³", "water", "total_increasing", 3),
    NamedReading("gas-meter", "Gas", "m³", "gas", "total_increasing", 2),
    NamedReading("score", "Score of the home team"),
)

PRESENCE = PRESENT
"""Of each person, as the recognizer of faces has it."""

NAMES = (
    "Ada",
    "Zoë Müller",
    "O'Hara",
    "{{ 1/0 }}",
    "a'}}{% raw %}",
    "\\",
    "李雷",
    "😀",
    "\n",
    " ",
    "x" * 300,
)
"""What somebody may be called, by people who mean well and by others."""


def settings(**sections: Any) -> Settings:
    """The settings of a device ``hall``."""
    return settings_class().model_validate({"device": {"name": "hall"}, **sections})


@cache
def full() -> Discovery:
    """All that a device can have: everything switched on, readings, people with any names."""
    chosen = settings(
        home_assistant={"snapshot": True, "area": "Hall", "name": "Front door"},
        recognizers=("digits", "faces"),
    )
    return describe(chosen, entities(chosen, READINGS, {"faces": NAMES}))


def components() -> dict[str, dict[str, Any]]:
    """As the message says them."""
    found: dict[str, dict[str, Any]] = json.loads(full().encoded())["cmps"]
    return found
