"""Boxes that people draw around digits: a square around a 2 is no 0, and no 2 either."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.classify import Readings
from edge.records import Image

SIDE = 24
"""Pixels at which a frame is looked at."""

CORNER = 3
"""Side in these pixels of the corners. Those of a frame have ink, those of a 0 or 6 are outside of it."""

CORNERS = 3
"""So many corners with ink make a frame; one may be badly drawn."""


def frames(readings: Readings, planes: Mapping[bool, Image]) -> NDArray[np.bool_]:
    """(N,): whether a reading is the frame of another one that stands free inside.

    ``planes`` (H, W) uint8: where ink is looked for, for dark ink (True) and light.
    """
    low, high = readings.boxes[:, :2], readings.boxes[:, :2] + readings.boxes[:, 2:]
    holds = (low[:, None] < low).all(axis=2) & (high[:, None] > high).all(axis=2)
    holds &= readings.dark[:, None] == readings.dark
    around = holds.any(axis=1)
    for index in np.flatnonzero(around):
        dark = bool(readings.dark[index])
        x, y, w, h = np.rint(readings.boxes[index]).astype(int).tolist()
        part = planes[dark][max(y, 0) : y + h, max(x, 0) : x + w]
        around[index] = _inked_corners(part, dark_ink=dark) >= CORNERS
    return np.asarray(around)


def _inked_corners(part: Image, *, dark_ink: bool) -> int:
    small = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    edged = cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=int(np.median(small)))
    square = np.ones((9, 9), np.uint8)
    response = cv2.morphologyEx(edged, cv2.MORPH_BLACKHAT if dark_ink else cv2.MORPH_TOPHAT, square)
    ink = response > float(np.percentile(response, 90)) / 2
    ends = (slice(1, 1 + CORNER), slice(-1 - CORNER, -1))
    return sum(bool(ink[rows, columns].any()) for rows in ends for columns in ends)
