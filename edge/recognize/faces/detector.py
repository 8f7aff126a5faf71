"""Where faces are: a picture of any size to boxes, scores and five points each, by one pass of a network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.geometry import Boxes, iou_matrix
from edge.recognize.descriptor import Network
from edge.records import Image

STRIDES = (8, 16, 32)
"""Pixels of the input between two places of each of the network's maps."""

SCORES, BOXES, POINTS = "scores", "boxes", "points"
"""The network's outputs: (L,) or (L, 1), (L, 4) and (L, 10) for the L places of all maps, row by row."""

OVERLAP = 0.4
"""Intersection over union from which two boxes are one face: people rarely stand closer."""

ALIKE = 0.7
"""Intersection over union with a face's box from which what another place says of the points counts too."""

LOWER = np.array([0.008, 0.008, 0.004, 0.0135, 0.0135], np.float32)
"""Heights of the box by which each point is moved down: half of what annotators mark lower, in videos that
were learnt from, than the network, which learnt most points from another detector. Half, since embedders know
faces that were cut by that detector's points."""

CANDIDATES = 300
"""Surest places that are looked at more closely; a picture of nothing but faces has fewer at 320."""

STEEPEST = 5.0
"""Logarithm of a box's side in strides beyond which it is no face but a fault; 148 strides."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """N faces, surest first. ``boxes`` (N, 4) float32 x, y, w, h, ``landmarks`` (N, 5, 2) float32, in pixels
    of the picture, perhaps beyond its border; ``scores`` (N,) float32; ``strides`` (N,) of the maps that tell
    them. Landmarks are in the picture from left to right: eye, eye, nose, mouth, mouth."""

    boxes: Boxes
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    strides: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in the network's input: scaled by ``scale`` into its upper left corner."""

    scale: float
    width: int
    height: int

    @staticmethod
    def of(size: tuple[int, int], into: tuple[int, int]) -> Letterbox:
        """For a picture of ``size`` in an input, both (width, height)."""
        scale = min(into[0] / size[0], into[1] / size[1])
        width, height = (
            max(min(round(side * scale), most), 1) for side, most in zip(size, into, strict=True)
        )
        return Letterbox(scale, width, height)


