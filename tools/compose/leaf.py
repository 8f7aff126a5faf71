"""A flat thing that is written on, a sheet, a board or a screen, and where it lies in the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Box, Image
from tools.ink.page import Style, write
from tools.ink.scribbles import trace
from tools.ink.shapes import Canvas

Colour = tuple[float, float, float]
"""Blue, green, red as shares 0..1 of white."""

SMALLEST = 11.0
"""Longer side in pixels of the picture below which no digit is written: nobody could label it."""

_SEEN = 0.35
"""Share of ink from which a pixel belongs to a digit."""

_NOTHING = Box(0, 0, 0, 0)


@dataclass(slots=True, eq=False)
class Ink:
    """One pen: where it went, ``cover`` (h, w) 0..1 on the leaf, its colour, how much it covers."""

    cover: Canvas
    colour: Colour
    opacity: float


@dataclass(frozen=True, slots=True)
class Written:
    """One digit: its value, the tight box of its ink in the picture, its line and its number on the leaf."""

    digit: int
    box: Box
    line: int
    number: int = 0


@dataclass(slots=True, eq=False)
class Leaf:
    """``ground`` (h, w, 3) is the bare leaf, ``to_picture`` (3, 3) takes its pixels to the picture's, and
    ``visible`` (H, W) is nonzero where the picture shows it. ``ids`` (h, w) has 1 + the place in ``digits``
    where a digit's ink is."""

    ground: Canvas
    to_picture: NDArray[np.float64]
    visible: Image
    dark_ink: bool
    inks: list[Ink] = field(default_factory=list)
    digits: list[Written] = field(default_factory=list)
    taken: list[Box] = field(default_factory=list)
    ids: NDArray[np.uint16] = field(init=False)
    lines: int = 0
    numbers: int = 0

    def __post_init__(self) -> None:
        self.ids = np.zeros(self.ground.shape[:2], np.uint16)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels of the leaf."""
        return self.ground.shape[1], self.ground.shape[0]

    def new_ink(self, colour: Colour, opacity: float) -> Ink:
        """A further pen."""
        self.inks.append(Ink(np.zeros(self.ground.shape[:2], np.float32), colour, opacity))
        return self.inks[-1]

    def digit(self, shape: Image, digit: int, hand: Style, centre: tuple[float, float], ink: Ink) -> Box:
        """Writes a digit and notes its truth; gives its box on the leaf.

        Where the picture would not show the whole digit nothing is written, and the box is empty; what
        follows is then another number, since nobody who looks at the picture can join the two.
        """
        reach = int(hand.size * max(1.0, hand.aspect) * 0.85 + abs(hand.pen)) + 3
        left, top = int(centre[0]) - reach, int(centre[1]) - reach
        patch: Canvas = np.zeros((2 * reach, 2 * reach), np.float32)
        box = write(patch, shape, hand, (centre[0] - left, centre[1] - top))
        place = self._in_picture(patch > _SEEN, left, top) if box.w else None
        if place is None:
            self.gap()
            return _NOTHING
        into, part = self._cut(ink.cover, left, top, patch)
        np.maximum(into, part, out=into)
        self.digits.append(Written(digit, place, self.lines, self.numbers))
        marked, part = self._cut(self.ids, left, top, patch)
        marked[part > _SEEN] = len(self.digits)
        on_leaf = Box(box.x + left, box.y + top, box.w, box.h)
        self.taken.append(on_leaf)
        return on_leaf

    def gap(self) -> None:
        """What is written from here on belongs to another number; so does what is on another line."""
        self.numbers += 1

    def letter(self, shape: Image, hand: Style, centre: tuple[float, float], ink: Ink) -> Box:
        """Writes a character that is no digit; gives its box on the leaf."""
        box = write(ink.cover, shape, hand, centre)
        if box.w:
            self.taken.append(box)
        return box

    def stroke(self, points: NDArray[np.float64], pen: float, ink: Ink) -> None:
        """Draws a line along ``points`` (N, 2), pixels of the leaf."""
        low = np.maximum(np.floor(points.min(0) - pen - 2), 0).astype(int)
        high = np.ceil(points.max(0) + pen + 2).astype(int)
        view = ink.cover[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
        if view.size:
            trace(view, points - low, pen)

    def stamp(self, mask: Image, x: float, y: float, ink: Ink, strength: float = 1.0) -> Box:
        """Prints ``mask`` (h, w) uint8 with its upper left corner at x, y; gives its box on the leaf."""
        into, part = self._cut(ink.cover, int(x), int(y), mask)
        if not part.size:
            return _NOTHING
        np.maximum(into, part.astype(np.float32) * np.float32(strength / 255), out=into)
        box = Box(float(int(x)), float(int(y)), float(mask.shape[1]), float(mask.shape[0]))
        self.taken.append(box)
        return box

    def free(self, box: Box) -> bool:
        """Whether nothing is written in ``box`` so far."""
        return not any(
            box.x < other.x + other.w
            and other.x < box.x + box.w
            and box.y < other.y + other.h
            and other.y < box.y + box.h
            for other in self.taken
        )

    def surface(self) -> Canvas:
        """The leaf with all its ink, (h, w, 3)."""
        surface: Canvas = self.ground.copy()
        for ink in self.inks:
            cover = (ink.cover * ink.opacity)[..., None]
            colour = np.array(ink.colour, np.float32)
            surface *= 1 - cover
            surface += (self.ground * colour if self.dark_ink else colour) * cover
        return surface

    def _in_picture(self, seen: NDArray[np.bool_], left: int, top: int) -> Box | None:
        """The tight box in the picture of ink on the leaf, where all of it is visible and large enough."""
        if not seen.any():
            return None
        places = cv2.findNonZero(seen.astype(np.uint8))
        # The hull of the ink is enough: a perspective keeps it a hull.
        hull = cv2.convexHull(places) + np.array([left, top], np.float64)
        moved = cv2.perspectiveTransform(hull, self.to_picture)[:, 0]
        low, high = moved.min(0), moved.max(0) + 1
        height, width = self.visible.shape
        if (low < 2).any() or (high > (width - 2, height - 2)).any() or max(high - low) < SMALLEST:
            return None
        x0, y0, x1, y1 = (int(v) for v in (*np.floor(low), *np.ceil(high)))
        if not self.visible[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2].all():
            return None
        x, y = low.tolist()
        w, h = (high - low).tolist()
        return Box(x, y, w, h)

    @staticmethod
    def _cut(canvas: np.ndarray, left: int, top: int, patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The views of ``canvas`` and ``patch`` that lie upon each other."""
        x0, y0 = max(left, 0), max(top, 0)
        into = canvas[y0 : max(top + patch.shape[0], 0), x0 : max(left + patch.shape[1], 0)]
        return into, patch[y0 - top :, x0 - left :][: into.shape[0], : into.shape[1]]
