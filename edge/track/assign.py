"""Which detection is which track: a gate, the common motion, then the cheapest pairs first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.geometry import centres

Floats = NDArray[np.float64]
Pairs = list[tuple[int, int]]

_LABEL_COST = 0.25
"""What another label costs, in sides: it decides near-ties, since a label may change."""
_SIZE_COST = 0.5
"""What a size e times as large costs."""
_BIN = 0.25
"""Resolution of displacements, in sides: finer than the gap between two digits, coarser than jitter."""
_MIN_SUPPORT = 3
"""Fewer tracks than this do not tell a common motion from their own."""
_MAX_GROWTH = np.log(2.5)
"""A side that differs by more is another thing."""

_PACE = 0.5
"""Longer sides a second by which people leave the way that was predicted."""
_FURTHEST = 2.0
"""Longer sides beyond which nobody is looked for."""


def common_motion(tracks: Floats, detections: Floats, agree: NDArray[np.bool_], reach: float) -> Floats:
    """The shift that most tracks share beyond what was predicted: (2,) in pixels, zero where none stands out.

    A sheet that begins to move takes all its digits along; without this, each would be joined with its
    neighbour as soon as the shift is half their distance. Every pair of track and detection of
    the same label within ``reach`` votes for its displacement (a Hough vote), less the longer it is,
    because in a row of equal digits a step to the next place explains almost as many. The fullest cell
    wins, refined by its median, if it explains more tracks than no shift does.

    tracks, detections: (N, 4) and (M, 4) boxes; agree: (N, M), True where the labels agree.
    reach: in longer sides.
    """
    still = np.zeros(2)
    if len(tracks) < _MIN_SUPPORT or len(detections) < _MIN_SUPPORT:
        return still
    side = float(np.median(_longer(tracks)))
    right, down = _shifts(tracks, detections)
    possible = agree & (np.abs(right) <= reach * side) & (np.abs(down) <= reach * side)
    shifts = np.stack((right[possible], down[possible]), axis=1)
    if not len(shifts):
        return still
    cell = _BIN * side
    half = int(np.ceil(reach / _BIN)) + 1
    places = np.rint(shifts / cell).astype(np.int64) + half
    width = 2 * half + 1
    votes = np.bincount(places[:, 1] * width + places[:, 0], minlength=width * width).reshape(width, width)
    # A cluster on the border of two cells is as full as one inside of a cell: sum 2 x 2 neighbours.
    blocks = votes[:-1, :-1] + votes[:-1, 1:] + votes[1:, :-1] + votes[1:, 1:]
    offsets = (np.arange(2 * half) - half + 0.5) * cell
    length = np.hypot(offsets[:, None], offsets[None, :]) / (reach * side)
    row, column = np.unravel_index(int((blocks * np.exp(-length)).argmax()), blocks.shape)
    middle = offsets[[column, row]]
    shift = np.median(shifts[np.abs(shifts - middle).max(axis=1) <= cell], axis=0)
    gain = _support(shifts, shift, cell) - _support(shifts, still, cell)
    # A shift below half a cell endangers no pair, and is left to the filter of each track.
    matters = np.abs(shift).max() > cell / 2 and blocks[row, column] >= _MIN_SUPPORT
    return shift if matters and gain > 0 else still


def widened(reach: float, unseen: Floats) -> Floats:
    """(N, 1): the reach of tracks that go their own ways and were not seen for ``unseen`` (N,) seconds.

    People turn round and begin to walk between two frames, so what is predicted of them soon means little.
    """
    return np.minimum(reach + _PACE * unseen, max(reach, _FURTHEST))[:, None]


def pairs(tracks: Floats, detections: Floats, agree: NDArray[np.bool_], reach: float | Floats) -> Pairs:
    """Joins tracks with detections one to one: (index of track, index of detection), cheapest first.

    A pair costs its distance in longer sides, more where size or label differ; beyond
    ``reach``, or a side 2.5 times as long, it is impossible. With the motion predicted the right pair is
    nearly free and its neighbours are not, so taking the cheapest first is as good as a
    global optimum and has no cost that grows with the cube of what is in view.

    Arguments as for ``common_motion``, with the tracks where they are expected; ``reach`` may be one for each
    track, (N, 1).
    """
    if not len(tracks) or not len(detections):
        return []
    sides = np.maximum(_longer(tracks)[:, None], _longer(detections)[None])
    distance = np.hypot(*_shifts(tracks, detections)) / sides
    growth = np.abs(np.log(_longer(tracks))[:, None] - np.log(_longer(detections))[None])
    cost = distance + _SIZE_COST * growth + _LABEL_COST * ~agree
    rows, columns = np.nonzero((distance <= reach) & (growth <= _MAX_GROWTH))
    order = np.argsort(cost[rows, columns], kind="stable")
    free_tracks, free_detections = [True] * len(tracks), [True] * len(detections)
    left = min(len(tracks), len(detections))
    found: Pairs = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if free_tracks[row] and free_detections[column]:
            free_tracks[row] = free_detections[column] = False
            found.append((row, column))
            if len(found) == left:
                break
    return found


def _shifts(tracks: Floats, detections: Floats) -> tuple[Floats, Floats]:
    """(N, M) each: how far right and down of each track's centre each detection's is."""
    steps = centres(detections)[None] - centres(tracks)[:, None]
    return steps[..., 0], steps[..., 1]


def _longer(boxes: Floats) -> Floats:
    return np.maximum(np.maximum(boxes[:, 2], boxes[:, 3]), 1e-6)


def _support(shifts: Floats, shift: Floats, cell: float) -> int:
    return int(np.count_nonzero(np.abs(shifts - shift).max(axis=1) <= cell / 2))
