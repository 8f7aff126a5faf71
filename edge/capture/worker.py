"""The thread ``capture``: owns the device, and opens it anew for as long as it takes."""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import replace

from edge.capture.orient import Orientation
from edge.capture.settings import CameraSettings, redact
from edge.capture.slot import Slot
from edge.capture.source import Source, open_source
from edge.capture.vitals import Vitals
from edge.clock import Clock
from edge.errors import EdgeError, UnavailableError
from edge.geometry import size_of
from edge.records import CameraStatus, Frame

TURN = 0.2
"""Seconds after which a thread that waits shows that it lives."""

REASON = 200
"""Characters that a driver's own words may take in a reason."""

log = logging.getLogger("edge.capture")


class CaptureWorker:
    """Frames of one source into one slot. Start it once; any thread may take, ask and stop."""

    def __init__(self, settings: CameraSettings, clock: Clock, source: Source | None = None) -> None:
        """``source``: instead of the one that the settings mean. Raises ``ConfigError``."""
        self._settings = settings
        self._clock = clock
        self._source = source or open_source(settings, clock)
        self._lockstep = not settings.realtime and not self._source.live
        self._slot = Slot()
        self._orientation = Orientation(settings)
        # A camera that is asked for a frame every five seconds is not blind after three.
        self._vitals = Vitals(clock, max(settings.stall_after, 2 / settings.fps))
        self._progress = clock.monotonic_ns()
        self._reopened = 0
        self._resized = 0
        self._failures = 0
        self._ended = False
        self._due = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    @property
    def name(self) -> str:
        """The source as people may see it, without passwords."""
        return self._source.name

    @property
    def ended(self) -> bool:
        """Whether the source has ended, was not to be held or repeated, and its last frame is taken."""
        return self._ended and self._slot.empty

    def start(self) -> None:
        """Begins to open the source; comes back at once."""
        self._progress = self._clock.monotonic_ns()
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Ends the thread; False when a driver holds it for longer than ``timeout`` seconds."""
        self._stopping.set()
        self._slot.close()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def take(self, timeout: float) -> Frame | None:
        """The newest frame that nobody took yet, read-only; None: none came within ``timeout`` seconds."""
        return self._slot.take(timeout)

    def status(self, now: float) -> CameraStatus:
        """How the camera is at ``now``, monotonic seconds."""
        return self._vitals.status(now, self._source.counters()["corrupt"])

    def progress(self) -> int:
        """Monotonic nanoseconds of the thread's last sign of life; retrying a lost source gives them, too."""
        return self._clock.monotonic_ns() if self._ended else self._progress

    def counters(self) -> dict[str, int]:
        """Totals since the start: of the slot, of the source, ``reopened`` after a failure, ``resized``."""
        own = {"reopened": self._reopened, "resized": self._resized}
        return {**self._slot.counters(), **self._source.counters(), **own}

    # -- the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set() and not self._ended:
            try:
                self._play()
            except Exception as error:  # noqa: BLE001  (whatever a driver raises, the camera is tried again)
                self._lose(error)
                self._pause(self._backoff())
            finally:
                self._close()

    def _play(self) -> None:
        """One life of the source, from its opening to its end."""
        self._source.open()
        generation = self._slot.advance()
        self._reopened += self._failures > 0
        frame: Frame | None = None
        while not self._stopping.is_set():
            self._keep_pace()
            last, frame = frame, self._source.read()
            self._beat()
            if frame is None:
                self._end(last, generation)
                return
            frame = self._oriented(frame)
            self._deliver(frame, generation)
            self._found()

    def _end(self, last: Frame | None, generation: int) -> None:
        if last is None:
            raise UnavailableError(f"{self.name}: ended without a picture")
        if self._settings.on_end == "exit":
            self._vitals.lost("ended")
            self._ended = True
        elif self._settings.on_end == "hold":
            self._hold(last, generation)

    def _hold(self, frame: Frame, generation: int) -> None:
        self._vitals.held()
        while not self._pause(1 / self._settings.fps):
            now = self._clock.monotonic_ns()
            frame = replace(frame, sequence=frame.sequence + 1, captured=now, wall=self._clock.wall())
            self._deliver(frame, generation)

    def _oriented(self, frame: Frame) -> Frame:
        image, region = self._orientation.apply(frame.image)
        image.flags.writeable = False
        return replace(frame, image=image, region=region)

    def _deliver(self, frame: Frame, generation: int) -> None:
        size = size_of(frame.image)
        if self._vitals.frame(size, frame.captured / 1e9, self._source.counters()["corrupt"]):
            # A folder of pictures changes its size all the time.
            level = logging.DEBUG if self._resized else logging.INFO
            log.log(level, "%s: the size has changed to %d x %d", self.name, *size)
            self._resized += 1
        if not self._lockstep:
            self._slot.put(frame, generation)
            return
        while not self._slot.offer(frame, generation, TURN) and not self._stopping.is_set():
            self._vitals.waiting(self._beat())

    # -- loss and return ------------------------------------------------------------------------

    def _lose(self, error: Exception) -> None:
        reason = self._reason(error)
        self._vitals.lost(reason)
        hint = f"; {error.hint}" if isinstance(error, EdgeError) and error.hint else ""
        level = logging.DEBUG if self._failures else logging.WARNING
        log.log(level, "lost: %s%s; it is tried again until it is back", reason, hint)
        self._failures += 1

    def _reason(self, error: Exception) -> str:
        if isinstance(error, EdgeError):
            return error.message
        text = f"{type(error).__name__}: {error}".replace(
            self._settings.source, redact(self._settings.source)
        )
        return " ".join(text.split())[:REASON]

    def _found(self) -> None:
        if self._failures:
            log.info("back: %s; failures: %d", self.name, self._failures)
            self._failures = 0

    def _backoff(self) -> float:
        """Doubles with each failure up to its bound; random, so that a fleet does not come back as one."""
        first, most = self._settings.backoff_first, self._settings.backoff_most
        longest = min(most, first * 2.0 ** min(self._failures - 1, 30))
        return random.uniform(first, longest)  # noqa: S311  (no secret hangs on it)

    def _close(self) -> None:
        try:
            self._source.close()
        except Exception as error:  # noqa: BLE001  (as above; it is opened anew all the same)
            log.warning("%s could not be closed: %s", self.name, self._reason(error))

    # -- waiting ----------------------------------------------------------------------------------

    def _beat(self) -> float:
        """Shows that the thread lives; gives now, in monotonic seconds."""
        self._progress = self._clock.monotonic_ns()
        return self._progress / 1e9

    def _keep_pace(self) -> None:
        """Waits for the time of the next frame of a source that is played."""
        if not self._settings.realtime or not self._source.rate:
            return
        now = self._beat()
        if self._due > now:
            self._pause(self._due - now, playing=True)
        period = 1 / self._source.rate
        # At the start, or late by more than a frame: what was missed is not played faster.
        behind = self._due < now - period
        self._due = (now if behind else self._due) + period

    def _pause(self, seconds: float, *, playing: bool = False) -> bool:
        """Waits in turns; gives whether the end has come."""
        until = self._beat() + seconds
        while not self._stopping.is_set():
            now = self._beat()
            if playing:
                self._vitals.waiting(now)
            if now >= until:
                return False
            self._stopping.wait(min(until - now, TURN))
        return True
