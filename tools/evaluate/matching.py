"""Which found digits, numbers and lines are right.

A digit is right when its box has an IoU of at least 0.4 with a label of the same digit, each label at most
once; so is a number, with the box around it and all its text: digits, their order, decimal marks, and where
it begins and ends. A line is right when all its digits are, in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.geometry import iou_matrix
from edge.records import Box, Detection
from edge.track.numbers import Glyph, Number, lines
from tools.evaluate.scene_labels import NumberLabel, Scene

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
    """Counts over pictures; ``right`` of ``found`` digits (or numbers), of ``labelled`` ones."""

    right: int = 0
    found: int = 0
    labelled: int = 0
    scores: tuple[tuple[float, bool], ...] = ()
    """Of each found one: its score, and whether it is right."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.right + other.right,
            self.found + other.found,
            self.labelled + other.labelled,
            self.scores + other.scores,
        )

    def judgements(self) -> tuple[Floats, NDArray[np.bool_]]:
        """Of the N found ones the scores (N,), and which are right (N,)."""
        scores = np.array([score for score, _ in self.scores], np.float32)
        return scores, np.array([right for _, right in self.scores], bool)

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one recipe did on one picture. ``lines_right`` of the labelled lines were read exactly;
    ``numbers`` is None where the labels do not tell them."""

    scene: Scene
    tally: Tally
    mistakes: list[Mistake]
    lines_right: int
    numbers: Tally | None
    ms: float
    megapixels: float


def total(outcomes: Sequence[Outcome]) -> Tally:
    """The digits of all pictures."""
    return sum((outcome.tally for outcome in outcomes), Tally())


def judged(scene: Scene, found: Sequence[Detection], ms: float, megapixels: float) -> Outcome:
    """What ``found``, in ``ms`` milliseconds on a picture of so many ``megapixels``, is worth."""
    tally, mistakes = compare(scene, found)
    glyphs = [
        Glyph(item.box, item.label, item.score, index, item.mark)
        for index, item in enumerate(found)
        if item.label
    ]
    read = lines(glyphs)
    whole = ["".join(number.text for number in line).replace(".", "") for line in read]
    numbers = [number for line in read for number in line]
    return Outcome(
        scene,
        tally,
        mistakes,
        exact_lines(scene.lines, whole),
        None if scene.numbers is None else compare_numbers(scene.numbers, numbers),
        ms,
        megapixels,
    )


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


def compare_numbers(labels: Sequence[NumberLabel], read: Sequence[Number]) -> Tally:
    """Counts of one picture's numbers. The surest choose first, each its best free label."""
    boxes = np.array([number.box for number in read], np.float32).reshape(-1, 4)
    overlaps = iou_matrix(boxes, np.array([label.box for label in labels], np.float32).reshape(-1, 4))
    texts = np.array([label.text for label in labels], object)
    free = np.ones(len(labels), bool)
    scores = []
    for place in sorted(range(len(read)), key=lambda place: -read[place].score):
        number = read[place]
        fits = np.where(free & (texts == number.text), overlaps[place], 0)
        right = bool(len(fits) and fits.max() >= LEAST_IOU)
        if right:
            free[fits.argmax()] = False
        scores.append((number.score, right))
    return Tally(int((~free).sum()), len(read), len(labels), tuple(scores))


def exact_lines(labelled: Sequence[str], read: Sequence[str]) -> int:
    """How many labelled lines were read exactly, each read line counted once."""
    return (Counter(labelled) & Counter(read)).total()
