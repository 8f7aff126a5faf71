"""How a digit is cut out of a picture for the network; training cuts in the same way.

The cut is a square around the box, 1.6 times its longer side, so that a digit fills 20 of 32
pixels as in MNIST (LeCun et al. 1998) and its surroundings can be judged too. Contrast is
stretched to the full range and ink is always bright, so that light, paper and pen are alike.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Box, Image

MARGIN = 1.6
"""Side of the cut over the longer side of the box: 32 / 20, MNIST's proportion."""

PAPER, INK = 10.0, 98.0
"""Percentiles of the cut, from paper to ink, that become black and white: even a bare stroke
covers more than 2 % of the square, and paper more than 10 %."""

_TABLE = np.arange(256, dtype=np.float32)


def cut(grey: Image, box: Box, *, dark_ink: bool, out: Image) -> float:
    """Writes the normalised square around ``box`` into ``out`` (N, N) uint8, ink bright.

    ``grey`` is (H, W) uint8; beyond its border the border is repeated. Gives the contrast
    before stretching, in grey levels: below about 10 there is nothing to read.
    """
    side = max(round(max(box.w, box.h) * MARGIN), 1)
    left, top = round(box.x + (box.w - side) / 2), round(box.y + (box.h - side) / 2)
    square = _square(grey, left, top, side)
    size = (out.shape[1], out.shape[0])
    cv2.resize(square, size, dst=out, interpolation=cv2.INTER_AREA if side > size[0] else cv2.INTER_LINEAR)
    if dark_ink:
        cv2.bitwise_not(out, dst=out)
    paper, ink = _levels(out)
    contrast = ink - paper
    table = np.clip((_TABLE - paper) * (255.0 / max(contrast, 1.0)), 0, 255).astype(np.uint8)
    cv2.LUT(out, table, dst=out)
    return contrast


def _square(grey: Image, left: int, top: int, side: int) -> Image:
    """The square of ``grey``, a view where it lies inside, else padded by the repeated border."""
    height, width = grey.shape
    x0, y0 = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    x1, y1 = max(min(left + side, width), x0 + 1), max(min(top + side, height), y0 + 1)
    inside = grey[y0:y1, x0:x1]
    before_x, before_y = max(x0 - left, 0), max(y0 - top, 0)
    after_x, after_y = max(left + side - x1, 0), max(top + side - y1, 0)
    if not (before_x or before_y or after_x or after_y):
        return inside
    padded = cv2.copyMakeBorder(inside, before_y, after_y, before_x, after_x, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)


def _levels(square: Image) -> tuple[float, float]:
    """The percentiles ``PAPER`` and ``INK``, as numpy's ``percentile`` has them, in a fifth of its time."""
    last = square.size - 1
    places = [percent / 100 * last for percent in (PAPER, INK)]
    below = [int(place) for place in places]
    ordered = np.partition(square, (below[0], below[0] + 1, below[1], below[1] + 1), axis=None)
    low, high = (
        float(ordered[index]) + (place - index) * (float(ordered[index + 1]) - float(ordered[index]))
        for place, index in zip(places, below, strict=True)
    )
    return low, high
