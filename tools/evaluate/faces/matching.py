"""Which found boxes are faces, by the rules of the development set.

The surest box chooses first, each time the free face that it overlaps most. Neither right nor wrong are boxes
on faces to be ignored, unmatched boxes where only the main face has a label, and unmatched boxes below
``SMALLEST`` pixels in the pictures whose smallest faces have none (``ilc_``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.geometry import Boxes, iou_matrix
from tools.evaluate.faces.labels import Labelled

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]

SMALLEST = 24
"""Pixels of height in the picture, below which the ``ilc_`` pictures are not labelled throughout."""
UNLABELLED_BELOW = "ilc_"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Boxes of one picture: ``boxes`` (N, 4) float32 x, y, w, h in its pixels, ``scores`` (N,), ``landmarks``
    (N, 5, 2) image left to right, NaN where a detector does not tell a point."""

    boxes: Boxes
    scores: Floats
    landmarks: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """One picture judged.

    Of each labelled face that is not ignored: ``hits`` its score, -1 where it was missed; ``masked``,
    ``heights`` (at a longer side of 320), ``errors`` mean distance of its points over that between the eyes
    (NaN: unknown); ``faces`` their boxes. Of each box that is no face: ``false`` its score and
    ``false_boxes``. ``counted``: whether all its faces have labels, so that a false box is one.
    """

    file: str
    faces: Boxes
    hits: Floats
    masked: Flags
    heights: Floats
    errors: Floats
    false: Floats
    false_boxes: Boxes
    counted: bool


def match(labelled: Labelled, found: Found, least_iou: float) -> Matched:
    """Judges the boxes ``found`` in one picture."""
    overlaps = iou_matrix(found.boxes, labelled.boxes)
    wanted = ~labelled.ignored
    free = wanted.copy()
    hits = np.full(len(free), -1, np.float32)
    errors = np.full(len(free), np.nan, np.float32)
    false = []
    for place in np.argsort(-found.scores, kind="stable"):
        row = np.where(free, overlaps[place], 0)
        if row.max(initial=0) >= least_iou:
            face = int(row.argmax())
            free[face] = False
            hits[face] = found.scores[place]
            errors[face] = point_error(found.landmarks[place], labelled.landmarks[face])
        elif not _excused(labelled, found.boxes[place], overlaps[place], least_iou):
            false.append(place)
    return Matched(
        labelled.file,
        labelled.boxes[wanted],
        hits[wanted],
        labelled.masked[wanted],
        labelled.heights[wanted],
        errors[wanted],
        found.scores[false],
        found.boxes[false],
        not labelled.main_only,
    )


def _excused(labelled: Labelled, box: Floats, overlaps: Floats, least_iou: float) -> bool:
    """Whether nobody knows if an unmatched box is a face."""
    if overlaps[labelled.ignored].max(initial=0) >= least_iou or labelled.main_only:
        return True
    return labelled.file.startswith(UNLABELLED_BELOW) and bool(box[3] < SMALLEST)


def point_error(found: Floats, true: Floats) -> float:
    """Mean distance of the points (5, 2) that both know, over the distance between the true eyes; else NaN.

    A detector that knows the middle of the mouth only, and tells it for both corners, is compared with the
    middle.
    """
    if (found[3] == found[4]).all():
        found, true = found[:4], np.vstack([true[:3], true[3:].mean(axis=0)])
    known = np.isfinite(found).all(axis=1) & np.isfinite(true).all(axis=1)
    eyes = float(np.linalg.norm(true[1] - true[0]))
    if not known.any() or not eyes > 0:
        return float("nan")
    return float(np.linalg.norm(found[known] - true[known], axis=1).mean() / eyes)
