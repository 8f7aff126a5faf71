"""The one place between camera and loop: the newest frame wins, what it displaces is counted."""

from __future__ import annotations

import threading

from edge.records import Frame


class Slot:
    """Holds at most one frame. Any thread may call anything.

    Each opening of the device raises the generation; a frame that comes late, from a
    reader of an older one, is refused and counted.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._generation = 0
        self._closed = False
        self._frames = 0
        self._dropped = 0
        self._refused = 0

    def advance(self) -> int:
        """Begins a new generation and gives its number; the frame that lies here stays."""
        with self._changed:
            self._generation += 1
            return self._generation

    def put(self, frame: Frame, generation: int) -> bool:
        """Lays a frame down without waiting; one that nobody took is dropped. False: not accepted."""
        with self._changed:
            if not self._accepts(generation):
                return False
            self._dropped += self._frame is not None
            self._lay(frame)
            return True

    def offer(self, frame: Frame, generation: int, timeout: float) -> bool:
        """Lays a frame down once the place is free, within ``timeout`` seconds: lock-step, nothing dropped.

        False: not accepted; while the slot is neither closed nor ahead it can be offered again.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is None or self._closed, timeout)
            if not self._accepts(generation) or self._frame is not None:
                return False
            self._lay(frame)
            return True

    def take(self, timeout: float) -> Frame | None:
        """The frame that lies here, waited for at most ``timeout`` seconds; None: none came."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None, timeout)
            frame, self._frame = self._frame, None
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Accepts no more and wakes who offers; the frame that lies here can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def empty(self) -> bool:
        """Whether no frame lies here."""
        return self._frame is None

    def counters(self) -> dict[str, int]:
        """Totals: ``frames`` accepted, ``dropped`` untaken, ``refused`` for an older generation."""
        with self._changed:
            return {"frames": self._frames, "dropped": self._dropped, "refused": self._refused}

    def _accepts(self, generation: int) -> bool:
        late = generation != self._generation
        self._refused += late
        return not late and not self._closed

    def _lay(self, frame: Frame) -> None:
        self._frame = frame
        self._frames += 1
        self._changed.notify_all()
