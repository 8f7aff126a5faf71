"""How the camera moves over the table, and how pages come and go: slow moves with rests between.

A move is a 3x3 homography (float64) from units of the table, its origin in the middle, to pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, sin

import numpy as np
from numpy.typing import NDArray

from edge.capture.scene.page import HEIGHT, PERIOD, WIDTH

Homography = NDArray[np.float64]

SLIDE = 2.0
"""Seconds in which a page is pushed in, and out."""
AWAY = 760.0
"""Units from the middle of the table to where no page is seen."""
FIRST_ROW_GONE = 104.0
"""Units that the camera goes down so that the first row leaves the view, and no other."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the camera looks: the point in its middle, its turn (radians), zoom, and tilt (1/units)."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    zoom: float = 0.93
    tilt_x: float = 0.0
    tilt_y: float = 9e-5

    def towards(self, other: Pose, share: float) -> Pose:
        """The pose this share of the way to another."""
        return Pose(*(a + share * (b - a) for a, b in zip(_values(self), _values(other), strict=True)))

    def matrix(self, width: int, height: int) -> Homography:
        """The homography to a picture of this size; a 640x480 one at zoom 1 has a pixel to the unit."""
        scale = self.zoom * min(width / 640, height / 480)
        c, s = scale * cos(self.turn), scale * sin(self.turn)
        view = np.array([[c, -s, 0], [s, c, 0], [self.tilt_x, self.tilt_y, 1]])
        middle = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
        here = np.array([[1, 0, -self.x], [0, 1, -self.y], [0, 0, 1]])
        return np.asarray(middle @ view @ here)


class Motion:
    """The camera's way over one page, and the page's own."""

    def __init__(self, seed: int, page: int) -> None:
        random = np.random.default_rng((seed, page, 1))
        home = Pose()
        near = Pose(
            x=random.uniform(-26, 26),
            y=random.uniform(-12, 12),
            turn=random.uniform(0.02, 0.06) * random.choice((-1, 1)),
            zoom=random.uniform(0.95, 1.0),
            tilt_x=random.uniform(-9e-5, 9e-5),
        )
        down = Pose(x=random.uniform(-18, 18), y=FIRST_ROW_GONE, turn=random.uniform(-0.02, 0.02), zoom=0.96)
        times = (0.0, 4.9, 6.4, 9.6, 11.4, 14.4, 16.4)
        self._poses = tuple(zip(times, (home, home, near, near, down, down, home), strict=True))
        self._from_left = random.random() < 0.5
        self._turn = random.uniform(-0.035, 0.035)
        self._first = page == 0

    def camera(self, t: float) -> Pose:
        """The pose at this second of the page."""
        for (before, start), (after, end) in pairwise(self._poses):
            if before <= t < after:
                return start.towards(end, _ease((t - before) / (after - before)))
        return self._poses[-1][1]

    def page(self, t: float) -> Homography:
        """From units of the page to those of the table. The first page lies there from the beginning."""
        away, spin = 0.0, 0.0
        if t < SLIDE and not self._first:
            away = 1 - _ease(t / SLIDE)
            spin = 0.1 * away
        elif t > PERIOD - SLIDE:
            away = -_ease((t - PERIOD + SLIDE) / SLIDE)
            spin = 0.1 * away
        shift = away * AWAY * (-1 if self._from_left else 1)
        c, s = cos(self._turn + spin), sin(self._turn + spin)
        turn = np.array([[c, -s, shift], [s, c, 0], [0, 0, 1]])
        corner = np.array([[1, 0, -WIDTH / 2], [0, 1, -HEIGHT / 2], [0, 0, 1]])
        return np.asarray(turn @ corner)


def _values(pose: Pose) -> tuple[float, ...]:
    return pose.x, pose.y, pose.turn, pose.zoom, pose.tilt_x, pose.tilt_y


def _ease(share: float) -> float:
    """From 0 to 1, slow at both ends (smoothstep)."""
    return share * share * (3 - 2 * share)
