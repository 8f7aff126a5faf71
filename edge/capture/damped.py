"""A log that keeps its calm: what changes is said at once, what keeps changing is counted."""

from __future__ import annotations

import logging

BURST = 6
WINDOW = 600.0
"""So many lines in so many seconds; a camera that comes and goes would else write two lines a second."""

CALM = 60.0
"""Seconds without a change after which the last one that was held back is said."""


class Damped:
    """Lines about one thing that has states. Owned by one thread; ``now`` is monotonic seconds."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._said: list[float] = []
        self._held = 0
        self._last: tuple[int, str, float] = logging.DEBUG, "", 0.0

    def say(self, level: int, message: str, now: float) -> None:
        """Says it, or counts it where too much was said lately; then it is said for debugging only."""
        self._said = [moment for moment in self._said if now - moment < WINDOW]
        if len(self._said) < BURST:
            self._said.append(now)
            self._tell(level, message)
        else:
            self._held += 1
            self._last = level, message, now
            self._log.debug("%s", message)

    def rest(self, now: float) -> None:
        """To be called now and then: says how it ended up, once it has calmed down or a window is full."""
        level, message, moment = self._last
        if self._held and (now - moment >= CALM or now - self._said[-1] >= WINDOW):
            self._said = [*self._said[1 - BURST :], now]
            self._tell(level, message)

    def _tell(self, level: int, message: str) -> None:
        more, self._held = self._held, 0
        self._log.log(level, "%s%s", message, f" (after {more} changes that were not told)" if more else "")
