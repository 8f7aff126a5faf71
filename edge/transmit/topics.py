"""The names of topics, and how each is sent: one table.

Names are relative to the device (``digits/event``); ``Topics.full`` puts base and device in front.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from edge.errors import FaultError

AVAILABILITY = "availability"
ONLINE = b"online"
OFFLINE = b"offline"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a topic is sent."""

    retain: bool
    qos: int


RULES = {
    AVAILABILITY: Rule(retain=True, qos=1),
    "camera/status": Rule(retain=True, qos=1),
    "*/event": Rule(retain=False, qos=1),
    "*/state": Rule(retain=True, qos=1),
    "readings/*": Rule(retain=True, qos=1),
    "settings": Rule(retain=True, qos=1),
    "snapshot": Rule(retain=False, qos=0),
    "stats": Rule(retain=True, qos=0),
    "cmd/*/result": Rule(retain=False, qos=1),
}
"""By the relative name; ``*`` is one level, or more where a name has more."""


def rule(topic: str) -> Rule:
    """How a relative topic is sent. Raises ``FaultError`` for one that the table does not know."""
    found = RULES.get(topic) or next((how for name, how in RULES.items() if fnmatchcase(topic, name)), None)
    if found is None:
        raise FaultError(f"no rule for the topic {topic!r}", "edge/transmit/topics.py lists those that exist")
    return found


def event_topic(recognizer: str) -> str:
    """The relative topic of a recognizer's events."""
    return f"{recognizer}/event"


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of one device."""

    base: str
    device: str

    def full(self, topic: str) -> str:
        """``digits/event`` -> ``edge/kitchen/digits/event``."""
        return f"{self.base}/{self.device}/{topic}"
