"""From judged pictures to figures: average precision, recall at so many false boxes a picture, by kind and
size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.evaluate.faces.matching import Floats, Matched

RATES = (0.05, 0.1, 0.3)
"""False boxes a picture at which recall is told."""
OPERATING = 0.1
"""The one of them at which masked and bare faces and sizes are told apart."""
HEIGHTS = (16, 32, 64)
"""Bounds of the sizes, in pixels of height at a longer side of 320."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """All pictures of one detector: ``pictures``, and of the pictures without a face the ``scores`` of its
    boxes.

    ``empty``: how many pictures without a face there were.
    """

    pictures: Sequence[Matched]
    scores: Floats
    empty: int

    @property
    def counted(self) -> int:
        """Pictures over which false boxes are counted."""
        return sum(picture.counted for picture in self.pictures)

    def of_faces(self, name: str) -> NDArray[Any]:
        """``hits``, ``masked``, ``heights`` or ``errors`` of all faces (N,)."""
        return np.concatenate([getattr(picture, name) for picture in self.pictures])

    @property
    def false(self) -> Floats:
        """Scores of the false boxes, surest first."""
        found = np.concatenate([np.zeros(0, np.float32), *(picture.false for picture in self.pictures)])
        return np.asarray(np.sort(found)[::-1], np.float32)


def average_precision(hits: Floats, false: Floats) -> float:
    """Area under precision over recall, precision made monotonic (as PASCAL VOC from 2010 on).

    ``hits`` (N,): score of each face, -1 where it was missed; ``false`` (M,): scores of false boxes. Boxes of
    the same score, of which 8-bit models have many, are accepted together.
    """
    found, right = precision_recall(hits, false)
    if not len(found):
        return 0.0
    highest = np.maximum.accumulate(right[::-1])[::-1]
    return float((np.diff(found, prepend=0) * highest).sum())


def precision_recall(hits: Floats, false: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision at every score that a box has, from the highest on."""
    scores = np.concatenate([hits[hits >= 0], false])
    right = np.arange(len(scores)) < (hits >= 0).sum()
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], right[order]
    ends = np.append(scores[1:] < scores[:-1], True)[: len(scores)]
    count = np.arange(1, len(scores) + 1)
    return (np.cumsum(right) / max(len(hits), 1))[ends], (np.cumsum(right) / count)[ends]


def threshold_at(false: Floats, allowed: float) -> float:
    """The lowest threshold that at most ``allowed`` of the false boxes (M,) reach; 0 where all may."""
    most = int(allowed + 1e-9)
    falling = np.sort(false)[::-1]
    return float(np.nextafter(falling[most], np.float32(2))) if len(falling) > most else 0.0


def recall(hits: Floats, threshold: float) -> float | None:
    """Share of the faces (N,) whose score reaches ``threshold``; of none: None."""
    return float((hits >= threshold).mean()) if len(hits) else None


def curve(judged: Judged, points: int = 200) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False boxes a picture and recall at falling thresholds (a FROC curve), each (points,)."""
    rates = np.geomspace(0.005, 3, points)
    false, hits = judged.false, judged.of_faces("hits")
    found = [(hits >= threshold_at(false, rate * judged.counted)).mean() for rate in rates]
    return rates, np.array(found)


def precision_curve(judged: Judged) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and precision at every threshold, from the strictest on."""
    return precision_recall(judged.of_faces("hits"), judged.false)


def figures(judged: Judged) -> dict[str, Any]:
    """What ``faces-detect`` prints of one detector, without its time; shares 0..1, None where unknown."""
    hits, masked = judged.of_faces("hits"), judged.of_faces("masked")
    false = judged.false
    operating = threshold_at(false, OPERATING * judged.counted)
    errors = judged.of_faces("errors")
    errors = errors[np.isfinite(errors)]
    return {
        "ap": average_precision(hits, false),
        "recall_at_false_per_picture": {
            f"{rate:g}": recall(hits, threshold_at(false, rate * judged.counted)) for rate in RATES
        },
        "masked": recall(hits[masked], operating),
        "bare": recall(hits[~masked], operating),
        "by_height": {
            name: recall(hits[some], operating)
            for name, some in by_height(judged.of_faces("heights")).items()
        },
        "recall_at_0.1_false_per_negative": (
            recall(hits, threshold_at(judged.scores, OPERATING * judged.empty)) if judged.empty else None
        ),
        "point_error": float(np.median(errors)) if len(errors) else None,
        "threshold": operating,
        "n": {"pictures": len(judged.pictures), "faces": len(hits), "masked": int(masked.sum())},
    }


def by_height(heights: Floats) -> dict[str, NDArray[np.bool_]]:
    """Which faces (N,) are of which size, by the names that are printed."""
    low, middle, high = HEIGHTS
    return {
        f"<{low}": heights < low,
        f"{low}-{middle}": (heights >= low) & (heights < middle),
        f"{middle}-{high}": (heights >= middle) & (heights < high),
        f">{high}": heights >= high,
    }
