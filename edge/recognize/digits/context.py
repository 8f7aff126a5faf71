"""What a reading is worth where it stands: the odds of a cut, moved by its surroundings.

In a word, an o or an l looks like a 0 or a 1 and is none: the shape alone cannot tell, the ink
beside it can. Ink that belongs to no digit lowers the odds of its neighbour; digits in a row vouch
for each other, and what is foreign at its ends counts once for the row. A digit that looks like a
letter and stands alone in a line of writing is mostly that letter.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.geometry import Boxes
from edge.recognize.digits.classify import Readings
from edge.records import Image

REACH = 0.7
"""How far to the sides is looked, over the height of the digit: letters of a word are nearer, words
and spaced numbers are farther apart."""

FOREIGN = 3.0
"""Logarithm by which the odds fall when one side is full of foreign ink; this and the next chosen on
composed scenes of the validation part (tools.compose) for scores that tell how many are right."""

NEIGHBOUR = 1.5
"""Logarithm by which a sure digit close beside raises them, on either side."""

WRITING = 3.0
"""Logarithm by which the odds of a lone one that looks like a letter fall in a line that is all ink. Composed
scenes put digits into writing more often than people do, so this is more than they would have it be."""

LETTERLIKE = "012569"
"""Digits that a letter of many a hand or type looks like: o, l and i, z, s, b, g and q."""

LONE = 0.3
"""Sure digits beside, from which on it does not stand alone."""

FAR = 2.5
"""How far beyond ``REACH`` the line is looked along, over the height of the digit."""

RULE = 0.8
"""Share of the columns from which a row of ink is a ruled line and no writing."""

LIKE = 0.5
"""Smaller over larger height of digits that stand in one row."""

ROWS = 24
"""Height in pixels at which the surroundings are looked at."""

STROKE = np.ones((9, 9), np.uint8)
"""Strokes thinner than this answer: a third of the height is more than any pen."""

OVER = 0.2
"""How far above and below the digit is looked, over its height."""

WALL = 0.95
"""Share of that height from which a column of ink is the wall of a cell and no letter."""

AS_STRONG = 0.5
"""Ink counts from this share of the digit's own response, so that ruled lines and bleed-through do not."""

FAINTEST = 8.0
"""Least response of ink, in grey levels."""


def judged(readings: Readings, letterlike: NDArray[np.bool_], planes: Mapping[bool, Image]) -> Readings:
    """The same readings with the scores that they deserve where they stand.

    ``letterlike`` (N,): which are of a digit in ``LETTERLIKE``. ``planes`` (H, W) uint8: where ink is looked
    for, for dark ink (True) and light.
    """
    if not len(readings):
        return readings
    places = zip(range(len(readings)), readings.dark.tolist(), strict=True)
    foreign = np.array(
        [_foreign(planes[dark], readings.boxes, index, dark_ink=dark) for index, dark in places]
    )
    beside = _beside(readings)
    rows = _rows(beside)
    shared = (np.bincount(rows, foreign) / np.maximum(np.bincount(rows), 1))[rows]
    sure = np.clip(readings.scores, 1e-4, 1 - 1e-4)
    alone = np.log(sure / (1 - sure)) - FOREIGN * shared
    neighbours = np.minimum(beside @ np.maximum(2 * _probability(alone) - 1, 0), 2)
    odds = alone + NEIGHBOUR * neighbours
    for index in np.flatnonzero(letterlike & (neighbours < LONE)).tolist():
        dark = bool(readings.dark[index])
        odds[index] -= WRITING * _writing(planes[dark], readings.boxes, index, dark_ink=dark)
    return dataclasses.replace(readings, scores=_probability(odds).astype(np.float32))


def _probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _foreign(plane: Image, boxes: Boxes, index: int, *, dark_ink: bool) -> float:
    """Share of the columns left of and right of a box, 0..2, with ink that is in none of ``boxes``."""
    columns, _ = _columns(plane, boxes, index, REACH, dark_ink=dark_ink)
    return float(columns.sum() / (REACH * ROWS))


