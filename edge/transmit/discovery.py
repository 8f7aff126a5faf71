"""How Home Assistant finds this device: one retained message that describes all its entities.

``discovery`` is pure: from settings and entities to a topic and its payload, by the rules of Home Assistant's
MQTT integration (device discovery, since 2024.12): ``<prefix>/device/<device>/config`` with ``dev`` (the
device), ``o`` (who says so) and ``cmps`` (a component for each entity, by a key that stays). tests/transmit
hold what is made here to those rules, and to Home Assistant's own code.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from edge import __version__
from edge.records import LABEL, Entity
from edge.transmit.payload import encode
from edge.transmit.topics import AVAILABILITY, Topics

if TYPE_CHECKING:
    from edge.transmit.settings import HomeAssistantSettings

MOST = 200
"""Components at most; Home Assistant is asked to hold no more of one device. What is over that, or over
``largest`` bytes of payload, is left out and counted."""

ROOM = 4096
"""Bytes of the payload that are kept for its root and for what is gone."""

STALE = 3
"""A state that does not come again in so many of its turns is no longer believed (``expire_after``)."""

ORIGIN = "edge"

_CAMERA_STATUS = "camera/status"
_SEEN = "{{ 'online' if (value_json | default({}, true))['state'] | default('') == 'ok' else 'offline' }}"
_NOT_LATE = "{{ '' if (value_json | default({}, true))['late'] | default(false) else value }}"


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often states come again at least, in seconds: ``stats``, and all ``others`` (mqtt.heartbeat)."""

    stats: float
    others: float


@dataclass(frozen=True, slots=True)
class Discovery:
    """``topic`` and ``payload`` of the message; ``platforms`` of its components by key; ``dropped``: entities
    that found no room."""

    topic: str
    payload: Mapping[str, Any]
    platforms: Mapping[str, str]
    dropped: int = 0

    def encoded(self, gone: Mapping[str, str] | None = None) -> bytes:
        """As JSON. ``gone``: platforms by key of what was told earlier and is no more; naming nothing but
        the platform makes Home Assistant forget a component."""
        components = {**self.payload["cmps"], **{key: {"p": name} for key, name in (gone or {}).items()}}
        return encode({**self.payload, "cmps": components})


def discovery_topic(settings: HomeAssistantSettings, topics: Topics) -> str:
    """Where this device is described."""
    return f"{settings.prefix}/device/{topics.device}/config"


def discovery(
    settings: HomeAssistantSettings,
    topics: Topics,
    entities: Sequence[Entity],
    repeats: Repeats,
    *,
    largest: int,
) -> Discovery:
    """The message for these entities, in their order. ``largest``: bytes that its payload may have."""
    identity = f"{_slug(topics.base)}_{topics.device}"
    components: dict[str, Any] = {}
    left = largest - ROOM
    for entity in entities[:MOST]:
        component = _component(entity, settings, topics, identity, repeats)
        left -= len(encode({entity.key: component}))
        if left < 0:
            break
        components[entity.key] = component
    device = {
        "ids": [identity],
        "name": settings.name or _title(topics.device),
        "mf": ORIGIN,
        "mdl": "Camera",
        "sw": __version__,
        **({"sa": settings.area} if settings.area else {}),
    }
    payload = {
        "dev": device,
        "o": {"name": ORIGIN, "sw": __version__},
        "avty": [_available(topics)],
        "avty_mode": "all",
        "cmps": components,
    }
    platforms = {key: str(component["p"]) for key, component in components.items()}
    return Discovery(discovery_topic(settings, topics), payload, platforms, len(entities) - len(components))


def of_labels(entity: Entity, labels: Iterable[str]) -> tuple[Entity, ...]:
    """An entity for each label (each person's presence), where ``entity`` has ``LABEL`` standing in for it.

    ``labels`` may be anything that a person, or a message, has ever called somebody: in a template each is a
    quoted literal without a character that means something there.
    """
    return tuple(_of_label(entity, label) for label in sorted(set(labels)))


def literal(text: str) -> str:
    """``text`` as a string of a Jinja template: letters, digits and blanks as they are, all else escaped."""
    signs = (sign if sign == " " or (sign.isascii() and sign.isalnum()) else _escaped(sign) for sign in text)
    return f"'{''.join(signs)}'"


def _of_label(entity: Entity, label: str) -> Entity:
    # A name may be long, or differ from another in a sign that no key can hold: a digest tells them apart.
    digest = sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    options = {
        name: value.replace(LABEL, literal(label)) if isinstance(value, str) else value
        for name, value in entity.options.items()
    }
    key = "_".join(part for part in (entity.key, _slug(label)[:40], digest) if part)
    return replace(entity, key=key, name=entity.name.replace(LABEL, _shown(label)), options=options)


def _component(
    entity: Entity, settings: HomeAssistantSettings, topics: Topics, identity: str, repeats: Repeats
) -> dict[str, Any]:
    """The options of one component; what is said here comes before what the payload's root says."""
    told: dict[str, Any] = {
        "p": entity.platform,
        "unique_id": f"{identity}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{_slug(f'{topics.device} {entity.name}')}",
        "name": entity.name,
        "qos": 0 if entity.topic in ("stats", "snapshot") else 1,
    }
    if entity.camera:
        told["availability"] = [_available(topics), _camera_available(topics)]
    if entity.topic is not None:
        told["image_topic" if entity.platform == "image" else "state_topic"] = topics.full(entity.topic)
        if "json_attributes_template" in entity.options:
            told["json_attributes_topic"] = topics.full(entity.topic)
    if entity.command is not None:
        told["command_topic"] = topics.full(f"cmd/{entity.command}")
    if entity.platform == "event" and not settings.late_events:
        told["value_template"] = _NOT_LATE
    if entity.platform in ("sensor", "binary_sensor"):
        told["expire_after"] = round(STALE * (repeats.stats if entity.topic == "stats" else repeats.others))
    return {**told, **entity.options}


def _available(topics: Topics) -> dict[str, str]:
    return {"topic": topics.full(AVAILABILITY)}


def _camera_available(topics: Topics) -> dict[str, str]:
    return {"topic": topics.full(_CAMERA_STATUS), "value_template": _SEEN}


def _slug(text: str) -> str:
    """What may stand in an entity id: ``[a-z0-9_]``, of ``Zoë`` zoe."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def _title(device: str) -> str:
    """``front-door`` -> Front door."""
    words = re.sub(r"[_-]+", " ", device).strip() or device
    return words[:1].upper() + words[1:]


def _shown(label: str) -> str:
    """A label as a name of an entity: one line, and not endless."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in label)[:60]


def _escaped(sign: str) -> str:
    number = ord(sign)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
