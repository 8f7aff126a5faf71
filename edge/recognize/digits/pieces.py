"""Digits that touch, cut apart; parts of a digit that came apart, put together.

Both only propose: the network tells whether the pieces or the whole are read more surely.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.strokes import Strokes

IntBoxes = NDArray[np.int32]

WIDE = 0.9
"""Width over height from which a stroke may be several digits."""

LONGEST = 12.0
"""Width over height up to which it is cut; what is longer is a line or an edge."""

MOST_CUT = 24
"""Strokes that are cut in one level, largest first: a page of joined writing stays bounded."""

MOST_VALLEYS = 10
"""Places where one stroke may be cut, thinnest first."""

NARROWEST_PIECE, WIDEST_PIECE = 0.12, 1.1
"""Width of a piece over the height of the stroke."""

MOST_JOINED = 200
"""Parts of one level that may belong together, largest first."""

GAP = 0.2
"""Largest gap between two parts of one digit, over the longer side of the larger."""

SIDE_GAP = 0.05
"""The same sideways, over the height of both: what stands farther beside is another digit."""

WIDEST_JOINED = 1.1
"""Width over height of two parts together; two digits side by side are wider."""

GROWN = 1.1
"""By how much two parts exceed the larger one; else the smaller is only a speck in it."""


def cut(strokes: Strokes, low: float, high: float) -> IntBoxes:
    """The pieces (N, 4) of strokes too wide for one digit, cut where they are thinnest.

    Every run of columns between two cuts is a piece, tight to its ink, if it is ``low`` to ``high`` high.
    """
    w, h = strokes.boxes[:, 2], strokes.boxes[:, 3]
    wide = np.flatnonzero((w >= WIDE * h) & (w <= LONGEST * h) & (h >= low) & (h <= high))
    wide = wide[np.argsort(-strokes.area[wide], kind="stable")][:MOST_CUT]
    found = [_pieces(strokes, int(index)) for index in wide]
    pieces = np.concatenate(found) if found else np.zeros((0, 4), np.int32)
    return pieces[pieces[:, 3] >= low]


def _pieces(strokes: Strokes, index: int) -> IntBoxes:
    x, y, w, h = (int(value) for value in strokes.boxes[index])
    ink = strokes.labels[y : y + h, x : x + w] == index + 1
    edges = np.array([0, *_valleys(ink.sum(axis=0), h), w])
    first, last = np.triu_indices(len(edges), 1)
    left, right = edges[first], edges[last]
    width = right - left
    good = (width >= NARROWEST_PIECE * h) & (width <= WIDEST_PIECE * h) & (width < w)
    left, right = left[good], right[good]
    until = np.zeros((h, w + 1), np.int32)
    np.cumsum(ink, axis=1, out=until[:, 1:])
    rows = until[:, right] > until[:, left]
    top, bottom = rows.argmax(axis=0), h - rows[::-1].argmax(axis=0)
    return np.stack([x + left, y + top, right - left, bottom - top], axis=1).astype(np.int32)


def _valleys(profile: NDArray[np.intp], height: int) -> list[int]:
    """Columns where a stroke is thinner than around them, at most ``MOST_VALLEYS``, from left to right."""
    reach = max(height // 8, 2)
    row = profile.astype(np.float32)[None]
    lowest = cv2.erode(row, np.ones((1, 2 * reach + 1), np.uint8))[0]
    low = (profile == lowest) & (profile <= height // 2)
    low[:reach] = low[-reach:] = False
    turns = np.flatnonzero(low[1:] != low[:-1]) + 1
    middles = (turns[::2] + turns[1::2]) // 2
    thinnest = np.argsort(profile[middles], kind="stable")[:MOST_VALLEYS]
    return sorted(int(column) for column in middles[thinnest])


def join(strokes: Strokes, low: float, high: float) -> IntBoxes:
    """Boxes (N, 4) around two near parts that may be one digit: a bar and its 5, a broken stroke.

    Parts lie above each other, or nearly touch; the two together are ``low`` to ``high`` high.
    """
    w, h = strokes.boxes[:, 2], strokes.boxes[:, 3]
    size = np.maximum(w, h)
    some = np.flatnonzero((size >= low / 4) & (size <= high) & (w <= 3 * np.maximum(h, low)))
    some = some[np.argsort(-size[some], kind="stable")][:MOST_JOINED]
    corners, size = strokes.boxes[some], size[some]
    corners[:, 2:] += corners[:, :2]
    gaps = np.maximum(corners[:, None, :2], corners[:, :2]) - np.minimum(corners[:, None, 2:], corners[:, 2:])
    near = gaps.max(axis=2) <= GAP * np.maximum(size[:, None], size)
    first, second = np.nonzero(np.triu(near, 1))
    low_corner = np.minimum(corners[first, :2], corners[second, :2])
    extent = np.maximum(corners[first, 2:], corners[second, 2:]) - low_corner
    alone = np.maximum(strokes.boxes[some[first], 2:], strokes.boxes[some[second], 2:])
    width, height = extent.T
    good = (height >= low) & (height <= high) & (width <= WIDEST_JOINED * height)
    good &= gaps[first, second, 0] <= SIDE_GAP * height
    good &= (extent > GROWN * alone).any(axis=1)
    return np.asarray(np.concatenate([low_corner, extent], axis=1)[good], np.int32)
