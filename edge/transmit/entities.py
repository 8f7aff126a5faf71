"""What Home Assistant is shown of any device: its camera, its commands, how it fares; and named readings.

Data only. What a recognizer adds stands in its descriptor. Value templates are Home Assistant's (Jinja). None
may raise on a payload that lacks a member or is no object, since each time would be an error in a stranger's
log: ``member`` writes the way to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.records import Entity

UNKNOWN = "none"
"""What a template gives where there is nothing: it prints None, which Home Assistant shows as unknown."""


@dataclass(frozen=True, slots=True)
class NamedReading:
    """A reading as Home Assistant is told of it: the number under ``readings/<name>``.

    ``name``: its last topic level. ``title``: for people. ``unit``, ``device_class`` (``water``) and
    ``state_class`` (``total_increasing``) as in Home Assistant's sensor; None: not said. ``decimals``: how
    many it has, None: not said.
    """

    name: str
    title: str
    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    decimals: int | None = None


def member(*path: str, otherwise: str = UNKNOWN) -> str:
    """The Jinja expression for a member of a JSON payload, or ``otherwise`` where there is none.

    ``member("loop", "fps")`` gives ``((value_json | default({}, true)).loop | …)``.
    """
    expression = "value_json"
    for name in path:
        expression = f"({expression} | default({{}}, true))['{name}']"
    return f"{expression} | default({otherwise})"


def template(*path: str) -> str:
    """A value template that gives a member, unknown where there is none."""
    return f"{{{{ {member(*path)} }}}}"


def of_device(*, snapshot: bool) -> tuple[Entity, ...]:
    """What every device shows; ``snapshot``: its pictures too."""
    return (*_CAMERA, *_COMMANDS, *(_SNAPSHOT if snapshot else ()), *_DIAGNOSTICS)


def threshold(recognizer: str) -> Entity:
    """The lowest score that a recognizer tells, to be set by hand."""
    return Entity(
        key=f"{recognizer}_threshold",
        platform="number",
        name=f"Threshold of {recognizer}",
        topic="settings",
        command="threshold",
        camera=False,
        options={
            "command_template": f'{{"recognizer": "{recognizer}", "value": {{{{ value }}}}}}',
            "value_template": template("thresholds", recognizer),
            "min": 0,
            "max": 1,
            "step": 0.01,
            "mode": "slider",
            "entity_category": "config",
            "icon": "mdi:tune-variant",
        },
    )


def of_readings(readings: Sequence[NamedReading]) -> tuple[Entity, ...]:
    """A sensor for each, and why its value is not a new one; only accepted values come to the first."""
    return tuple(entity for reading in readings for entity in (_value(reading), _error(reading)))


def _value(reading: NamedReading) -> Entity:
    told = {
        "unit_of_measurement": reading.unit,
        "device_class": reading.device_class,
        "state_class": reading.state_class,
        "suggested_display_precision": reading.decimals,
    }
    return Entity(
        key=f"reading_{reading.name}",
        platform="sensor",
        name=reading.title,
        topic=f"readings/{reading.name}",
        options={
            "value_template": template("value"),
            **{option: value for option, value in told.items() if value is not None},
        },
    )


def _error(reading: NamedReading) -> Entity:
    return Entity(
        key=f"reading_{reading.name}_error",
        platform="sensor",
        name=f"{reading.title}: error",
        topic=f"readings/{reading.name}",
        options={
            "value_template": "{{ " + member("error", otherwise="'ok'") + " or 'ok' }}",
            "entity_category": "diagnostic",
            "icon": "mdi:alert-circle-outline",
        },
    )


def _diagnostic(key: str, name: str, path: tuple[str, ...], **options: object) -> Entity:
    told = {"value_template": template(*path), "entity_category": "diagnostic", **options}
    return Entity(key, "sensor", name, topic="stats", camera=False, options=told)


_CAMERA = (
    Entity(
        key="camera_problem",
        platform="binary_sensor",
        name="Camera",
        topic="camera/status",
        camera=False,
        options={
            "device_class": "problem",
            "value_template": f"{{{{ 'OFF' if {member('state', otherwise=repr(''))} == 'ok' else 'ON' }}}}",
            "entity_category": "diagnostic",
            "json_attributes_template": (
                f"{{{{ {{'state': {member('state')}, 'reason': {member('reason')}}} | tojson }}}}"
            ),
        },
    ),
)

_COMMANDS = (
    Entity(
        key="detect",
        platform="switch",
        name="Detect",
        topic="settings",
        command="detect",
        camera=False,
        options={
            "payload_on": '{"on": true}',
            "payload_off": '{"on": false}',
            "state_on": "ON",
            "state_off": "OFF",
            "value_template": (
                f"{{% set on = {member('detect')} %}}"
                "{{ 'ON' if on is true else 'OFF' if on is false else none }}"
            ),
            "icon": "mdi:eye",
        },
    ),
)

_SNAPSHOT = (
    Entity(
        key="snapshot",
        platform="image",
        name="Snapshot",
        topic="snapshot",
        camera=False,
        options={"content_type": "image/jpeg"},
    ),
    Entity(
        key="take_snapshot",
        platform="button",
        name="Take a snapshot",
        command="snapshot",
        options={"payload_press": "{}", "icon": "mdi:camera"},
    ),
)

_MEASURED = {"state_class": "measurement"}

_DIAGNOSTICS = (
    _diagnostic(
        "temperature",
        "Temperature",
        ("temperature_c",),
        device_class="temperature",
        unit_of_measurement="°C",
        suggested_display_precision=0,
        **_MEASURED,
    ),
    _diagnostic(
        "fps",
        "Frame rate",
        ("loop", "fps"),
        unit_of_measurement="fps",
        suggested_display_precision=1,
        icon="mdi:speedometer",
        **_MEASURED,
    ),
    _diagnostic(
        "latency",
        "Latency",
        ("latency_ms", "total", "p50"),
        device_class="duration",
        unit_of_measurement="ms",
        suggested_display_precision=0,
        **_MEASURED,
    ),
    _diagnostic(
        "outbox",
        "Events waiting",
        ("outbox", "waiting"),
        icon="mdi:tray-full",
        **_MEASURED,
    ),
    _diagnostic(
        "memory",
        "Memory",
        ("memory_mb",),
        device_class="data_size",
        unit_of_measurement="MiB",
        suggested_display_precision=0,
        **_MEASURED,
    ),
    _diagnostic(
        "disk_free",
        "Disk left",
        ("device", "disk_free_mb"),
        device_class="data_size",
        unit_of_measurement="MiB",
        suggested_display_precision=0,
        **_MEASURED,
    ),
    Entity(
        key="throttled",
        platform="binary_sensor",
        name="Slowed down",
        topic="stats",
        camera=False,
        options={
            "device_class": "problem",
            "entity_category": "diagnostic",
            "value_template": (
                f"{{% set reasons = {member('device', 'throttled')} %}}"
                "{{ none if reasons is not sequence else 'ON' if reasons else 'OFF' }}"
            ),
        },
    ),
)