class FaceDetector:
    """Finds faces. Owned by one thread. ``dropped``: faces beyond ``most``, ``crowded``: places beyond
    ``CANDIDATES``; totals since the start."""

    def __init__(self, network: Network, *, threshold: float, most: int) -> None:
        """``threshold``: the lowest score that is told, 0..1. Raises ``ModelError`` for another network."""
        width, height = network.input_size
        if network.colour != "bgr":
            raise ModelError(f"the face detector takes {network.colour} pictures", "it must take bgr ones")
        self.threshold = threshold
        self.dropped = self.crowded = 0
        self._network, self._most = network, most
        self._canvas = np.zeros((height, width, 3), np.uint8)
        self._drawn = (0, 0)
        self._middles, self._strides = places((width, height))
        # Once on black, so that a network of another kind is found out now.
        said = network.run(self._canvas)
        wanted = {SCORES: 1, BOXES: 4, POINTS: 10}
        for name, values in wanted.items():
            if name not in said or said[name].size != values * len(self._strides):
                found = list(said[name].shape) if name in said else "missing"
                raise ModelError(
                    f"the face detector's output {name} is {found}",
                    f"{values} values for each of {len(self._strides)} places are needed",
                )

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in which pictures are looked at."""
        return self._network.input_size

    def find(self, image: Image) -> Found:
        """The faces of a picture (H, W, 3) uint8 BGR of any size, surest first."""
        box = self._letter(image)
        said = self._network.run(self._canvas)
        scores = said[SCORES].reshape(-1)
        chosen = np.flatnonzero(scores >= self.threshold)
        if len(chosen) > CANDIDATES:
            self.crowded += len(chosen) - CANDIDATES
            chosen = chosen[np.argpartition(-scores[chosen], CANDIDATES)[:CANDIDATES]]
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        boxes = boxes_of(said[BOXES].reshape(-1, 4)[chosen], self._middles[chosen], self._strides[chosen])
        kept = suppressed(boxes)
        if len(kept) > self._most:
            self.dropped += len(kept) - self._most
            kept = kept[: self._most]
        points = said[POINTS].reshape(-1, 5, 2)[chosen] * self._strides[chosen, None, None]
        points = agreed(points + self._middles[chosen, None], boxes, scores[chosen], kept)
        points[:, :, 1] += LOWER * boxes[kept, 3:4]
        by = np.float32(1 / box.scale)
        told = chosen[kept]
        return Found(boxes[kept] * by, scores[told], points * by, self._strides[told])

    def _letter(self, image: Image) -> Letterbox:
        """Puts the picture into the canvas; what the one before left beside it is blacked."""
        height, width = self._canvas.shape[:2]
        box = Letterbox.of((image.shape[1], image.shape[0]), (width, height))
        if self._drawn != (box.width, box.height):
            self._canvas[:] = 0
            self._drawn = (box.width, box.height)
        how = cv2.INTER_AREA if box.scale < 1 else cv2.INTER_LINEAR
        part = self._canvas[: box.height, : box.width]
        cv2.resize(image, (box.width, box.height), dst=part, interpolation=how)
        return box


def places(size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Middles (L, 2) in pixels and strides (L,) of a network's places for an input (width, height)."""
    middles, strides = [], []
    for stride in STRIDES:
        x, y = np.meshgrid(np.arange(-(-size[0] // stride)), np.arange(-(-size[1] // stride)))
        middles.append((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(middles).astype(np.float32), np.concatenate(strides).astype(np.float32)


def boxes_of(
    said: NDArray[np.float32], middles: NDArray[np.float32], strides: NDArray[np.float32]
) -> NDArray[np.float32]:
    """What the network says (N, 4) as boxes x, y, w, h in pixels of its input.

    It says the middle's place in strides from its own middle, and the logarithm of the sides in strides
    (as YuNet does: Wu et al. 2023).
    """
    sides = np.exp(np.minimum(said[:, 2:], STEEPEST)) * strides[:, None]
    return np.asarray(np.hstack([middles + said[:, :2] * strides[:, None] - sides / 2, sides]), np.float32)


def agreed(
    points: NDArray[np.float32], boxes: Boxes, scores: NDArray[np.float32], kept: NDArray[np.intp]
) -> NDArray[np.float32]:
    """The points (K, 5, 2) of the ``kept`` boxes: means of what all places say that mean the same face.

    ``points`` (N, 5, 2), ``boxes`` (N, 4) and ``scores`` (N,), which are the weights, are of all places
    (Bazarevsky et al. 2019, "BlazeFace", section 3.4, for boxes).
    """
    weights = np.where(iou_matrix(boxes[kept], boxes) >= ALIKE, scores, 0)
    weights[np.arange(len(kept)), kept] = np.maximum(scores[kept], np.float32(1e-6))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights @ points.reshape(-1, 10), np.float32).reshape(-1, 5, 2)


def suppressed(boxes: Boxes) -> NDArray[np.intp]:
    """Which of the boxes (N, 4), surest first, are kept: none overlaps a kept one by ``OVERLAP``."""
    low, sides = boxes[:, :2], boxes[:, 2:]
    high, areas = low + sides, sides[:, 0] * sides[:, 1]
    kept: list[int] = []
    left = np.arange(len(boxes))
    while len(left):
        # Few are kept of many that lie on each other: cheaper than all overlaps at once.
        best, left = int(left[0]), left[1:]
        kept.append(best)
        shared = np.minimum(high[left], high[best]) - np.maximum(low[left], low[best])
        np.maximum(shared, 0, out=shared)
        both = shared[:, 0] * shared[:, 1]
        left = left[both < OVERLAP * (areas[left] + areas[best] - both)]
    return np.array(kept, np.intp)
