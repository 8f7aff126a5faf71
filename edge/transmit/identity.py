"""What makes events distinct for ever: UUIDs of version 7, and the id of this boot."""

from __future__ import annotations

import secrets
import threading
import uuid
from pathlib import Path

from edge.clock import Clock, unix_milliseconds

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

COUNTER_BITS = 12
RANDOM_BITS = 62


class Identities:
    """UUIDv7 after RFC 9562, section 6.2, method 1: Unix milliseconds, 12 bits of counter, 62 of chance.

    They rise strictly within a process, also when the clock steps back: the time then stands until the
    clock has caught up. Over restarts they are distinct by the 62 random bits, whatever the clock says.
    Thread-safe.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = 0
        """Milliseconds and counter of the newest id, as one number, so that a full counter carries over."""

    def new(self) -> str:
        """The next id, in the usual 36 characters."""
        milliseconds = unix_milliseconds(self._clock.wall())
        # The counter begins in its lower half, so that ids of one millisecond rarely carry into the next.
        fresh = milliseconds << COUNTER_BITS | secrets.randbits(COUNTER_BITS - 1)
        with self._lock:
            self._last = max(self._last + 1, fresh)
            stamp = self._last
        high = stamp >> COUNTER_BITS << 16 | 0x7000 | stamp & (1 << COUNTER_BITS) - 1
        low = 0b10 << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        return str(uuid.UUID(int=high << 64 | low))


def boot_id() -> str:
    """The kernel's id of this boot; where there is none, one of this process, which no other can share."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return str(uuid.uuid4())
