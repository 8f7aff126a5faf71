"""Recipes around the fully convolutional detector: by its own word, or read again by the shipped network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import find
from edge.recognize.digits.classify import Reader
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Description, Detection, Frame, Image, Target
from tools.evaluate.digit_detector import FAINTEST, DigitDetector, Seen

ALONE, READ_AGAIN = "detector", "detector+cnn"
DETECTOR_RECIPES: Mapping[str, str] = {ALONE: "accept", READ_AGAIN: "accept-cnn"}
"""By the recipe's name the threshold of the detector's card."""

DIGITS = "0123456789"


class DetectorRecipe:
    """A recognizer: the detector's boxes, named by itself, or by ``reader`` where there is one."""

    def __init__(self, detector: DigitDetector, reader: Reader | None, threshold: float) -> None:
        """``threshold``: lowest score that is told, 0..1."""
        self._detector, self._reader = detector, reader
        self.threshold = threshold

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """All digits whose score reaches the threshold, surest first."""
        seen = self._detector.find(
            np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), np.uint8), self._least
        )
        digits, scores = self.named(frame.image, seen)
        found = zip(seen.boxes.tolist(), digits.tolist(), scores.tolist(), strict=True)
        told = [
            Detection(Box(*box), DIGITS[digit], score)
            for box, digit, score in found
            if score >= self.threshold
        ]
        return sorted(told, key=lambda detection: -detection.score)

    def named(self, image: Image, seen: Seen) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """The digit (N,) and the score (N,) of each place seen in ``image`` (H, W, 3) uint8 BGR.

        Of the detector alone: that something is there, times which digit. Read again: the geometric mean of
        that something is there and of what the reader says; it is shown dark ink and light, and the surer
        of the two counts, since the detector does not say which it is.
        """
        if self._reader is None:
            return seen.digits.argmax(axis=1), seen.scores * seen.digits.max(axis=1, initial=0)
        dark, light = (
            self._reader.read(ink_plane(image, dark=dark), seen.boxes, dark_ink=dark)
            for dark in (True, False)
        )
        surer = dark.scores >= light.scores
        digits = np.array([int(digit) for digit in self._reader.digits])[
            np.where(surer, dark.classes, light.classes)
        ]
        said = np.maximum(dark.scores, light.scores)
        return np.asarray(digits, np.intp), np.asarray(np.sqrt(seen.scores * said), np.float32)

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """Nothing: all is named."""
        return ()

    def counters(self) -> Mapping[str, int]:
        """None: nothing is bounded."""
        return {}

    @property
    def _least(self) -> float:
        """What the detector must say at least, given that the other factor is at most 1."""
        return max(self.threshold if self._reader is None else self.threshold**2, FAINTEST)


def detector_recipe(
    recipe: str, detector: str, reader: str, threshold: float | None, infer: InferSettings
) -> DetectorRecipe:
    """The recipe of a name, with the models ``detector`` and, to read again, ``reader``.

    ``threshold`` None: that of the detector's card. Raises ``ModelError`` where a model is missing or
    another.
    """
    found = DigitDetector.load(detector, infer)
    if threshold is None:
        folder = find(detector, infer)
        thresholds, name = load_card(folder).thresholds, DETECTOR_RECIPES[recipe]
        if name not in thresholds:
            raise ModelError(f"the card in {folder} has no threshold {name}", "give --threshold")
        threshold = thresholds[name].value
    again = Reader(Model.load(reader, infer)) if recipe == READ_AGAIN else None
    return DetectorRecipe(found, again, threshold)
