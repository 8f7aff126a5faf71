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

WILD, BLANK = 400, 800
"""Pictures at most with faces, and without, evenly chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Scores of boxes that found a face, and that did not, in pictures with faces and without; the scores of
    all faces, 0 for one that was not found; errors of the points in shares of the eyes' distance."""

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
        return float((self.blank >= threshold).sum() / max(self.blanks, 1))

    def threshold(self, rate: float) -> float:
        """The lowest of the hundredths with at most so many false boxes for each picture without a face."""
        steps = np.round(np.arange(0.05, 1.0, 0.01), 2)
        fitting = [step for step in steps if self.false(float(step)) <= rate]
        return float(fitting[0]) if fitting else 0.99


def judge(detector: FaceDetector, materials: Sequence[Material]) -> Verdict:
    """Looks at pictures with faces and without as they are, not composed."""
    right, wrong, blank, errors, scores = [], [], [], [], []
    wild = blanks = 0
    for material in materials:
        most = BLANK if material.pool.kind == "none" else WILD
        if material.pool.kind == "cut":
            continue
        for place in np.unique(np.linspace(0, len(material) - 1, min(most, len(material))).astype(int)):
            found = detector.find(np.ascontiguousarray(material.picture(int(place))))
            if material.pool.kind == "none":
                blank += found.scores.tolist()
                blanks += 1
                continue
            wild += 1
            true = material.faces[int(place)]
            overlaps = iou_matrix(found.boxes, true.boxes)
            best = np.zeros(len(true))
            for number, score in enumerate(found.scores):
                fits = np.where(true.ignore | (best > 0), 0, overlaps[number])
                at = int(fits.argmax()) if len(fits) else 0
                if len(fits) and fits[at] >= SAME:
                    best[at] = score
                    right.append(float(score))
                    points = true.points[at]
                    if not np.isnan(points).any():
                        apart = np.linalg.norm(found.landmarks[number] - points, axis=1).mean()
                        errors.append(float(apart / max(float(np.linalg.norm(points[1] - points[0])), 1.0)))
                elif not len(fits) or overlaps[number].max(initial=0) < SAME:
                    wrong.append(float(score))
            scores += best[~true.ignore].tolist()
    return Verdict(
        np.array(right),
        np.array(wrong),
        np.array(blank),
        np.array(scores),
        np.array(errors),
        wild,
        blanks,
    )


def platt(verdict: Verdict) -> tuple[float, float]:
    """Slope and offset of the logit with which of the boxes with a score s a share s found a face.

    Platt 1999, by Newton's method.
    """
    scores = np.concatenate([verdict.right, verdict.wrong, verdict.blank])
    truth = np.concatenate([np.ones(len(verdict.right)), np.zeros(len(scores) - len(verdict.right))])
    logits = np.log(np.clip(scores, 1e-4, 1 - 1e-4) / (1 - np.clip(scores, 1e-4, 1 - 1e-4)))
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(25):
        said = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (truth - said) - 1e-3 * (weights - (1, 0))
        curve = (inputs * (said * (1 - said))[:, None]).T @ inputs + 1e-3 * np.eye(2)
        weights = weights + np.linalg.solve(curve, slope)
    return float(max(weights[0], 0.05)), float(weights[1])


def calibration_error(verdict: Verdict, bins: int = 10) -> float:
    """Expected calibration error: how far scores are from the share that is right, by tenths of the score."""
    scores = np.concatenate([verdict.right, verdict.wrong, verdict.blank])
    truth = np.concatenate([np.ones(len(verdict.right)), np.zeros(len(scores) - len(verdict.right))])
    places = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [abs(float(scores[places == b].sum() - truth[places == b].sum())) for b in range(bins)]
    return sum(gaps) / max(len(scores), 1)
