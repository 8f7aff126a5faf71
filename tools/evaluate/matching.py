"""Which found digits are right: IoU with a label of at least 0.4 and the same digit, each label once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.geometry import iou_matrix
from edge.records import Box, Detection
from tools.evaluate.scene_labels import Scene

Floats = NDArray[np.float32]

LEAST_IOU = 0.4

Kind = Literal["missed", "misread", "false"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One error in a picture: a label not found, found with another digit, or a digit where none is."""

    kind: Kind
    box: Box
    true: int | None
    read: int | None
    score: float


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over pictures; ``right`` of ``found`` digits, of ``labelled`` ones."""

    right: int = 0
    found: int = 0
    labelled: int = 0
    scores: tuple[tuple[float, bool], ...] = ()
    """Of each found digit: its score, and whether it is right."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.right + other.right,
            self.found + other.found,
            self.labelled + other.labelled,
            self.scores + other.scores,
        )

    def shares(self) -> dict[str, float]:
        """Precision, recall and F1, 0..1; precision is 1 where nothing was found."""
        precision = self.right / self.found if self.found else 1.0
        recall = self.right / self.labelled if self.labelled else 1.0
        total = precision + recall
        return {
            "precision": precision,
            "recall": recall,
            "f1": 2 * precision * recall / total if total else 0.0,
        }


def compare(scene: Scene, found: Sequence[Detection]) -> tuple[Tally, list[Mistake]]:
    """Counts and mistakes of one picture. The surest detections choose first, each its best free label."""
    named = sorted((item for item in found if item.label is not None), key=lambda item: -item.score)
    boxes = np.array([item.box for item in named], np.float32).reshape(-1, 4)
    overlaps = iou_matrix(boxes, scene.boxes)
    free = np.ones(len(scene.digits), bool)
    wrong = []
    scores = []
    for item, row in zip(named, overlaps, strict=True):
        fits = np.where(free & (scene.digits == int(item.label or -1)), row, 0)
        if len(fits) and fits.max() >= LEAST_IOU:
            free[fits.argmax()] = False
            scores.append((item.score, True))
        else:
            wrong.append((item, row))
            scores.append((item.score, False))
    right = int((~free).sum())
    return Tally(right, len(named), len(scene.digits), tuple(scores)), _mistakes(scene, wrong, free.copy())


def _mistakes(scene: Scene, wrong: list[tuple[Detection, Floats]], free: NDArray[np.bool_]) -> list[Mistake]:
    """What the wrong ones are, and which labels are left; ``free`` (N,) tells the labels not yet found."""
    mistakes = []
    for item, row in wrong:
        read = int(item.label or -1)
        fits = np.flatnonzero(free & (row >= LEAST_IOU))
        if len(fits):
            place = fits[row[fits].argmax()]
            free[place] = False
            mistakes.append(Mistake("misread", item.box, int(scene.digits[place]), read, item.score))
        else:
            mistakes.append(Mistake("false", item.box, None, read, item.score))
    for place in np.flatnonzero(free):
        mistakes.append(
            Mistake("missed", Box(*scene.boxes[place].tolist()), int(scene.digits[place]), None, 0.0)
        )
    return mistakes


def exact_lines(labelled: Sequence[str], read: Sequence[str]) -> int:
    """How many labelled lines were read exactly, each read line counted once."""
    return (Counter(labelled) & Counter(read)).total()
