"""What the scores of a detector mean, measured on pictures that it never learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.geometry import iou_matrix
from edge.recognize.faces.detector import FaceDetector
from tools.train_faces.detector.material import Material

SAME = 0.3
"""Overlap from which a box has found a face."""

RARER = 0.25
"""Weight of a box in a picture without a face where scores are made honest: animals that fill a picture are
rarer before a camera than in these pools."""

DRAWN = 0.1
"""Weight of a prior that scores are honest already, in boxes about."""

WILD, BLANK = 400, 800
"""Pictures at most with faces, and without, evenly chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """``right``, ``wrong``, ``blank`` (N, 2): score and stride of boxes that found a face, that did not, and
    that are in pictures without any; ``faces``: the scores of all faces, 0 for one that was not found;
    ``errors`` of the points in shares of the eyes' distance."""

    right: NDArray[np.float64]
    wrong: NDArray[np.float64]
    blank: NDArray[np.float64]
    faces: NDArray[np.float64]
    errors: NDArray[np.float64]
    wild: int
    blanks: int

    def recall(self, threshold: float) -> float:
        """Share of the faces that are found."""
        return float((self.faces >= threshold).mean()) if len(self.faces) else 0.0

    def false(self, threshold: float) -> float:
        """False boxes for each picture without a face."""
        return float((self.blank[:, 0] >= threshold).sum() / max(self.blanks, 1))

    def scores(self, stride: int | None = None) -> tuple[NDArray[np.float64], ...]:
        """Of all boxes, or those of one map, the scores (N,), 1.0 where it found a face, and the weights."""
        parts = [
            part[:, 0] if stride is None else part[part[:, 1] == stride, 0]
            for part in (self.right, self.wrong, self.blank)
        ]
        truth, weights = (
            np.concatenate([np.full(len(part), value) for part, value in zip(parts, values, strict=True)])
            for values in ((1.0, 0.0, 0.0), (1.0, 1.0, RARER))
        )
        return np.concatenate(parts), truth, weights

    def threshold(self, rate: float) -> float:
        """The lowest of the hundredths with at most so many false boxes for each picture without a face."""
        steps = np.round(np.arange(0.05, 1.0, 0.01), 2)
        fitting = [step for step in steps if self.false(float(step)) <= rate]
        return float(fitting[0]) if fitting else 0.99


def judge(detector: FaceDetector, materials: Sequence[Material]) -> Verdict:
    """Looks at pictures with faces and without as they are, not composed."""
    right: list[tuple[float, float]] = []
    wrong: list[tuple[float, float]] = []
    blank: list[tuple[float, float]] = []
    errors: list[float] = []
    scores: list[float] = []
    wild = blanks = 0
    for material in materials:
        most = BLANK if material.pool.kind == "none" else WILD
        if material.pool.kind == "cut":
            continue
        for place in np.unique(np.linspace(0, len(material) - 1, min(most, len(material))).astype(int)):
            found = detector.find(np.ascontiguousarray(material.picture(int(place))))
            if material.pool.kind == "none":
                blank += zip(found.scores.tolist(), found.strides.tolist(), strict=True)
                blanks += 1
                continue
            wild += 1
            true = material.faces[int(place)]
            overlaps = iou_matrix(found.boxes, true.boxes)
            best = np.zeros(len(true))
            for number, told in enumerate(zip(found.scores.tolist(), found.strides.tolist(), strict=True)):
                fits = np.where(true.ignore | (best > 0), 0, overlaps[number])
                at = int(fits.argmax()) if len(fits) else 0
                if len(fits) and fits[at] >= SAME:
                    best[at] = told[0]
                    right.append(told)
                    points = true.points[at]
                    if not np.isnan(points).any():
                        apart = np.linalg.norm(found.landmarks[number] - points, axis=1).mean()
                        errors.append(float(apart / max(float(np.linalg.norm(points[1] - points[0])), 1.0)))
                elif not len(fits) or overlaps[number].max(initial=0) < SAME:
                    wrong.append(told)
            scores += best[~true.ignore].tolist()
    return Verdict(
        np.array(right).reshape(-1, 2),
        np.array(wrong).reshape(-1, 2),
        np.array(blank).reshape(-1, 2),
        np.array(scores),
        np.array(errors),
        wild,
        blanks,
    )


def platt(
    scores: NDArray[np.float64], truth: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[float, float]:
    """Slope and offset of the logit with which of the boxes with a score s a share s found a face.

    Platt 1999, by Newton's method, ``shares`` (N,) the boxes' weights; drawn to 1 and 0 where few boxes (N,)
    say otherwise.
    """
    logits = np.log(np.clip(scores, 1e-4, 1 - 1e-4) / (1 - np.clip(scores, 1e-4, 1 - 1e-4)))
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(25):
        said = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (shares * (truth - said)) - DRAWN * (weights - (1, 0))
        curve = (inputs * (shares * said * (1 - said))[:, None]).T @ inputs + DRAWN * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    return float(max(weights[0], 0.05)), float(weights[1])


def calibration_error(verdict: Verdict, bins: int = 10) -> float:
    """Expected calibration error: how far scores are from the share that is right, by tenths of the score."""
    scores, truth, weights = verdict.scores()
    places = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = np.bincount(places, weights * (scores - truth), bins)
    return float(np.abs(gaps).sum() / max(weights.sum(), 1e-9))
