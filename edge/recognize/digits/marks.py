"""Decimal marks: a dot or comma on the line between two digits, small and free-standing as type has them."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.classify import Readings
from edge.records import Image

SMALLEST = 14.0
"""Height in pixels of a digit below which its mark is no more than noise."""

GAP = (0.12, 1.1)
"""Space between two digits of one number with a mark between them, over their height."""

WIDE, HIGH = (0.06, 0.3), (0.06, 0.42)
"""Width and height of a mark, over the digits' height; a comma hangs, so it is higher."""

SLENDER = 2.6
"""Most of a mark's longer over its shorter side: what is longer is a stroke."""

LINE = 0.3
"""How far a mark may begin above the line, or end below it, over the digits' height."""

LEAST = 3
"""Pixels of a mark at least."""

ALONE = 0.6
"""Other ink between the two digits, over the mark's own: more of it is a colon, a word, or noise."""

ALIKE = 0.65
"""Smaller over larger height of the digits on both sides."""


def marked(readings: Readings, planes: Mapping[bool, Image]) -> NDArray[np.bool_]:
    """(N,): whether a decimal mark stands right after a reading, before the next one on its line.

    ``planes`` (H, W) uint8: where ink is looked for, for dark ink (True) and light.
    """
    found = np.zeros(len(readings), bool)
    for index, box in enumerate(readings.boxes):
        after = _next(readings, index)
        if after is not None and box[3] >= SMALLEST:
            dark = bool(readings.dark[index])
            found[index] = _has_mark(planes[dark], box, readings.boxes[after], dark_ink=dark)
    return found


def _next(readings: Readings, index: int) -> int | None:
    """The nearest reading to the right on the same line, where it is as near as a number's next digit."""
    boxes = readings.boxes
    x, y, w, h = boxes[index]
    gaps = (boxes[:, 0] - (x + w)) / h
    shared = np.minimum(boxes[:, 1] + boxes[:, 3], y + h) - np.maximum(boxes[:, 1], y)
    larger = np.maximum(boxes[:, 3], h)
    level = (shared >= 0.6 * larger) & (np.minimum(boxes[:, 3], h) >= ALIKE * larger)
    near = level & (gaps >= GAP[0]) & (gaps <= GAP[1]) & (readings.dark == readings.dark[index])
    near[index] = False
    # Something between the two: they are no neighbours.
    between = level & (gaps > -0.5) & (gaps < GAP[0])
    between[index] = False
    if not near.any() or between.any():
        return None
    return int(np.flatnonzero(near)[gaps[near].argmin()])


def _has_mark(plane: Image, left: NDArray[np.float32], right: NDArray[np.float32], *, dark_ink: bool) -> bool:
    height = float(left[3] + right[3]) / 2
    line = float(left[1] + left[3] + right[1] + right[3]) / 2
    x0, x1 = round(float(left[0])), round(float(right[0] + right[2]))
    y0, y1 = round(line - 1.1 * height), round(line + 0.5 * height)
    x0, y0 = max(x0, 0), max(y0, 0)
    part = plane[y0:y1, x0:x1]
    if part.size == 0:
        return False
    ink = _ink(part, dark_ink=dark_ink)
    # The digits themselves, with all that hangs on them, are no mark: what touches their boxes is theirs.
    gap = slice(round(float(left[0] + left[2])) - x0, round(float(right[0])) - x0)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    outside = np.ones(labels.shape[1], bool)
    outside[gap] = False
    belongs = np.unique(labels[:, outside])
    marks, others = [], 0
    for label in set(range(1, len(stats))) - set(belongs.tolist()):
        _, y, w, h, area = (int(value) for value in stats[label])
        if area >= LEAST and _is_mark(w / height, h / height, (y + y0 - line) / height):
            marks.append(area)
        else:
            others += area
    return len(marks) == 1 and others <= ALONE * marks[0]


def _ink(part: Image, *, dark_ink: bool) -> Image:
    """Where the ink is, 0 or 1: the middle between paper and the digits' own ink."""
    paper, pen = np.percentile(part, (80, 3) if dark_ink else (20, 97))
    middle = (float(paper) + float(pen)) / 2
    return np.asarray(part < middle if dark_ink else part > middle, np.uint8)


def _is_mark(width: float, height: float, top: float) -> bool:
    """By its sides and how far below the line it begins (above: negative), over the digits' height."""
    fits = WIDE[0] <= width <= WIDE[1] and HIGH[0] <= height <= HIGH[1]
    compact = max(width, height) <= SLENDER * min(width, height)
    return fits and compact and top >= -LINE and top + height <= LINE + 0.1 and top <= LINE / 2
