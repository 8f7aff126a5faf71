"""The recipes of books and notebooks: one threshold, the contours, a network on each.

They are what a reader would try first, printed beside ours in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from edge.geometry import Boxes
from edge.recognize.descriptor import Network
from edge.recognize.digits.classify import Reader
from edge.records import Box, Description, Detection, Frame, Image, Target

SMALLEST = 12
"""Pixels: the books' usual filter against specks."""


def otsu_contours(grey: Image) -> Boxes:
    """Boxes (N, 4) of the outer contours under Otsu's threshold, ink taken for dark ("books")."""
    _, mask = cv2.threshold(
        cv2.GaussianBlur(grey, (5, 5), 0), 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU
    )
    return _contours(mask)


def adaptive_contours(grey: Image) -> Boxes:
    """Boxes (N, 4) of the outer contours under a local threshold ("adaptive")."""
    smooth = cv2.GaussianBlur(grey, (5, 5), 0)
    return _contours(
        cv2.adaptiveThreshold(smooth, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 51, 10)
    )


def _contours(mask: Image | np.ndarray) -> Boxes:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    boxes = np.array([cv2.boundingRect(contour) for contour in contours], np.float32).reshape(-1, 4)
    return boxes[(boxes[:, 3] >= SMALLEST) & (boxes[:, 2] <= 2 * boxes[:, 3])]


RECIPES: Mapping[str, Callable[[Image], Boxes]] = {
    "perceptron": otsu_contours,
    "books": otsu_contours,
    "adaptive": adaptive_contours,
}

NETWORKS: Mapping[str, str] = {"perceptron": "digits-mlp"}
"""The recipes that have the network of the books, too; the others are given one of ours."""


class ContourRecipe:
    """A recognizer as in the books: contours of one threshold, each named by ``network``."""

    def __init__(self, find: Callable[[Image], Boxes], network: Network, threshold: float) -> None:
        self._find = find
        self._reader = Reader(network)
        self.threshold = threshold

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """All contours whose score reaches the threshold, surest first."""
        grey = np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY), np.uint8)
        readings = self._reader.read(grey, self._find(grey), dark_ink=True).above(self.threshold)
        found = zip(readings.boxes.tolist(), readings.classes, readings.scores.tolist(), strict=True)
        detections = [Detection(Box(*box), self._reader.digits[index], score) for box, index, score in found]
        return sorted(detections, key=lambda detection: -detection.score)

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """Nothing: all is named."""
        return ()

    def counters(self) -> Mapping[str, int]:
        """None: nothing is bounded."""
        return {}
