"""The thread ``loop``: takes the newest frame and runs the tick, never faster than the camera's fps."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from edge.clock import Clock
from edge.errors import EdgeError, FaultError, UnavailableError
from edge.pipeline import Pipeline, Stopwatch
from edge.records import Frame

log = logging.getLogger("edge.loop")

FAULTS = 10
"""Ticks that fail one after the other before it is no longer the frames' fault."""

WAIT = 0.2
"""Seconds to wait for a frame before tracks are aged without one."""


class FrameSupply(Protocol):
    """Where frames come from: ``edge.capture.worker.CaptureWorker``."""

    def take(self, timeout: float) -> Frame | None:
        """The newest frame, or None after ``timeout`` seconds."""
        ...

    @property
    def ended(self) -> bool:
        """The source has ended and its last frame is taken."""
        ...


class FrameLoop:
    """Owns the thread; everything from the frame to the outbox happens in it."""

    def __init__(
        self,
        supply: FrameSupply,
        pipeline: Pipeline,
        clock: Clock,
        stopwatch: Stopwatch,
        *,
        period: float,
        between: Callable[[float], None] = lambda _now: None,
    ) -> None:
        """``period``: least seconds between the beginnings of two ticks; 0 for no bound. ``between`` is
        called, in this thread, before each tick and at least every ``WAIT`` seconds: what changes the
        parts of a tick happens there.
        """
        self._supply = supply
        self._pipeline = pipeline
        self._clock = clock
        self._stopwatch = stopwatch
        self._period = period
        self._between = between
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loop", daemon=True)
        self._progress = clock.monotonic_ns()
        self.frames = 0
        self.events = 0
        self.faults = 0
        self._told: set[type[Exception]] = set()
        self.finished = False
        self.fault: EdgeError | None = None

    def change(self, supply: FrameSupply, period: float) -> None:
        """Takes frames from ``supply`` and at this pace from the next turn on. Any thread may call."""
        self._supply = supply
        self._period = period

    def start(self) -> None:
        """Begins to take frames."""
        self._progress = self._clock.monotonic_ns()
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Ends after the tick in progress; False when that took longer than ``timeout`` seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def progress(self) -> int:
        """Monotonic nanoseconds of the newest turn."""
        return self._progress

    def counters(self) -> dict[str, int]:
        """Totals since the start."""
        return {"frames": self.frames, "events": self.events, "faults": self.faults}

    def _run(self) -> None:
        failed = 0
        due = 0.0
        while not self._stopping.is_set():
            now = self._clock.monotonic_ns() / 1e9
            due = min(due, now + self._period)  # the period may have been longer
            left = due - now
            if left > 0 and self._stopping.wait(min(left, WAIT)):
                break
            # Commands do not wait for the next frame of a slow camera, nor does who asks whether we live.
            early = left > WAIT
            frame = None if early else self._supply.take(WAIT)
            begun = self._progress = self._clock.monotonic_ns()
            try:
                self._between(begun / 1e9)
                if early:
                    continue
                if frame is None:
                    if self._supply.ended:
                        self.finished = True
                        break
                    self.events += self._pipeline.idle(begun / 1e9)
                    continue
                # Counted on from when it was due: a late frame does not delay all that follow.
                due = max(due, begun / 1e9 - self._period) + self._period
                self._stopwatch("capture", (begun - frame.captured) / 1e9)
                self.events += self._pipeline.tick(frame)
                self._stopwatch("total", (self._clock.monotonic_ns() - frame.captured) / 1e9)
                self.frames += 1
                failed = 0
            except UnavailableError as error:
                # A sink's reader has gone for good (stdout); no further frame changes that.
                self.fault = error
                break
            except Exception as error:
                failed += 1
                self.faults += 1
                if type(error) not in self._told:
                    self._told.add(type(error))
                    log.exception("a frame could not be processed; such faults are counted from now on")
                if failed >= FAULTS:
                    self.fault = FaultError(
                        f"{failed} frames one after the other failed: {type(error).__name__}: {error}"
                    )
                    break
