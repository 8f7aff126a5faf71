"""A fleet by what its devices publish: a line for each, for ``edge watch --fleet``.

Everything comes from a broker to which others may write. Names that no device can have are left out, texts
lose what could steer a terminal, numbers must be numbers, and there is room for so many devices and no more.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edge.transmit.legible import legible

MOST = 2000
"""Devices at most; further ones are left out and counted. A person looks at fewer, a screen holds fewer."""

LARGEST = 262_144
"""Bytes of a message that is read; edge's own are smaller."""

LONGEST = 48
"""Signs of a text that is shown."""

DEVICE = re.compile(r"[a-z0-9_-]{1,64}")
TOPICS = ("availability", "camera/status", "stats", "+/event")
"""What is followed of each device, below its name."""

_LABELS = ("digit", "name", "label")
"""What recognizers call what an event is about."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is known of a device; None: nothing was heard of it. ``event_time``: RFC 3339, by its clock."""

    device: str
    online: bool | None = None
    camera: str | None = None
    reason: str | None = None
    fps: float | None = None
    outbox: int | None = None
    version: str | None = None
    event: str | None = None
    event_time: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether nobody need look."""
        return self.online is True and self.camera in ("ok", None)


class Fleet:
    """Thread-safe: filled by the subscriber's thread, read by the one that draws."""

    def __init__(self, base: str) -> None:
        """``base``: what the topics of all devices begin with."""
        self._base = f"{base}/"
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}
        self._counts = {"not_a_device": 0, "not_understood": 0, "no_room": 0}

    def take(self, topic: str, payload: bytes) -> Line | None:
        """Takes in a message; gives the device's line where it has changed."""
        device, _, rest = topic.removeprefix(self._base).partition("/")
        with self._lock:
            if not (topic.startswith(self._base) and DEVICE.fullmatch(device)):
                self._counts["not_a_device"] += 1
                return None
            before = self._lines.get(device)
            if before is None and len(self._lines) >= MOST:
                self._counts["no_room"] += 1
                return None
            change = _change(rest, payload)
            if change is None:
                self._counts["not_understood"] += 1
                return None
            after = replace(before or Line(device), **change)
            self._lines[device] = after
            return after if after != before else None

    def lines(self) -> list[Line]:
        """All devices, those that want looking after first, then by name."""
        with self._lock:
            return sorted(self._lines.values(), key=lambda line: (line.is_well, line.device))

    def counters(self) -> dict[str, int]:
        """Messages left out: ``not_a_device`` by its name, ``not_understood``, ``no_room`` for one more."""
        with self._lock:
            return dict(self._counts)


def as_json(line: Line) -> str:
    """One object: the members of ``Line``."""
    return json.dumps(asdict(line))


def _change(topic: str, payload: bytes) -> Mapping[str, Any] | None:
    """What a message says of its device, by members of ``Line``; None where that cannot be made out."""
    if topic == "availability":
        known = {b"online": True, b"offline": False}
        return {"online": known[payload]} if payload in known else None
    told = _object(payload)
    if told is None:
        return None
    if topic == "camera/status":
        return {"camera": _text(told.get("state")), "reason": _text(told.get("reason"))}
    if topic == "stats":
        loop, outbox, versions = (_part(told, name) for name in ("loop", "outbox", "versions"))
        return {
            "fps": _number(loop.get("fps")),
            "outbox": _count(outbox.get("waiting")),
            "version": _text(versions.get("edge")),
        }
    recognizer, _, rest = topic.partition("/")
    if rest == "event" and isinstance(told.get("event_type"), str):
        label = next((_text(told[name]) for name in _LABELS if name in told), None)
        late = "(late)" if told.get("late") is True else None
        words = (_text(recognizer), _text(told["event_type"]), label, late)
        return {"event": " ".join(filter(None, words)), "event_time": _text(told.get("time"))}
    return None


def _object(payload: bytes) -> dict[str, Any] | None:
    if len(payload) > LARGEST:
        return None
    try:
        told = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return legible(value, LONGEST)
    return str(number) if (number := _count(value)) is not None else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    # The comparison alone would do but for NaN; a whole number may have more figures than a float can hold.
    return round(float(value), 2) if abs(value) < 1e9 and not math.isnan(value) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12 else None