def _writing(plane: Image, boxes: Boxes, index: int, *, dark_ink: bool) -> float:
    """The same farther along the line, where neighbouring words are: the share of both sides, 0..2."""
    columns, (start, end) = _columns(plane, boxes, index, REACH + FAR, dark_ink=dark_ink)
    near = round(REACH * ROWS)
    sides = columns[: max(start - near, 0)], columns[end + near :]
    return sum(float(side.mean()) for side in sides if side.size)


def _columns(
    plane: Image, boxes: Boxes, index: int, reach: float, *, dark_ink: bool
) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """Which columns around a box, ``reach`` heights to each side, hold ink that is in none of ``boxes``;
    and between which columns the box itself lies. A column is the height's part in ``ROWS``."""
    x, y, w, h = boxes[index].tolist()
    over, beside = OVER * h, reach * h
    left, right = max(int(x - beside), 0), min(math.ceil(x + w + beside), plane.shape[1])
    top, bottom = max(int(y - over), 0), min(math.ceil(y + h + over), plane.shape[0])
    scale = ROWS / h
    places = np.rint((boxes - (left, top, 0, 0)) * scale).astype(int)
    places[:, 2:] += places[:, :2]
    x0, y0, x1, y1 = np.maximum(places[index], 0).tolist()
    ink = _ink(plane[top:bottom, left:right], scale, (slice(y0, y1), slice(x0, x1)), dark_ink=dark_ink)
    walls = cv2.dilate((ink.mean(axis=0) >= WALL).astype(np.uint8), np.ones(3, np.uint8)).ravel() > 0
    if reach > REACH:
        ink[ink.mean(axis=1) >= RULE] = False
    height, width = ink.shape
    near = (places[:, 0] < width) & (places[:, 2] > 0) & (places[:, 1] < height) & (places[:, 3] > 0)
    for a, b, c, d in np.maximum(places[near] + (-1, -1, 1, 1), 0).tolist():
        ink[b:d, a:c] = False
    edge = ROWS // 10
    letters = ink[y0 + edge : y1 - edge].sum(axis=0) >= 2
    return np.asarray(letters & ~walls), (x0, x1)


def _ink(part: Image, scale: float, own: tuple[slice, slice], *, dark_ink: bool) -> NDArray[np.bool_]:
    """Where ``part`` (H, W) of a picture, made ``scale`` times its size, has ink as strong as its ``own``."""
    size = (max(round(part.shape[1] * scale), 1), max(round(part.shape[0] * scale), 1))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    response = cv2.morphologyEx(small, cv2.MORPH_BLACKHAT if dark_ink else cv2.MORPH_TOPHAT, STROKE)
    inside = response[own]
    strength = float(np.percentile(inside, 90)) if inside.size else 0.0
    return np.asarray(response > max(AS_STRONG * strength, FAINTEST))


def _beside(readings: Readings) -> NDArray[np.bool_]:
    """(N, N): who stands close beside whom, of like height and the same ink."""
    low, high = readings.boxes[:, :2], readings.boxes[:, :2] + readings.boxes[:, 2:]
    height = readings.boxes[:, 3]
    gaps = np.maximum(low[:, None], low) - np.minimum(high[:, None], high)
    smaller, larger = np.minimum(height[:, None], height), np.maximum(height[:, None], height)
    beside = (gaps[..., 0] < REACH * larger) & (-gaps[..., 1] > 0.5 * smaller) & (smaller > LIKE * larger)
    beside &= readings.dark[:, None] == readings.dark
    np.fill_diagonal(beside, False)
    return np.asarray(beside)


def _rows(beside: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(N,): a number for each row of readings that stand beside each other, directly or through others."""
    rows = np.arange(len(beside))
    while True:
        lowest = np.minimum(np.where(beside, rows, len(beside)).min(axis=1), rows)
        if (lowest == rows).all():
            return rows
        rows = lowest
