"""Readings that overlap: which of them stand.

Two readings conflict when one lies largely in the other; a digit that stands free inside a larger
one does not. Of a digit and its fragments (the loop of a 9 read as 0) the digit should stand, of two
digits that touch and the pair read as one, the two. So each reading weighs by how sure it is and
by how much it explains, its area, and gives way to a set of others that weighs more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.classify import Readings

Floats = NDArray[np.float32]

SHARED = 0.45
"""Share of the smaller box in the other above which two conflict; slanted neighbours share less."""

BESIDE = 0.2
"""The same among those that oust another together: else two halves that overlap would weigh more
than their whole."""

DOUBT = 0.15
"""A reading weighs by what its score has above this, a little below the least that takes part."""

FREE = 0.2
"""Margin on every side of a digit that stands free in a larger one, over the longer side of that:
a stroke of the larger and some paper."""


def resolve(readings: Readings) -> Readings:
    """The readings that stand, heaviest first."""
    weights = np.maximum(readings.scores - DOUBT, 1e-3) * readings.boxes[:, 2] * readings.boxes[:, 3]
    order = np.argsort(-weights, kind="stable")
    readings = readings.take(order)
    return readings.take(_standing(_shares(readings), weights[order]))


def _standing(shares: Floats, weights: Floats) -> NDArray[np.bool_]:
    """Which of N stand, heaviest first, given how much they share (N, N).

    One gives way where those that it would oust, side by side, weigh more together.
    """
    alive = np.ones(len(weights), bool)
    for index in range(len(weights)):
        if not alive[index]:
            continue
        rivals = index + 1 + np.flatnonzero(alive[index + 1 :] & (shares[index, index + 1 :] > SHARED))
        if weights[_row(rivals, shares)].sum() > weights[index]:
            alive[index] = False
        else:
            alive[rivals] = False
    return alive


def _row(rivals: NDArray[np.intp], shares: Floats) -> list[int]:
    """Of ``rivals``, heaviest first, those that stand side by side."""
    chosen: list[int] = []
    for rival in rivals.tolist():
        if not (shares[rival, chosen] > BESIDE).any():
            chosen.append(rival)
    return chosen


def _shares(readings: Readings) -> Floats:
    """(N, N): the shared area over the smaller box's; 0 where one stands free in the other."""
    boxes = readings.boxes
    low, high = boxes[:, :2], boxes[:, :2] + boxes[:, 2:]
    extent = np.minimum(high[:, None], high[None, :]) - np.maximum(low[:, None], low[None, :])
    area = boxes[:, 2] * boxes[:, 3]
    shares = np.clip(extent, 0, None).prod(axis=2) / np.minimum(area[:, None], area[None, :])
    margin = FREE * boxes[:, 2:].max(axis=1)[:, None]
    free = ((low[:, None] >= (low + margin)[None, :]) & (high[:, None] <= (high - margin)[None, :])).all(
        axis=2
    )
    free &= readings.dark[:, None] == readings.dark[None, :]
    return np.asarray(np.where(free | free.T, 0, shares), np.float32)
