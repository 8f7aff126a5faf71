"""Rotation, flip, privacy masks and region of interest, in this order."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2

from edge.capture.settings import CameraSettings
from edge.geometry import size_of
from edge.records import Image

Pixels = tuple[int, int, int, int]
"""x, y, w, h in whole pixels."""


class Turn(NamedTuple):
    """Any rotation by quarters with any flip: at most one transposition, then at most one mirroring."""

    transpose: bool
    mirror_x: bool
    mirror_y: bool


_ROTATIONS = {
    0: Turn(False, False, False),
    90: Turn(True, True, False),
    180: Turn(False, True, True),
    270: Turn(True, False, True),
}
_FLIP_CODES = {(True, False): 1, (False, True): 0, (True, True): -1}


class Orientation:
    """Brings pictures upright and blackens what must not be seen. Owned by one thread."""

    def __init__(self, settings: CameraSettings) -> None:
        transpose, mirror_x, mirror_y = _ROTATIONS[settings.rotate]
        horizontal = settings.flip in ("horizontal", "both")
        vertical = settings.flip in ("vertical", "both")
        self._turn = Turn(transpose, mirror_x != horizontal, mirror_y != vertical)
        self._settings = settings
        self._size = (0, 0)
        self._black: list[Pixels] = []
        self._region: Pixels | None = None

    def apply(self, image: Image) -> tuple[Image, Pixels | None]:
        """The picture as everybody else sees it, and its region in pixels (None: all of it).

        ``image`` is (H, W, 3) and is written into where that saves a copy; with nothing to do it
        is the result itself.
        """
        image = self._turned(image)
        size = size_of(image)
        if size != self._size:
            self._measure(size)
        if self._black and not image.flags.writeable:
            image = image.copy()
        for x, y, w, h in self._black:
            image[y : y + h, x : x + w] = 0
        return image, self._region

    def _turned(self, image: Image) -> Image:
        transpose, *mirrors = self._turn
        if transpose:
            image = cv2.transpose(image)  # type: ignore[assignment]
        code = _FLIP_CODES.get((mirrors[0], mirrors[1]))
        if code is not None:
            image = cv2.flip(image, code, dst=image if image.flags.writeable else None)  # type: ignore[assignment]
        return image

    def _measure(self, size: tuple[int, int]) -> None:
        self._size = size
        self._black = [_covering(mask, size) for mask in self._settings.masks]
        self._region = None
        if self._settings.region is not None:
            self._region = _covering(self._settings.region, size)
            self._black += _around(self._region, size)


def _covering(place: tuple[float, float, float, float], size: tuple[int, int]) -> Pixels:
    """All pixels that a place touches: a mask hides rather more than less."""
    (x, y, w, h), (width, height) = place, size
    # The slack forgives 0.1 + 0.2, which would else touch one pixel more.
    left, top = math.floor(x * width + 1e-6), math.floor(y * height + 1e-6)
    right, bottom = math.ceil((x + w) * width - 1e-6), math.ceil((y + h) * height - 1e-6)
    return left, top, min(right, width) - left, min(bottom, height) - top


def _around(region: Pixels, size: tuple[int, int]) -> list[Pixels]:
    """The four bands outside a region, those that have pixels."""
    (x, y, w, h), (width, height) = region, size
    bands = [
        (0, 0, width, y),
        (0, y + h, width, height - y - h),
        (0, y, x, h),
        (x + w, y, width - x - w, h),
    ]
    return [band for band in bands if band[2] > 0 and band[3] > 0]
