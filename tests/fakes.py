"""The fakes of the tests; each is held to the contract of the real part that it stands in for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

from edge.capture.plain import Plain
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


class FakeSource(Plain):
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


class FakeCamera:
    """A V4L2 camera as ``cv2.VideoCapture`` shows it: it takes what it has, and tells what it took.

    640 x 480 and 1280 x 720 as YUYV (the larger at 10 frames a second) or MJPG (at 30); exposure, focus and
    white balance can be set once their automatics are off; no zoom. ``asked`` records every ``set``.
    """

    def __init__(self, *_: object) -> None:
        self.asked: list[tuple[int, float]] = []
        self._open = True
        self._values: dict[int, float] = {
            cv2.CAP_PROP_BUFFERSIZE: 4,
            cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"YUYV"),
            cv2.CAP_PROP_FRAME_WIDTH: 640,
            cv2.CAP_PROP_FRAME_HEIGHT: 480,
            cv2.CAP_PROP_FPS: 30,
            cv2.CAP_PROP_AUTO_EXPOSURE: 3,
            cv2.CAP_PROP_EXPOSURE: 156,
            cv2.CAP_PROP_AUTOFOCUS: 1,
            cv2.CAP_PROP_FOCUS: 0,
            cv2.CAP_PROP_AUTO_WB: 1,
            cv2.CAP_PROP_WB_TEMPERATURE: 4600,
            cv2.CAP_PROP_GAIN: 0,
            cv2.CAP_PROP_BRIGHTNESS: 128,
        }
        self._grabbed = 0

    def isOpened(self) -> bool:  # noqa: N802  (as the real one calls it)
        """Whether the device is held."""
        return self._open

    def set(self, which: int, value: float) -> bool:
        """Takes a value, or the nearest that it has; False for what it has not, or will not now."""
        self.asked.append((which, value))
        manual = {
            cv2.CAP_PROP_EXPOSURE: (cv2.CAP_PROP_AUTO_EXPOSURE, 1.0),
            cv2.CAP_PROP_FOCUS: (cv2.CAP_PROP_AUTOFOCUS, 0.0),
            cv2.CAP_PROP_WB_TEMPERATURE: (cv2.CAP_PROP_AUTO_WB, 0.0),
        }
        if which not in self._values or not self._open:
            return False
        if which in manual and self._values[manual[which][0]] != manual[which][1]:
            return False
        if which == cv2.CAP_PROP_FOURCC and value not in (
            cv2.VideoWriter.fourcc(*"MJPG"),
            self._values[which],
        ):
            return False
        if which in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT):
            wide = value > (960 if which == cv2.CAP_PROP_FRAME_WIDTH else 600)
            self._values[cv2.CAP_PROP_FRAME_WIDTH] = 1280 if wide else 640
            self._values[cv2.CAP_PROP_FRAME_HEIGHT] = 720 if wide else 480
            return True
        self._values[which] = min(value, 250.0) if which == cv2.CAP_PROP_FOCUS else value
        return True

    def get(self, which: int) -> float:
        """What holds; -1 for what it has not, and once closed."""
        if not self._open:
            return -1.0
        if which == cv2.CAP_PROP_FPS:
            raw = self._values[cv2.CAP_PROP_FOURCC] != cv2.VideoWriter.fourcc(*"MJPG")
            wide = self._values[cv2.CAP_PROP_FRAME_WIDTH] > 640
            return min(float(self._values[which]), 10.0 if raw and wide else 30.0)
        return float(self._values.get(which, -1.0))

    def grab(self) -> bool:
        """Takes the next frame."""
        self._grabbed += self._open
        return self._open

    def retrieve(self) -> tuple[bool, Image | None]:
        """The frame that was grabbed, (H, W, 3) BGR."""
        if not self._open or not self._grabbed:
            return False, None
        width, height = (int(self._values[p]) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        return True, np.full((height, width, 3), self._grabbed % 250, np.uint8)

    def release(self) -> None:
        """Lets go."""
        self._open = False
