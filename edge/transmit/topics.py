"""The names of topics, and how each is sent: one table.

Names are relative to the device (``digits/event``); ``Topics.full`` puts base and device in front.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from edge.errors import FaultError
from edge.transmit.payload import SCHEMA
from edge.transmit.properties import MessageProperties

AVAILABILITY = "availability"
ONLINE = b"online"
OFFLINE = b"offline"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a topic is sent. ``fades``: a broker of MQTT 5 forgets it if it is not refreshed."""

    retain: bool
    qos: int
    fades: bool = False
    content: str = "application/json"


RULES = {
    AVAILABILITY: Rule(retain=True, qos=1, content="text/plain"),
    "camera/status": Rule(retain=True, qos=1, fades=True),
    "*/event": Rule(retain=False, qos=1),
    "*/state": Rule(retain=True, qos=1, fades=True),
    "readings/*": Rule(retain=True, qos=1, fades=True),
    "settings": Rule(retain=True, qos=1),
    "snapshot": Rule(retain=False, qos=0, content="image/jpeg"),
    "stats": Rule(retain=True, qos=0, fades=True),
    "cmd/*/result": Rule(retain=False, qos=1),
}
"""By the relative name; ``*`` is one level, or more where a name has more."""


def rule(topic: str) -> Rule:
    """How a relative topic is sent. Raises ``FaultError`` for one that the table does not know."""
    found = RULES.get(topic) or next((how for name, how in RULES.items() if fnmatchcase(topic, name)), None)
    if found is None:
        raise FaultError(f"no rule for the topic {topic!r}", "edge/transmit/topics.py lists those that exist")
    return found


HEARTBEATS = 3
"""Heartbeats without which a state fades: two may be lost."""


@cache
def said(how: Rule, heartbeat: float) -> MessageProperties:
    """What MQTT 5 says beside the payload of a topic. ``heartbeat``: seconds between two sendings of a state.

    A device that has gone for good leaves no states behind that look like today's. A connection that comes
    back refreshes all of them at once, so only one that is away for longer lets them fade.
    """
    expiry = max(round(HEARTBEATS * heartbeat), 1) if how.fades else None
    return MessageProperties(how.content, expiry, user=(("schema", str(SCHEMA)),))


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
