"""The clocks, so that tests can own time: monotonic for ages, wall for people; and times as text."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """Both clocks."""

    def monotonic_ns(self) -> int:
        """Nanoseconds that never step."""
        ...

    def wall(self) -> datetime:
        """UTC now; may step."""
        ...


class SystemClock:
    """The machine's clocks."""

    def monotonic_ns(self) -> int:
        """``CLOCK_MONOTONIC`` in nanoseconds."""
        return time.monotonic_ns()

    def wall(self) -> datetime:
        """UTC now."""
        return datetime.now(timezone.utc)


def rfc3339(moment: datetime) -> str:
    """A UTC time as RFC 3339 with milliseconds: ``2026-11-21T09:30:00.125Z``."""
    return (
        moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )


def from_rfc3339(text: str) -> datetime:
    """The UTC time of such a text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def unix_milliseconds(moment: datetime) -> int:
    """A time as whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)
