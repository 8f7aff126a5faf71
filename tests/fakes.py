"""The fakes of the tests; each is held to the contract of the real part that it stands in for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import numpy as np

from edge.capture.stamp import Stamp
from edge.clock import Clock
from edge.errors import UnavailableError
from edge.records import Frame, Image

BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)


class FakeClock:
    """A clock that stands until the test sets ``now``, seconds since ``BEGUN``."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic_ns(self) -> int:
        """Nanoseconds."""
        return round(self.now * 1e9)

    def wall(self) -> datetime:
        """UTC."""
        return BEGUN + timedelta(seconds=self.now)


@dataclass(frozen=True)
class Blocked:
    """A step of a script in which the driver does not come back until ``release`` is set."""

    release: threading.Event = field(default_factory=threading.Event)


Step = Image | Exception | Blocked


class FakeSource:
    """A camera by script: each opening plays the next list of steps, the last one again and again.

    An array is a frame, an exception is raised, ``Blocked`` blocks; behind the last step a source
    that is not live has ended. An exception as the whole life is raised by ``open()``.
    """

    name = "fake"

    def __init__(
        self,
        lives: Sequence[Sequence[Step] | Exception],
        clock: Clock,
        *,
        live: bool = False,
        rate: float = 0.0,
    ) -> None:
        self.live = live
        self.rate = rate
        self.openings: list[int] = []
        self.corrupt = 0
        self._lives = lives
        self._clock = clock
        self._stamp = Stamp(clock)
        self._steps: list[Step] | None = None

    def open(self) -> None:
        """Begins the next life."""
        life = self._lives[min(len(self.openings), len(self._lives) - 1)]
        self.openings.append(self._clock.monotonic_ns())
        if isinstance(life, Exception):
            raise life
        self._steps = list(life)

    def read(self) -> Frame | None:
        """Plays the next step."""
        if self._steps is None:
            raise UnavailableError(f"{self.name}: not open")
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, Blocked):
                step.release.wait()
            elif isinstance(step, Exception):
                raise step
            else:
                return self._stamp(np.array(step))
        return None

    def close(self) -> None:
        """Ends the life."""
        self._steps = None

    def counters(self) -> dict[str, int]:
        """``corrupt`` as the test has set it."""
        return {"corrupt": self.corrupt}
