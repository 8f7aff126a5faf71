"""What the network says of proposed places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.geometry import Boxes
from edge.recognize.descriptor import Network
from edge.recognize.digits.crop import cut
from edge.records import Box, Image

LEAST_CONTRAST = 5.0
"""Grey levels between paper and ink below which a cut shows nothing but noise."""

MOST_INK = 0.65
"""Mean brightness of a cut above which its "ink" is paper between two lines: the boldest digit with
neighbours fills 0.4, one across a hard shadow up to 0.6."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Readings of places: ``boxes`` (N, 4) float32 x, y, w, h; ``classes`` (N,) index of the likeliest
    digit; ``scores`` (N,) float32 its calibrated probability; ``dark`` (N,) whether read as dark ink."""

    boxes: Boxes
    classes: NDArray[np.intp]
    scores: NDArray[np.float32]
    dark: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Readings:
        """Those that a mask or indices name."""
        return Readings(self.boxes[which], self.classes[which], self.scores[which], self.dark[which])

    def above(self, threshold: float) -> Readings:
        """Those with at least this score."""
        return self.take(self.scores >= threshold)

    @staticmethod
    def join(some: Sequence[Readings]) -> Readings:
        """All of ``some``, at least one, in order."""
        return Readings(
            np.concatenate([each.boxes for each in some]),
            np.concatenate([each.classes for each in some]),
            np.concatenate([each.scores for each in some]),
            np.concatenate([each.dark for each in some]),
        )


class Reader:
    """Shows places to the network, one after the other, through one buffer."""

    def __init__(self, network: Network) -> None:
        """Raises ``ModelError`` where ``network`` is none for grey square cuts of digits."""
        width, height = network.input_size
        if network.colour != "grey" or width != height:
            raise ModelError(
                f"the digits' model takes {network.colour} pictures of {width}x{height}",
                "it must take grey squares",
            )
        places = [
            index for index, label in enumerate(network.labels) if len(label) == 1 and label in "0123456789"
        ]
        if len(places) != 10:
            raise ModelError(
                f"the labels of the digits' model are {', '.join(network.labels) or 'none'}",
                "it must have the labels 0 to 9, and may have others for what is no digit",
            )
        self.digits = tuple(network.labels[index] for index in places)
        self._places = np.array(places)
        self._network = network
        self._crop = np.empty((height, width), np.uint8)

    def show(
        self, plane: Image, box: NDArray[np.float32], *, dark_ink: bool
    ) -> tuple[Image, NDArray[np.float32]]:
        """The cut at ``box`` (4,) as the network sees it, (N, N) uint8, and all its scores; copies."""
        cut(plane, Box(*box.tolist()), dark_ink=dark_ink, out=self._crop)
        return self._crop.copy(), self._network.run(self._crop)["scores"].copy()

    def read(self, plane: Image, boxes: Boxes, *, dark_ink: bool) -> Readings:
        """The likeliest digit at each of ``boxes`` (N, 4) of ``plane`` (H, W) uint8, with its score.

        Where there is next to no contrast, or more ink than paper, the score is 0 without asking.
        """
        scores = np.zeros((len(boxes), len(self._places)), np.float32)
        for row, box in zip(scores, boxes.tolist(), strict=True):
            contrast = cut(plane, Box(*box), dark_ink=dark_ink, out=self._crop)
            if contrast >= LEAST_CONTRAST and cv2.mean(self._crop)[0] <= MOST_INK * 255:
                row[:] = self._network.run(self._crop)["scores"][self._places]
        classes = scores.argmax(axis=1)
        dark = np.full(len(boxes), dark_ink)
        return Readings(boxes, classes, scores.max(axis=1, initial=0), dark)
