"""The governor: fewer frames while the board is too hot or the process takes too much, and back again.

A pure step function of temperature, share of a processor and time. Down quickly, one step at a time, so that
each step can show what it does; up slowly, and only where the share that the next step would take fits into
the budget (the work is proportional to the frames), so that it does not swing between two steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

STEP = 0.75
"""Each step down leaves so much of the frame rate."""

LEAST = 1.0
"""Frames per second that are left to the hottest board: below that a passing thing is not seen."""

COOLER = 5.0
"""Degrees Celsius below the limit before a step is taken back."""

LOWER_AFTER = 10.0
"""Seconds from one step to the next one down: a heat sink answers no faster, nor does the measured share."""

RAISE_AFTER = 30.0
"""Seconds from any step to the next one up."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``temperature`` in degrees Celsius, ``share`` of one core (2: two cores); None: no limit."""

    temperature: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """``fps``: frames per second that are allowed now. ``reason``: in words why fewer than were asked for,
    None: all are. ``changed``: -1 where this call lowered them, 1 where it raised them, else 0."""

    fps: float
    reason: str | None
    changed: int = 0


class Governor:
    """One thread; ``now``: monotonic seconds, never going back."""

    def __init__(self, limits: Limits, fps: float) -> None:
        """``fps``: frames per second that are asked for."""
        self._limits = limits
        self._full = fps
        self._steps = 0
        self._reason: str | None = None
        self._moved = float("-inf")
        self._lowered = 0
        self._raised = 0

    @property
    def fps(self) -> float:
        """Frames per second that are allowed now."""
        return self._at(self._steps)

    @property
    def verdict(self) -> Verdict:
        """What holds now."""
        return Verdict(self.fps, self._reason if self._steps else None)

    def change(self, limits: Limits, fps: float) -> None:
        """Other settings: what is too much by them is found from here on. The steps taken stay."""
        self._limits = limits
        self._full = fps
        while self._steps and self._at(self._steps - 1) <= min(LEAST, fps):
            self._steps -= 1

    def step(self, temperature: float | None, share: float | None, now: float) -> Verdict:
        """Judges what was measured; None: it is not known, and limits nothing."""
        reason = self._too_much(temperature, share)
        since = now - self._moved
        if reason:
            if self._at(self._steps + 1) < self.fps and since >= LOWER_AFTER:
                self._steps += 1
                self._lowered += 1
                self._moved, self._reason = now, reason
                return Verdict(self.fps, reason, changed=-1)
            self._reason = reason
        elif self._steps and since >= RAISE_AFTER and self._fits(temperature, share):
            self._steps -= 1
            self._raised += 1
            self._moved = now
            return Verdict(self.fps, self._reason if self._steps else None, changed=1)
        return self.verdict

    def fields(self) -> dict[str, object]:
        """As ``stats`` tells them: frames per second asked for and allowed, why, and how often it changed."""
        verdict = self.verdict
        return {
            "fps": round(verdict.fps, 2),
            "asked_fps": round(self._full, 2),
            "reason": verdict.reason,
            "lowered": self._lowered,
            "raised": self._raised,
        }

    def _at(self, steps: int) -> float:
        least = min(LEAST, self._full)
        return max(self._full * STEP**steps, least)

    def _too_much(self, temperature: float | None, share: float | None) -> str | None:
        limits = self._limits
        if limits.temperature is not None and temperature is not None and temperature > limits.temperature:
            return f"{temperature:.0f} \N{DEGREE SIGN}C, above {limits.temperature:g}"
        if limits.share is not None and share is not None and share > limits.share:
            return f"{share:.2f} of a processor, above {limits.share:g}"
        return None

    def _fits(self, temperature: float | None, share: float | None) -> bool:
        """Whether a step up would be kept."""
        limits = self._limits
        if temperature is not None and temperature > (limits.temperature or math.inf) - COOLER:
            return False
        if limits.share is not None and share is not None:
            return share * self._at(self._steps - 1) / self.fps <= limits.share
        return True
