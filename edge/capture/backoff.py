"""How long to wait before a lost source is opened again."""

from __future__ import annotations

import random

STEADY = 10.0
"""Seconds of frames after which a source counts as back; one that comes and goes is not tried ever faster."""

PROMPT = 8.0
"""Seconds that no wait exceeds while the outage is short, so that what returns is seen within ten."""

SHARE = 8
"""Later no wait is longer than this part of the outage: after four minutes that is 30 seconds."""


class Backoff:
    """Counts failures and gives waits. Owned by one thread; ``now`` is monotonic seconds."""

    def __init__(self, first: float, most: float) -> None:
        """``first`` and ``most``: the shortest and the longest wait, seconds."""
        self._first = first
        self._most = most
        self._since = 0.0
        self._back = 0.0
        self.failures = 0

    def failed(self, now: float) -> float:
        """It failed; gives the seconds to wait.

        They double up to their bound, and are random, so that a fleet does not come back as one.
        """
        if not self.failures:
            self._since = now
        self.failures += 1
        bound = max(PROMPT, (now - self._since) / SHARE)
        longest = min(self._most, bound, self._first * 2.0 ** min(self.failures - 1, 30))
        return random.uniform(self._first, max(longest, self._first))  # noqa: S311  (no secret hangs on it)

    def opened(self, now: float) -> None:
        """Frames come again, from now on."""
        self._back = now

    def frame(self, now: float) -> None:
        """A frame came; the failures are forgotten once that lasts."""
        if self.failures and now - self._back >= STEADY:
            self.failures = 0
