"""The story of the portrait: how a photograph of a face moves beside the page, and when it is hard to see.

Within each ``PERIOD`` it is brought in, moved about, turned in the picture and out of it, dimmed, partly
covered by a sheet of paper, brought near, and taken away. Lengths are pixels of a panel of 240 x 480.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, radians, sin

import numpy as np

from edge.capture.scene.motion import Homography
from edge.capture.scene.page import PERIOD
from edge.capture.scene.portrait import CARD, FACE, NAME
from edge.geometry import clip
from edge.records import Box

WIDTH, HEIGHT = 240, 480
"""Of the panel."""

BORDER = 8
"""White around the photograph, as on paper."""

EYE = 900.0
"""From the eye to the panel, pixels: how strong the perspective of a turn is."""

PHASES = ("moved", "turned", "dimmed", "hidden", "near")
_BEGIN = {"moved": 2.4, "turned": 5.0, "dimmed": 10.0, "hidden": 12.6, "near": 15.6}
_END = 17.4

DARKEST = 0.32
"""The light that is left on the photograph while it is dimmed."""

COVERED = 0.36
"""The share of the face, from the chin up, that the sheet of paper hides."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the card is: its middle in the panel, its turn in the picture and about its own upright axis
    (degrees), and its size (1: as the photograph)."""

    x: float = 120.0
    y: float = 225.0
    turn: float = 0.0
    yaw: float = 0.0
    scale: float = 1.0

    def towards(self, other: Stand, share: float) -> Stand:
        """The stand this share of the way to another."""
        return Stand(*(a + share * (b - a) for a, b in zip(_values(self), _values(other), strict=True)))

    def matrix(self, width: int, height: int) -> Homography:
        """From pixels of the card to those of a panel of this size."""
        card_width, card_height = CARD[2] + 2 * BORDER, CARD[3] + 2 * BORDER
        unit = min(width / WIDTH, height / HEIGHT)
        c, s = cos(radians(self.yaw)), sin(radians(self.yaw))
        middle = np.array([[1, 0, -card_width / 2], [0, 1, -card_height / 2], [0, 0, 1]])
        yaw = np.array([[c, 0, 0], [0, 1, 0], [s / EYE, 0, 1]])
        c, s = (self.scale * unit * part(radians(self.turn)) for part in (cos, sin))
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        place = np.array([[1, 0, self.x * unit], [0, 1, self.y * unit], [0, 0, 1]])
        return np.asarray(place @ turn @ yaw @ middle)


@dataclass(frozen=True, slots=True)
class Person:
    """A face of the scene. ``phase``: what makes it hard now, one of ``PHASES``; None: it comes or goes."""

    name: str
    box: Box
    phase: str | None


class Visit:
    """The same for the same seed. ``corner`` and ``size`` of the panel: pixels of the whole picture."""

    def __init__(self, seed: int, corner: tuple[int, int], size: tuple[int, int]) -> None:
        random = np.random.default_rng((seed, 0, 3))
        side = float(random.choice((-1, 1)))
        self.corner, self.size, self.name = corner, size, NAME
        away, home = Stand(y=HEIGHT + 160.0), Stand()
        self._stands = (
            (0.8, away),
            (2.4, home),
            (3.4, Stand(x=120 + 18 * side, y=205)),
            (4.8, Stand(x=120 - 16 * side, y=255)),
            (6.0, Stand(turn=16 * side)),
            (7.2, Stand(turn=-14 * side)),
            (8.2, Stand(yaw=28 * side)),
            (9.4, Stand(yaw=-28 * side)),
            (10.2, home),
            (15.6, home),
            (16.4, Stand(y=235, scale=1.15)),
            (_END, Stand(y=215, scale=1.15)),
            (18.8, away),
        )

    def stand(self, t: float) -> Stand:
        """Where the card is at second ``t``."""
        second = t % PERIOD
        before = self._stands[0]
        if second <= before[0]:
            return before[1]
        for (begin, start), (end, goal) in pairwise(self._stands):
            if second < end:
                return start.towards(goal, _ease((second - begin) / (end - begin)))
        return self._stands[-1][1]

    def light(self, t: float) -> float:
        """How much light falls on it, 1: all."""
        return 1 - (1 - DARKEST) * _within(t % PERIOD, _BEGIN["dimmed"], _BEGIN["hidden"], 0.5)

    def cover(self, t: float) -> float:
        """How far the sheet of paper is drawn over the face from below, 0..``COVERED``."""
        return COVERED * _within(t % PERIOD, _BEGIN["hidden"], _BEGIN["near"], 0.6)

    def truth(self, t: float) -> Person | None:
        """Whose face is to be seen at second ``t``, None: nobody's."""
        box = self._face(self.stand(t))
        inside = clip(box, *self.size)
        if inside.w <= 0 or inside.h <= 0:
            return None
        second = t % PERIOD
        begun = [phase for phase in PHASES if _BEGIN[phase] <= second < _END]
        phase = begun[-1] if begun and inside == box else None
        left, top = self.corner
        return Person(NAME, Box(inside.x + left, inside.y + top, inside.w, inside.h), phase)

    def _face(self, stand: Stand) -> Box:
        """The box around the face in the panel, which may reach beyond it."""
        x, y = FACE.x - CARD[0] + BORDER, FACE.y - CARD[1] + BORDER
        corners = np.array([[x, y], [x + FACE.w, y], [x, y + FACE.h], [x + FACE.w, y + FACE.h]])
        places = np.c_[corners, np.ones(4)] @ stand.matrix(*self.size).T
        points = places[:, :2] / places[:, 2:]
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return Box(float(left), float(top), float(right - left), float(bottom - top))


def _within(t: float, begin: float, end: float, ramp: float) -> float:
    """1 between two times, 0 outside, with a ramp of so many seconds inside at both ends."""
    return _ease(min(max(min(t - begin, end - t) / ramp, 0.0), 1.0))


def _ease(share: float) -> float:
    """From 0 to 1, slow at both ends (smoothstep)."""
    return share * share * (3 - 2 * share)


def _values(stand: Stand) -> tuple[float, ...]:
    return stand.x, stand.y, stand.turn, stand.yaw, stand.scale
