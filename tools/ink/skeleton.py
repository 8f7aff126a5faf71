"""From scanned writing to pen strokes: the skeleton by Zhang and Suen (1984), many pictures at once."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.ink.shapes import BODY, SIDE, stroke_map

_NEIGHBOURS = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)
"""Bit of each neighbour, clockwise from above (P2 to P9 of the paper)."""

_CHUNK = 2000


def strokes(pictures: Image, progress: Callable[[int], None] = lambda done: None) -> Image:
    """Distance maps (N, SIDE, SIDE) uint8 of written characters (N, H, W) uint8, ink bright.

    Each is scaled so that its longer side is BODY pixels, thinned to its skeleton, and measured from there.
    ``progress`` is told how many are done.
    """
    maps = np.empty((len(pictures), SIDE, SIDE), np.uint8)
    for start in range(0, len(pictures), _CHUNK):
        part = pictures[start : start + _CHUNK]
        tall = np.concatenate([_fitted(picture) for picture in part])
        lines = thin(tall).reshape(-1, SIDE, SIDE)
        for offset, line in enumerate(lines):
            maps[start + offset] = stroke_map(line)
        progress(start + len(part))
    return maps


def thin(picture: Image) -> Image:
    """The skeleton, 0 or 1, of a binary picture (H, W) uint8 of 0 and 1; the border row is left alone."""
    lines: Image = picture.copy()
    tables = (_removable(0), _removable(1))
    before = -1
    while before != (before := int(cv2.countNonZero(lines))):
        for table in tables:
            code = cv2.filter2D(lines, cv2.CV_8U, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
            lines &= np.uint8(1) - np.asarray(cv2.LUT(code, table), np.uint8)
    return lines


def _fitted(picture: Image) -> Image:
    ink = (picture > 80).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(ink)
    scale = BODY / max(w, h, 1)
    middle = (SIDE - 1) / 2
    matrix = np.array(
        [[scale, 0, middle - scale * (x + (w - 1) / 2)], [0, scale, middle - scale * (y + (h - 1) / 2)]]
    )
    shrinks = scale < 0.8
    source = cv2.dilate(picture, np.ones((3, 3), np.uint8)) if shrinks else picture
    large = cv2.warpAffine(
        source, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR if shrinks else cv2.INTER_CUBIC
    )
    return np.asarray(large > 110, np.uint8)


def _removable(step: int) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    for code in range(256):
        ring = [(code >> bit) & 1 for bit in range(8)]
        above, right, below, left = ring[0], ring[2], ring[4], ring[6]
        changes = sum(ring[bit] == 0 and ring[(bit + 1) % 8] == 1 for bit in range(8))
        sides = (
            above * right * below == 0 and right * below * left == 0
            if step == 0
            else above * right * left == 0 and above * below * left == 0
        )
        table[code] = 2 <= sum(ring) <= 6 and changes == 1 and sides
    return table
