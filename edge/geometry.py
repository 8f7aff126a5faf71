"""Boxes and their arithmetic: pure functions on pixels, no state.

Boxes are ``records.Box`` one by one, or (N, 4) float arrays of x, y, w, h for many.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edge.records import Box, Image

Boxes = NDArray[np.float32]
_Real = TypeVar("_Real", np.float32, np.float64)


def centre(box: Box) -> tuple[float, float]:
    """The middle of a box, in pixels."""
    return box.x + box.w / 2, box.y + box.h / 2


def centres(boxes: NDArray[_Real]) -> NDArray[_Real]:
    """The middles (N, 2) of many boxes (N, 4), in pixels."""
    return np.asarray(boxes[:, :2] + boxes[:, 2:] / 2, boxes.dtype)


def union(first: Box, *others: Box) -> Box:
    """The smallest box around all."""
    boxes = (first, *others)
    left, top = min(b.x for b in boxes), min(b.y for b in boxes)
    right, bottom = max(b.x + b.w for b in boxes), max(b.y + b.h for b in boxes)
    return Box(left, top, right - left, bottom - top)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.w * a.h + b.w * b.h - shared)


def iou_matrix(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every box of ``a`` (N, 4) with every one of ``b`` (M, 4): (N, M)."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)), np.float32)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = (a[:, 2] * a[:, 3])[:, None] + (b[:, 2] * b[:, 3])[None, :]
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), np.float32)


def clip(box: Box, width: int, height: int) -> Box:
    """The part of a box inside a picture of this size (may be empty: w or h 0)."""
    left, top = min(max(box.x, 0.0), width), min(max(box.y, 0.0), height)
    right, bottom = min(max(box.x + box.w, 0.0), width), min(max(box.y + box.h, 0.0), height)
    return Box(left, top, max(right - left, 0.0), max(bottom - top, 0.0))


def whole(box: Box) -> list[int]:
    """A box in whole pixels, as people and JSON are told it."""
    return [round(side) for side in box]


def size_of(image: Image) -> tuple[int, int]:
    """(width, height) of a picture."""
    return image.shape[1], image.shape[0]
