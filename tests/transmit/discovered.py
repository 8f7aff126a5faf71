"""Payloads of discovery as devices make them: with readings, with people, by other names."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from edge.entities import describe, entities
from edge.records import LABEL, Entity
from edge.settings.compose import Settings, settings_class
from edge.transmit.discovery import Discovery, of_labels
from edge.transmit.entities import NamedReading

READINGS = (
    NamedReading("water", "Water", "m³", "water", "total_increasing", 3),
    NamedReading("gas-meter", "Gas", "m³", "gas", "total_increasing", 2),
    NamedReading("score", "Score of the home team"),
)

PRESENCE = Entity(
    key="present",
    platform="binary_sensor",
    name=f"{LABEL} present",
    topic="faces/state",
    options={
        "device_class": "occupancy",
        "value_template": (
            "{% set present = (value_json | default({}, true))['present'] | default([]) %}"
            "{{ 'ON' if present is sequence and"
            f" present | selectattr('name', 'equalto', {LABEL}) | list else 'OFF' }}}}"
        ),
    },
)
"""As the descriptor of a recognizer of people may have it, with the event."""

FACE = Entity(
    key="face",
    platform="event",
    name="Face",
    topic="faces/event",
    options={"event_types": ["new", "update", "end"]},
)

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
    chosen = settings(home_assistant={"snapshot": True, "area": "Hall", "name": "Front door"})
    return describe(chosen, (*entities(chosen, READINGS), FACE, *of_labels(PRESENCE, NAMES)))


def components() -> dict[str, dict[str, Any]]:
    """As the message says them."""
    found: dict[str, dict[str, Any]] = json.loads(full().encoded())["cmps"]
    return found
