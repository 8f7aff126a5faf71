"""Where a thing is and where it will be: an alpha-beta filter on irregular steps of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.geometry import centre
from edge.records import Box

_COAST = 0.5
"""While unseen, a thing loses its speed over this many seconds: hands and sheets stop soon."""
_FOLLOWED = 3
"""So many neighbours tell how an unseen thing moved."""
_CARRIED = 0.7
"""The share of a common motion that is taken for speed: a push goes on, a jolt does not."""


@dataclass(slots=True)
class Motion:
    """Centre, size and speed of a box: pixels, pixels a second. Steps are ``elapsed`` seconds long.

    An alpha-beta filter is a Kalman filter of constant speed with its gains settled. Here
    alpha follows the time since the step before, alpha = 1 - exp(-elapsed / smoothing), and
    beta = alpha^2 / (2 - alpha) (Benedict and Bordner 1962), so that dropped frames change nothing else.
    """

    x: float
    y: float
    w: float
    h: float
    vx: float = 0.0
    vy: float = 0.0

    @classmethod
    def of(cls, box: Box) -> Motion:
        """Begins at rest."""
        return cls(*centre(box), box.w, box.h)

    @property
    def box(self) -> Box:
        """The smoothed box."""
        return Box(self.x - self.w / 2, self.y - self.h / 2, self.w, self.h)

    def predict(self, elapsed: float) -> None:
        """Moves on at the present speed."""
        self.x += self.vx * elapsed
        self.y += self.vy * elapsed

    def carry(self, dx: float, dy: float, elapsed: float) -> None:
        """Takes part in a common motion by so many pixels."""
        self.x += dx
        self.y += dy
        if elapsed > 0:
            self.vx += _CARRIED * dx / elapsed
            self.vy += _CARRIED * dy / elapsed

    def correct(self, box: Box, elapsed: float, smoothing: float) -> None:
        """Draws the prediction towards what was seen; ``smoothing`` in seconds, 0 for none."""
        alpha = 1 - math.exp(-elapsed / smoothing) if smoothing > 0 else 1.0
        beta = alpha**2 / (2 - alpha)
        x, y = centre(box)
        dx, dy = x - self.x, y - self.y
        self.x += alpha * dx
        self.y += alpha * dy
        self.w += alpha * (box.w - self.w)
        self.h += alpha * (box.h - self.h)
        if elapsed > 0:
            self.vx += beta * dx / elapsed
            self.vy += beta * dy / elapsed

    def coast(self, elapsed: float, seconds: float = _COAST) -> None:
        """Was not seen, and nothing near it: loses speed, over so many ``seconds``."""
        kept = math.exp(-elapsed / seconds)
        self.vx *= kept
        self.vy *= kept


class Drift:
    """How things moved in one step, so that what was not seen moves along with what is near it.

    A digit that is missed on a moving sheet is then still expected between its neighbours.
    """

    def __init__(self, motions: Sequence[Motion]) -> None:
        """Call it before the step."""
        self._motions = tuple(motions)
        self._before = np.array([(motion.x, motion.y) for motion in motions], np.float64).reshape(-1, 2)

    def follow(self, seen: Sequence[int], unseen: Sequence[int], elapsed: float) -> None:
        """Call it after the step: moves each of ``unseen`` as the median of the nearest of ``seen`` moved."""
        if len(seen) < _FOLLOWED:
            for index in unseen:
                self._motions[index].coast(elapsed)
            return
        if not unseen:
            return
        moved = np.array([(m.x, m.y, m.vx, m.vy) for m in (self._motions[index] for index in seen)])
        before = self._before[list(seen)]
        moved[:, :2] -= before
        start = self._before[list(unseen)]
        apart = np.hypot(*(start[:, None] - before[None]).transpose(2, 0, 1))
        nearest = np.argpartition(apart, _FOLLOWED - 1, axis=1)[:, :_FOLLOWED]
        steps = np.median(moved[nearest], axis=1)
        for index, (x, y), (dx, dy, vx, vy) in zip(unseen, start.tolist(), steps.tolist(), strict=True):
            motion = self._motions[index]
            motion.x, motion.y, motion.vx, motion.vy = x + dx, y + dy, vx, vy
