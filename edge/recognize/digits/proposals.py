"""Where a digit might be: boxes around strokes, most digit-like first, bounded.

From each level of the pyramid come the strokes that have the size and the shape of a digit, the
pairs of near parts that make one together (the bar of a 5), and the pieces of strokes too wide
for one digit (digits that touch). What is found on several levels is kept once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.geometry import Boxes
from edge.recognize.digits.pieces import cut, join
from edge.recognize.digits.strokes import Strokes, levels
from edge.records import Image

Floats = NDArray[np.float32]

WIDEST, THINNEST = 1.5, 1 / 14
"""Width over height of a digit: a 2 with a long foot, a bare stroke for 1."""

PRIORS = (1.0, 0.35, 0.5)
"""How often a whole stroke, a piece, and two parts together are a digit, in proportion."""

EMPTIEST = 0.06
"""Smallest share of its box that ink covers: a thin pen in a wide 7 or 0."""

COARSE_HEIGHT = 12
"""Pixels of a level: what is lower was found, and better, on the level before."""

FINE_HEIGHT = 100
"""Pixels of a level: what is higher is found on the next one, with strokes within reach."""

QUIET = 2.0
"""Grey levels of response that the quietest paper is taken to have."""

SAME = 0.75
"""IoU above which two boxes are the same place."""

CONSIDERED = 3
"""Times the bound: so many candidates are searched for those that are the same place."""


class Candidates(NamedTuple):
    """Places to read: ``boxes`` (N, 4) float32 x, y, w, h in pixels of the plane; ``likeness`` (N,) how
    digit-like each is, comparable between planes of one picture."""

    boxes: Boxes
    likeness: Floats


def propose(plane: Image, *, dark: bool, heights: tuple[float, float]) -> Candidates:
    """Places in ``plane`` (H, W) uint8 where dark (else light) strokes look like a digit.

    ``heights``: the smallest and largest height of a digit, in pixels of ``plane``.
    """
    found = [_of_level(strokes, heights) for strokes in levels(plane, dark=dark)]
    empty = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    boxes, likeness = (np.concatenate(some) for some in zip(empty, *found, strict=True))
    return Candidates(boxes, likeness)


def choose(proposed: Sequence[Candidates], most: int) -> tuple[list[Boxes], int]:
    """The ``most`` most digit-like of all, as boxes for each of ``proposed``; and how many were dropped.

    Places found several times in one of ``proposed`` count once.
    """
    considered = [_best(candidates, CONSIDERED * most) for candidates in proposed]
    distinct = [_distinct(candidates) for candidates in considered]
    likeness = np.concatenate([candidates.likeness for candidates in distinct])
    chosen = np.zeros(len(likeness), bool)
    chosen[np.argsort(-likeness, kind="stable")[:most]] = True
    shares = np.split(chosen, np.cumsum([len(candidates.boxes) for candidates in distinct])[:-1])
    unseen = sum(len(candidates.boxes) for candidates in proposed) - sum(
        len(some.boxes) for some in considered
    )
    boxes = [candidates.boxes[share] for candidates, share in zip(distinct, shares, strict=True)]
    return boxes, unseen + len(likeness) - int(chosen.sum())


def _of_level(strokes: Strokes, heights: tuple[float, float]) -> tuple[Boxes, Floats]:
    """Boxes (N, 4) in pixels of the plane, and how digit-like each is, of one level."""
    scale = strokes.scale
    low = max(heights[0] / scale, COARSE_HEIGHT if scale > 1 else 0)
    high = min(heights[1] / scale, FINE_HEIGHT)
    boxes = _shaped(strokes, low, high)
    kinds = (boxes, cut(strokes, low, high), join(strokes, low, high))
    parts = np.concatenate(kinds)
    prior = np.repeat(np.array(PRIORS, np.float32), [len(kind) for kind in kinds])
    return parts.astype(np.float32) * scale, prior * _likeness(strokes, parts)


def _shaped(strokes: Strokes, low: float, high: float) -> NDArray[np.int32]:
    w, h = strokes.boxes[:, 2], strokes.boxes[:, 3]
    good = (
        (h >= low)
        & (h <= high)
        & (w <= WIDEST * h)
        & (w >= THINNEST * h)
        & (strokes.area >= EMPTIEST * w * h)
    )
    return strokes.boxes[good]


def _likeness(strokes: Strokes, boxes: NDArray[np.int32]) -> Floats:
    """How digit-like each of ``boxes`` (N, 4) is: much ink, quiet around it, and larger than a speck."""
    if not len(boxes):
        return np.zeros(0, np.float32)
    response, inner = strokes.response, _corners(boxes)
    margin = np.maximum(boxes[:, 2:].max(axis=1, keepdims=True) // 3, 3)
    limit = (response.shape[1], response.shape[0]) * 2
    outer = np.clip(inner + np.concatenate([-margin, -margin, margin, margin], axis=1), 0, limit)
    table = np.asarray(cv2.integral(response), np.int32)
    ink, around = _sums(table, inner), _sums(table, outer)
    area, ring = _areas(inner), np.maximum(_areas(outer) - _areas(inner), 1)
    return np.asarray(ink / area * np.sqrt(boxes[:, 3] / ((around - ink) / ring + QUIET)), np.float32)


def _corners(boxes: NDArray[np.int32]) -> NDArray[np.int32]:
    """(N, 4) left, top, right, bottom of (N, 4) x, y, w, h."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _sums(table: NDArray[np.int32], corners: NDArray[np.int32]) -> NDArray[np.int32]:
    """The sum under each box, from an integral image."""
    x0, y0, x1, y1 = corners.T
    return np.asarray(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0])


def _areas(corners: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray((corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1]))


def _best(candidates: Candidates, most: int) -> Candidates:
    order = np.argsort(-candidates.likeness, kind="stable")[:most]
    return Candidates(candidates.boxes[order], candidates.likeness[order])


def _distinct(candidates: Candidates) -> Candidates:
    """Of candidates, best first, those that are not the same place as a better one."""
    x0, y0, w, h = candidates.boxes.T
    x1, y1, area = x0 + w, y0 + h, w * h
    alive = np.ones(len(area), bool)
    for index in range(len(area)):
        if alive[index]:
            later = slice(index + 1, None)
            shared_w = np.minimum(x1[later], x1[index]) - np.maximum(x0[later], x0[index])
            shared_h = np.minimum(y1[later], y1[index]) - np.maximum(y0[later], y0[index])
            shared = np.maximum(shared_w, 0) * np.maximum(shared_h, 0)
            alive[later] &= shared <= SAME * (area[later] + area[index] - shared)
    return Candidates(candidates.boxes[alive], candidates.likeness[alive])
