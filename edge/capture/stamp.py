"""Pictures become frames: each gets its number and both of its times."""

from __future__ import annotations

from edge.clock import Clock
from edge.records import Frame, Image


class Stamp:
    """Numbers the frames of one source from 0, also over reopenings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sequence = 0

    def __call__(self, image: Image) -> Frame:
        """The frame of a picture, (H, W, 3) BGR, that was read just now."""
        captured = self._clock.monotonic_ns()
        frame = Frame(image=image, sequence=self._sequence, captured=captured, wall=self._clock.wall())
        self._sequence += 1
        return frame
