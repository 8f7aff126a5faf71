"""Digits in a whole picture: found by local contrast, named by a small network, or rejected."""

from edge.recognize.descriptor import Descriptor
from edge.records import Entity

_MOST_SIGNS = 255
"""Home Assistant holds no longer state of a sensor."""

_ENTITIES = (
    Entity(
        key="digit",
        platform="event",
        name="Digit",
        topic="digits/event",
        options={"event_types": ["new", "update", "end"], "icon": "mdi:numeric"},
    ),
    Entity(
        key="digits",
        platform="sensor",
        name="Digits in view",
        topic="digits/state",
        options={
            "value_template": (
                "{% set digits = (value_json | default({}, true))['digits'] | default(none) %}"
                "{{ digits | count if digits is sequence else none }}"
            ),
            "state_class": "measurement",
            "icon": "mdi:numeric",
        },
    ),
    Entity(
        key="numbers",
        platform="sensor",
        name="Numbers in view",
        topic="digits/state",
        options={
            # An empty state would be ignored, and the last one stand for ever: none is shown as unknown.
            "value_template": (
                "{% set numbers = (value_json | default({}, true))['numbers'] | default(none) %}"
                "{{ (numbers | map(attribute='text', default='') | join(' '))"
                f"[:{_MOST_SIGNS}] if numbers is sequence and numbers else none }}}}"
            ),
            "icon": "mdi:text-recognition",
        },
    ),
)

DESCRIPTOR = Descriptor(
    name="digits",
    summary="handwritten and printed digits, and the numbers that they form",
    settings="edge.recognize.digits.settings:DigitsSettings",
    factory="edge.recognize.digits.recognizer:build",
    label="digit",
    label_type="integer",
    items="digits",
    cooldown="place",
    numbers=True,
    entities=_ENTITIES,
)
