"""What Home Assistant's documentation asks of a device's discovery payload, as checks.

Written from its pages on the MQTT integration (discovery; sensor, binary sensor, event, image, number,
switch, button) and on entities and sensor classes, as of the releases since 2024.12. Each complaint is a
sentence; no complaint is no proof, so the slow tests put the same payloads to Home Assistant's own code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TOPIC = re.compile(r"[^+#\x00-\x1f]+/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")
ENTITY_ID = re.compile(r"([a-z_]+)\.[a-z0-9]+(?:_[a-z0-9]+)*")
JINJA = re.compile(r"\{\{.*\}\}|\{%.*%\}", re.DOTALL)

ROOT = {"dev", "o", "cmps", "avty", "avty_mode", "qos", "encoding", "state_topic", "command_topic"}
DEVICE = {"ids", "cns", "name", "mf", "mdl", "mdl_id", "sw", "hw", "sn", "sa", "cu", "via_device"}

SHARED = {
    "p", "unique_id", "default_entity_id", "name", "qos", "encoding", "availability", "availability_mode",
    "icon", "entity_category", "enabled_by_default", "json_attributes_topic", "json_attributes_template",
}  # fmt: skip
"""Options of every entity."""

READ = {"state_topic", "value_template", "device_class"}
OPTIONS = {
    "binary_sensor": READ | {"payload_on", "payload_off", "expire_after", "off_delay"},
    "button": {"command_topic", "payload_press", "device_class"},
    "event": READ | {"event_types"},
    "image": {"image_topic", "content_type", "image_encoding"},
    "number": READ
    | {"command_topic", "command_template", "min", "max", "step", "mode", "unit_of_measurement"},
    "sensor": READ
    | {"expire_after", "state_class", "unit_of_measurement", "suggested_display_precision", "options"},
    "switch": READ | {"command_topic", "payload_on", "payload_off", "state_on", "state_off"},
}
REQUIRED = {
    "binary_sensor": {"state_topic"},
    "button": {"command_topic"},
    "event": {"state_topic", "event_types"},
    "image": {"image_topic"},
    "number": {"command_topic"},
    "sensor": {"state_topic"},
    "switch": {"command_topic"},
}

TOTAL = {"total", "total_increasing"}
CLASSES: dict[str, tuple[set[str], set[str]]] = {
    "temperature": ({"°C", "°F", "K"}, {"measurement"}),
    "duration": ({"d", "h", "min", "s", "ms"}, {"measurement", *TOTAL}),
    "data_size": ({"B", "kB", "MB", "GB", "KiB", "MiB", "GiB"}, {"measurement", *TOTAL}),
    "water": ({"m³", "ft³", "CCF", "gal", "L"}, TOTAL),
    "gas": ({"m³", "ft³", "CCF"}, TOTAL),
    "energy": ({"Wh", "kWh", "MWh", "GJ", "MJ"}, TOTAL),
}
"""Units and state classes that a sensor's device class goes with; those that edge names or its users do."""


def complaints(topic: str, payload: dict[str, Any]) -> list[str]:
    """What is wrong with the message."""
    return [*_root(topic, payload), *_identities(payload), *_components(payload)]


def _root(topic: str, payload: dict[str, Any]) -> Iterator[str]:
    if not TOPIC.fullmatch(topic):
        yield f"{topic}: no topic of discovery"
    yield from (f"{key}: not known at the root" for key in payload.keys() - ROOT)
    yield from (f"{key}: missing at the root" for key in {"dev", "o", "cmps"} - payload.keys())
    device, origin = payload.get("dev", {}), payload.get("o", {})
    if not (device.get("ids") or device.get("cns")):
        yield "dev: neither ids nor cns"
    yield from (f"dev.{key}: not known" for key in device.keys() - DEVICE)
    if not origin.get("name"):
        yield "o: no name"
    if payload.get("avty_mode", "latest") not in ("all", "any", "latest"):
        yield "avty_mode: all, any or latest"


def _identities(payload: dict[str, Any]) -> Iterator[str]:
    entities = [one for one in payload["cmps"].values() if one.keys() != {"p"}]
    unique = [one.get("unique_id") for one in entities]
    if len(set(unique)) < len(unique):
        yield "a unique_id stands twice"


def _components(payload: dict[str, Any]) -> Iterator[str]:
    device = payload["dev"].get("name", "")
    for key, component in payload["cmps"].items():
        # It becomes a part of a topic-like id that is split at blanks.
        if not re.fullmatch(r"[a-zA-Z0-9_-]+", key):
            yield f"{key}: a key has letters, digits, _ and -"
        if component.keys() == {"p"}:
            continue  # this takes a component back
        yield from (f"{key}: {words}" for words in _component(component, device))


def _component(component: dict[str, Any], device: str) -> Iterator[str]:
    platform = component.get("p")
    if platform not in OPTIONS:
        yield f"p: {platform} is no platform that we know the rules of"
        return
    yield from (f"{name}: not known for {platform}" for name in component.keys() - OPTIONS[platform] - SHARED)
    yield from (f"{name}: missing" for name in (REQUIRED[platform] | {"unique_id"}) - component.keys())
    entity_id = ENTITY_ID.fullmatch(component.get("default_entity_id", ""))
    if entity_id is None or entity_id[1] != platform:
        yield f"default_entity_id: {platform}.<letters, digits, _>"
    name = component.get("name")
    if name and device and name.lower().startswith(device.lower()):
        yield "name: repeats the device's, which Home Assistant puts in front"
    if component.get("qos", 0) not in (0, 1, 2):
        yield "qos: 0, 1 or 2"
    for option, value in component.items():
        if option.endswith("_topic") and re.search(r"[+#\x00]", value):
            yield f"{option}: wildcards"
        if option.endswith("_template") and not JINJA.search(value):
            yield f"{option}: nothing is computed in it"
    if ("json_attributes_template" in component) != ("json_attributes_topic" in component):
        yield "json_attributes: template and topic go together"
    yield from _of_platform(platform, component)


def _of_platform(platform: str, component: dict[str, Any]) -> Iterator[str]:
    category = component.get("entity_category")
    allowed = (
        (None, "diagnostic") if platform in ("sensor", "binary_sensor") else (None, "config", "diagnostic")
    )
    if category not in allowed:
        yield f"entity_category: {category} is not for {platform}"
    expires = component.get("expire_after", 1)
    if not isinstance(expires, int) or expires < 1:
        yield "expire_after: whole seconds"
    if platform == "event" and not component.get("event_types"):
        yield "event_types: at least one"
    if platform == "number" and not component.get("min", 1) < component.get("max", 100):
        yield "min and max: no range"
    if platform == "sensor":
        yield from _sensor(component)


def _sensor(component: dict[str, Any]) -> Iterator[str]:
    unit, state_class = component.get("unit_of_measurement"), component.get("state_class")
    device_class = component.get("device_class")
    if component.get("options") is not None and (device_class != "enum" or unit or state_class):
        yield "options: only with device_class enum, without unit and state_class"
    if device_class is None:
        return
    if device_class not in CLASSES:
        yield f"device_class: {device_class} has no rule here; write it down"
        return
    units, state_classes = CLASSES[device_class]
    if unit not in units:
        yield f"unit_of_measurement: {unit} does not go with {device_class}"
    if state_class is not None and state_class not in state_classes:
        yield f"state_class: {state_class} does not go with {device_class}"
