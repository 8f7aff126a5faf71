"""The thread ``capture``: owns the device, and opens it anew for as long as it takes."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from edge.capture.backoff import Backoff
from edge.capture.damped import Damped
from edge.capture.looks import Looks
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

LOOK = 1.0
"""Seconds between two looks whether a lost source has returned before it is tried again."""

GIVE_UP = 6
"""Times ``camera.frozen_after`` until a frozen source is opened anew; each time in a row twice as long: where
nothing moves, what an encoder sends may really be the same."""

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
        stall_after = max(settings.stall_after, 2 / settings.fps)
        self._vitals = Vitals(clock, stall_after, settings.frozen_after, settings.black_after)
        self._looks = Looks() if self._source.live else None
        self._frozen_patience = GIVE_UP * (settings.frozen_after or 0)
        self._backoff = Backoff(settings.backoff_first, settings.backoff_most)
        self._damped = Damped(log)
        self._progress = clock.monotonic_ns()
        self._reopened = 0
        self._resized = 0
        self._lost = False
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
        self._source.interrupt()
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

    def remarks(self) -> tuple[str, ...]:
        """In words, what the camera does otherwise than it was asked to."""
        return self._source.remarks()

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
                if self._stopping.is_set():  # what a driver says of being interrupted is no news
                    break
                wait = self._lose(error)
                # A child or a connection that is given up does not live on through the pause.
                self._close()
                self._pause(wait, lost=True)
            finally:
                self._close()

    def _play(self) -> None:
        """One life of the source, from its opening to its end."""
        self._source.open()
        generation = self._slot.advance()
        self._reopened += self._lost
        frame: Frame | None = None
        while not self._stopping.is_set():
            self._keep_pace()
            last, frame = frame, self._source.read()
            self._beat()
            if frame is None:
                self._end(last, generation)
                return
            # What masks hide, and what they blacken, is no news of the camera: it is judged before.
            repeated, black = self._looks.at(frame.image) if self._looks else (False, False)
            frame = self._oriented(frame)
            self._deliver(frame, generation, repeated=repeated, black=black)
            self._found()
            self._bear_frozen(repeated=repeated)

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

    def _deliver(self, frame: Frame, generation: int, *, repeated: bool = False, black: bool = False) -> None:
        size = size_of(frame.image)
        corrupt = self._source.counters()["corrupt"]
        if self._vitals.frame(size, frame.captured / 1e9, corrupt, repeated=repeated, black=black):
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

    def _lose(self, error: Exception) -> float:
        """Tells that the source is lost, and gives the seconds until it is tried again."""
        reason = self._reason(error)
        self._vitals.lost(reason)
        hint = f"; {error.hint}" if isinstance(error, EdgeError) and error.hint else ""
        words, now = f"lost: {reason}{hint}; it is tried again until it is back", self._beat()
        if self._lost:
            log.debug("%s", words)
        else:
            self._damped.say(logging.WARNING, words, now)
        self._lost = True
        return self._backoff.failed(now)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, EdgeError):
            return error.message
        text = f"{type(error).__name__}: {error}".replace(
            self._settings.source, redact(self._settings.source)
        )
        return " ".join(text.split())[:REASON]

    def _found(self) -> None:
        now = self._progress / 1e9
        if self._lost:
            self._lost = False
            self._backoff.opened(now)
            words = f"back: {self.name}; failures: {self._backoff.failures}"
            self._damped.say(logging.INFO, words, now)
        self._backoff.frame(now)
        self._damped.rest(now)

    def _bear_frozen(self, *, repeated: bool) -> None:
        """Gives a source up that repeats one picture: opening it anew often helps a camera that hangs."""
        if not self._frozen_patience:
            return
        if not repeated:
            self._frozen_patience = GIVE_UP * (self._settings.frozen_after or 0)
        elif self._vitals.frozen_for() > self._frozen_patience:
            self._frozen_patience = 2 * self._vitals.frozen_for()
            raise UnavailableError("frozen", "it is opened anew")

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

    def _pause(self, seconds: float, *, playing: bool = False, lost: bool = False) -> bool:
        """Waits in turns, when ``lost`` until it has returned at most; gives whether the end has come."""
        until = self._beat() + seconds
        look = until - seconds + LOOK
        while not self._stopping.is_set():
            now = self._beat()
            if playing:
                self._vitals.waiting(now)
            if now >= until:
                return False
            if lost and now >= look:
                look = now + LOOK
                if self._source.returned():
                    return False
            self._stopping.wait(min(until - now, TURN))
        return True
