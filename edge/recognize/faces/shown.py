"""What others may know of faces, as data: the commands that they take, and what Home Assistant shows."""

from __future__ import annotations

from edge.records import LABEL, Command, Entity, Parameter

_NAME = Parameter("name", "text")
_TRACK = Parameter("track", "whole", low=0)

COMMANDS = (
    Command(
        "enroll",
        "gets to know a person: from a picture of that face alone, or from a track that is in view",
        "edge.recognize.faces.obey:enroll",
        (
            _NAME,
            Parameter("jpeg", "base64", required=False),
            Parameter("track", "whole", required=False, low=0),
        ),
    ),
    Command(
        "deny",
        "a track in view is not that person: the name goes at once, and does not come to a look-alike",
        "edge.recognize.faces.obey:deny",
        (_NAME, _TRACK),
    ),
    Command("forget", "forgets a person for good", "edge.recognize.faces.obey:forget", (_NAME,)),
    Command("people", "tells who is known", "edge.recognize.faces.obey:people", changes=False),
)

_MOST_SIGNS = 255
"""Home Assistant holds no longer state of a sensor."""

_STATE = "(value_json | default({}, true))"
_PRESENT = f"{{% set present = {_STATE}['present'] | default(none) %}}"
# A text is a sequence too; whatever is in the list, nothing of it may raise.
_IS_LIST = "present is sequence and present is not string and present is not mapping"
_NAMES = "present | select('mapping') | map(attribute='name', default='')"


def _count(member: str) -> str:
    return f"{{{{ {_STATE}['{member}'] | default(none) }}}}"


ENTITIES = (
    Entity(
        key="face",
        platform="event",
        name="Face",
        topic="faces/event",
        options={"event_types": ["new", "update", "end"], "icon": "mdi:face-recognition"},
    ),
    Entity(
        key="people_present",
        platform="sensor",
        name="People present",
        topic="faces/state",
        options={
            "value_template": f"{_PRESENT}{{{{ present | count if {_IS_LIST} else none }}}}",
            "state_class": "measurement",
            "icon": "mdi:account-group",
        },
    ),
    Entity(
        key="names_present",
        platform="sensor",
        name="Names of people present",
        topic="faces/state",
        options={
            # An empty state would be ignored, and the last one stand for ever: none is shown as unknown.
            "value_template": (
                f"{_PRESENT}{{{{ ({_NAMES} | join(', '))[:{_MOST_SIGNS}]"
                f" if {_IS_LIST} and present else none }}}}"
            ),
            "icon": "mdi:account-details",
        },
    ),
    Entity(
        key="unknown_people",
        platform="sensor",
        name="Unknown people",
        topic="faces/state",
        options={
            "value_template": _count("unknown"),
            "state_class": "measurement",
            "icon": "mdi:account-question",
        },
    ),
)

PRESENT = Entity(
    key="present",
    platform="binary_sensor",
    name=f"{LABEL} present",
    topic="faces/state",
    options={
        "device_class": "occupancy",
        "value_template": (
            f"{_PRESENT}{{{{ 'ON' if {_IS_LIST} and {LABEL} in ({_NAMES} | list) else 'OFF' }}}}"
        ),
        "icon": "mdi:account",
    },
)
"""Of each enrolled person."""
