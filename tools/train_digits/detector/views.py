"""What the network is shown: parts of scenes at many scales, in any light, as the finder's tiles are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.geometry import Boxes
from edge.records import Image
from tools.train_digits.detector.losses import Truth, truth
from tools.train_digits.detector.material import Picture, Shelf

SIZES = (9.0, 110.0)
"""Pixels of a digit's longer side, as shown, that a view is scaled for; evenly in proportion."""

SMALLEST, LARGEST = 7.0, 140.0
"""The same beyond which a digit counts neither way: other scales of the finder see those."""

FOCUSED = 0.55
"""Share of the views that are made around a digit; the others are of anything, mostly no digit."""

ANYWHERE = (0.25, 1.3)
"""Scales of the others."""

ENLARGED = 2.0
"""Times that a scene is enlarged at most: beyond there is nothing but blur."""

STRETCHED = 0.08
"""Deviation of the logarithm of width over height."""

BEYOND = 0.1
"""Share of the views that may reach over the border of a scene, where it is black as in the finder."""

WHOLE, GONE = 0.9, 0.35
"""Shares of a digit's box in view: to be taught, and to be denied; between it counts neither way."""

INVERTED, NOISY, BLURRED = 0.25, 0.4, 0.15


class View(NamedTuple):
    """``image`` (S, S) uint8; ``boxes`` (N, 4) of digits in view, ``digits`` (N,), ``ignore`` (N,)."""

    image: Image
    boxes: Boxes
    digits: NDArray[np.intp]
    ignore: NDArray[np.bool_]


class Batch(NamedTuple):
    """``images`` (B, S, S) uint8, and what the places of each should say."""

    images: Image
    truth: Truth


class Viewer:
    """Makes views of ``side`` x ``side`` pixels, the same for the same seed and scenes."""

    def __init__(self, shelf: Shelf, rng: np.random.Generator, side: int) -> None:
        self._shelf, self._rng, self._side = shelf, rng, side

    def batch(self, count: int) -> Batch:
        """``count`` views. Raises ``InputError`` where a scene cannot be read."""
        views = [self.view() for _ in range(count)]
        return Batch(np.stack([view.image for view in views]), truth_of(views, self._side))

    def view(self) -> View:
        """A part of some scene."""
        rng, picture = self._rng, self._shelf.draw()
        across, down, middle = self._wanted(picture)
        size = tuple(max(round(self._side / scale), 2) for scale in (across, down))
        low = [
            self._start(int(centre - part / 2), part, whole)
            for centre, part, whole in zip(middle, size, picture.grey.shape[::-1], strict=True)
        ]
        image = shown(picture.grey, (low[0], low[1]), (size[0], size[1]), self._side)
        scale = np.tile(np.array([self._side / part for part in size], np.float32), 2)
        boxes = (picture.boxes - np.array([*low, 0, 0], np.float32)) * scale
        return View(spoiled(rng, image), *_in_view(boxes, picture.digits, self._side))

    def _wanted(self, picture: Picture) -> tuple[float, float, tuple[float, float]]:
        """The scale across and down, and where in the scene the middle of the view lies."""
        rng = self._rng
        height, width = picture.grey.shape
        if len(picture.digits) and rng.random() < FOCUSED:
            box = picture.boxes[rng.integers(len(picture.boxes))]
            longer = np.exp(rng.uniform(*np.log(SIZES)))
            scale = min(float(longer / max(box[2:])), ENLARGED)
            off = rng.uniform(-0.4, 0.4, 2) * self._side / scale
            middle = (float(box[0] + box[2] / 2 + off[0]), float(box[1] + box[3] / 2 + off[1]))
        else:
            scale = float(np.exp(rng.uniform(*np.log(ANYWHERE))))
            middle = (rng.uniform(0, width), rng.uniform(0, height))
        stretch = float(np.exp(rng.normal(0, STRETCHED)))
        return scale * stretch, scale / stretch, middle

    def _start(self, start: int, part: int, whole: int) -> int:
        """Where a part begins that is within the whole, if it can be."""
        if self._rng.random() < BEYOND:
            return start
        return min(max(start, min(0, whole - part)), max(0, whole - part))


def shown(grey: Image, low: tuple[int, int], size: tuple[int, int], side: int) -> Image:
    """The part of ``grey`` from ``low`` (x, y) of ``size`` (w, h), as (side, side); black beyond."""
    height, width = grey.shape
    x0, y0 = (min(max(start, 0), most) for start, most in zip(low, (width - 1, height - 1), strict=True))
    x1, y1 = min(max(low[0] + size[0], x0 + 1), width), min(max(low[1] + size[1], y0 + 1), height)
    out: Image = np.zeros((side, side), np.uint8)
    across, down = side / size[0], side / size[1]
    left, top = max(round((x0 - low[0]) * across), 0), max(round((y0 - low[1]) * down), 0)
    w = min(max(round((x1 - x0) * across), 1), side - left)
    h = min(max(round((y1 - y0) * down), 1), side - top)
    if w < 1 or h < 1:
        return out
    how = cv2.INTER_AREA if across < 1 else cv2.INTER_LINEAR
    out[top : top + h, left : left + w] = cv2.resize(grey[y0:y1, x0:x1], (w, h), interpolation=how)
    return out


def spoiled(rng: np.random.Generator, image: Image) -> Image:
    """The view in another light, perhaps as its negative, perhaps noisy or out of focus."""
    values = np.arange(256, dtype=np.float64) / 255
    if rng.random() < INVERTED:
        values = 1 - values
    values = values ** np.exp(rng.normal(0, 0.25))
    contrast = rng.uniform(0.35, 1.0) if rng.random() < 0.4 else 1.0
    values = values * contrast + rng.uniform(0, 1 - contrast)
    if rng.random() < BLURRED:
        image = np.asarray(cv2.GaussianBlur(image, (5, 5), rng.uniform(0.5, 1.3)), np.uint8)
    image = np.asarray(cv2.LUT(image, np.rint(values * 255).astype(np.uint8)), np.uint8)
    if rng.random() < NOISY:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(rng.uniform(1, 9))
        image = np.asarray(np.clip(image + noise, 0, 255), np.uint8)
    return image


def _in_view(
    boxes: Boxes, digits: NDArray[np.intp], side: int
) -> tuple[Boxes, NDArray[np.intp], NDArray[np.bool_]]:
    """Of boxes (N, 4) in pixels of the view those that are seen, cut at its border; which do not count."""
    low, high = np.clip(boxes[:, :2], 0, side), np.clip(boxes[:, :2] + boxes[:, 2:], 0, side)
    visible = (high - low).prod(axis=1) / np.maximum(boxes[:, 2:].prod(axis=1), 1e-6)
    longer = boxes[:, 2:].max(axis=1, initial=0)
    ignore = (visible < WHOLE) | (longer < SMALLEST) | (longer > LARGEST)
    kept = visible >= GONE
    cut = np.concatenate([low, high - low], axis=1)
    return np.asarray(cut[kept], np.float32), digits[kept], ignore[kept]


def truth_of(views: Sequence[View], side: int) -> Truth:
    """What the places of each of ``views`` should say."""
    return truth([(view.boxes, view.digits, view.ignore) for view in views], side)
