"""When something happened, told so that its age is known after a stepped clock and after a reboot."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

TIME_ERROR = 5
"""What adjtimex(2) returns while nothing keeps the clock in step."""

TIMEX_WORDS = 64
"""More room than ``struct timex`` takes on any 64-bit Linux."""


TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd once the clock is kept."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time on both clocks. ``synced``: whether the wall clock was kept by NTP or the like."""

    boot: str
    monotonic_ns: int
    wall_ms: int
    synced: bool


class Delay(NamedTuple):
    """How long ago: exactly, or (not ``exact``) at least."""

    milliseconds: int
    exact: bool


def delay(then: Moment, now: Moment) -> Delay:
    """How long ``then`` is ago.

    Within a boot the monotonic clock tells. Over a reboot the wall clock does, but only if it was kept
    at both times; otherwise no more is known than that it was before this boot, which is as old as the
    monotonic clock.
    """
    if then.boot == now.boot:
        return Delay(max(now.monotonic_ns - then.monotonic_ns, 0) // 1_000_000, exact=True)
    since_boot = now.monotonic_ns // 1_000_000
    by_wall = now.wall_ms - then.wall_ms
    if then.synced and now.synced and by_wall >= since_boot:
        return Delay(by_wall, exact=True)
    return Delay(since_boot, exact=False)


def clock_synced() -> bool:
    """Whether the clock is kept: by the kernel, or where a sandbox forbids to ask it, by timesyncd."""
    try:
        # Read only: with modes 0, adjtimex(2) sets nothing and needs no capability.
        state = ctypes.CDLL(None).adjtimex((ctypes.c_long * TIMEX_WORDS)())
    except (OSError, AttributeError):
        state = -1
    return TIMESYNCD.exists() if state < 0 else bool(state < TIME_ERROR)
