"""Judges how the camera is, from what the capture thread saw and the age of the last frame."""

from __future__ import annotations

import math
import threading
from collections import deque

from edge.clock import Clock
from edge.records import CameraState, CameraStatus

WINDOW = 5.0
"""Seconds over which frames are counted for the rate."""

SETTLED = 0.5
"""Seconds of frames before they make a rate."""

TOLD_FOR = 30.0
"""Seconds for which a change of size stands as the reason, and frames that could not be used do."""


class Vitals:
    """Written by the capture thread, read by any. ``now`` is monotonic seconds."""

    def __init__(
        self,
        clock: Clock,
        stall_after: float,
        frozen_after: float | None = None,
        black_after: float | None = None,
    ) -> None:
        """Seconds after which it is so; None: never."""
        self._clock = clock
        self._stall_after = stall_after
        self._frozen_after = math.inf if frozen_after is None else frozen_after
        self._black_after = math.inf if black_after is None else black_after
        self._lock = threading.Lock()
        self._arrivals: deque[float] = deque(maxlen=1024)
        self._size: tuple[int, int] | None = None
        self._alive = 0.0
        self._changed: float | None = None
        self._bright: float | None = None
        self._corrupt = 0
        self._spoilt: float | None = None
        self._resized: float | None = None
        self._held = False
        self._lost: str | None = "opening"
        self._told: tuple[CameraState, str | None] | None = None
        self._since = clock.wall()

    def frame(
        self, size: tuple[int, int], now: float, corrupt: int, *, repeated: bool = False, black: bool = False
    ) -> bool:
        """A frame came; ``corrupt`` is the source's count so far; ``repeated``: it is the same as the one
        before. Gives whether the size has changed."""
        with self._lock:
            changed = self._size not in (None, size)
            if changed:
                self._resized = now
            if corrupt > self._corrupt:
                self._spoilt = now
            if not repeated or self._changed is None:
                self._changed = now
            if not black or self._bright is None:
                self._bright = now
            self._size, self._alive, self._corrupt = size, now, corrupt
            self._lost = None
            self._arrivals.append(now)
            return changed

    def frozen_for(self) -> float:
        """Seconds for which frames came and all were the same."""
        with self._lock:
            return self._alive - self._changed if self._changed is not None else 0.0

    def waiting(self, now: float) -> None:
        """The capture thread itself waits, for the loop or the next frame's time: no sign of blindness."""
        with self._lock:
            self._alive = now

    def held(self) -> None:
        """The source has ended and its last frame is shown on."""
        with self._lock:
            self._held = True

    def lost(self, reason: str) -> None:
        """The source is not there; so it stays until the next frame."""
        with self._lock:
            self._lost = reason

    def status(self, now: float, corrupt: int) -> CameraStatus:
        """How the camera is now; ``corrupt`` is the source's count so far."""
        with self._lock:
            judged = self._judge(now, corrupt)
            if judged != self._told:
                self._told, self._since = judged, self._clock.wall()
            state, reason = judged
            return CameraStatus(state, reason, self._since, self._size, self._fps(now))

    def _judge(self, now: float, corrupt: int) -> tuple[CameraState, str | None]:
        if self._lost is not None:
            return "lost", self._lost
        if now - self._alive > self._stall_after:
            return "stalled", "corrupt" if corrupt > self._corrupt else "no frames"
        # Of a black picture all frames may be the same, too.
        if self._bright is not None and self._alive - self._bright >= self._black_after:
            return "stalled", "black"
        if self._changed is not None and self._alive - self._changed >= self._frozen_after:
            return "stalled", "frozen"
        if self._held:
            return "ok", "ended"
        # The newer of the two: a size that changed once does not hide frames that break all the time.
        told = ((self._resized, "resized"), (self._spoilt, "corrupt"))
        recent = [(at, reason) for at, reason in told if at is not None and now - at <= TOLD_FOR]
        return "ok", max(recent)[1] if recent else None

    def _fps(self, now: float) -> float:
        recent = [arrival for arrival in self._arrivals if now - arrival <= WINDOW]
        # The first frames of a camera come as fast as they lay in its buffers.
        if len(recent) < 2 or recent[-1] - recent[0] < SETTLED:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0])
