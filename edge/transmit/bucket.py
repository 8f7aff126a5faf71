"""How often something may happen: a token bucket."""

from __future__ import annotations


class Bucket:
    """``burst`` at once, ``per_minute`` in the long run. ``now``: monotonic seconds."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._rate = per_minute / 60
        self._most = float(burst)
        self._level = self._most
        self._filled: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more is allowed now; it is taken then."""
        self._fill(now)
        if self._level < 1:
            return False
        self._level -= 1
        return True

    def full(self, now: float) -> bool:
        """Whether all of it is there again: it has been calm for a while."""
        self._fill(now)
        return self._level >= self._most

    def _fill(self, now: float) -> None:
        elapsed = 0.0 if self._filled is None else max(now - self._filled, 0.0)
        self._level = min(self._most, self._level + elapsed * self._rate)
        self._filled = now
