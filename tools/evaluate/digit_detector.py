"""A fully convolutional detector of digits: a few scales of a picture, one pass of a network over each.

Unlike proposals that are read one by one, what it costs depends on the size of the picture alone, not on
what is in view. It is judged beside the recognizer that ships (`--recipe detector`) and is no part of that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.geometry import Boxes, size_of
from edge.infer.card import load_card
from edge.infer.decode import sigmoid, softmax
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import find
from edge.recognize.descriptor import Network
from edge.recognize.faces.detector import boxes_of
from edge.records import Image

STRIDES = (4, 8, 16)
"""Pixels of the input between two places of each of the network's maps."""

SCORES, CLASSES, BOXES = "scores", "classes", "boxes"
"""The network's outputs for the L places of all maps, row by row: logits (L, 1) of a digit being there and
(L, 10) of which one; (L, 4) its box, as faces' boxes are told."""

TASK = "digit-detector"

WORKING_SIDE = 1216
"""Longer side in pixels of the finest scale: two tiles of 640 and what they share."""

SHARED = 48
"""Pixels that two tiles of a scale share; a larger digit on the border is seen whole on the next scale."""

SCALES = (1.0, 0.5, 0.25)
"""Of the working size. Each digit up to 480 pixels is on one of them as large as the network knows digits."""

SMALLEST_SIDE = 48
"""Pixels of a scale's longer side below which it shows nothing that the one before did not."""

FAINTEST = 0.05
"""Score below which a place is not looked at."""

CANDIDATES = 600
"""Surest places of a tile that are looked at more closely."""

OVERLAP = 0.5
"""Share of the smaller of two boxes in the other from which the less sure gives way."""

BORDER = 1.5
"""Pixels from a border between tiles within which a box ends that is cut off there."""

_Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """N digits, surest first: ``boxes`` (N, 4) float32 x, y, w, h in pixels of the picture; ``scores`` (N,)
    that a digit is there; ``digits`` (N, 10) which one; ``strides`` (N,) of the maps that say so."""

    boxes: Boxes
    scores: _Floats
    digits: _Floats
    strides: _Floats

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Seen:
        """Those that a mask or indices name."""
        return Seen(self.boxes[which], self.scores[which], self.digits[which], self.strides[which])

    @staticmethod
    def join(some: Sequence[Seen]) -> Seen:
        """All of ``some``, perhaps none, in order."""
        none = Seen(*(np.zeros(shape, np.float32) for shape in ((0, 4), (0,), (0, 10), (0,))))
        parts = [none, *some]
        return Seen(
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.digits for part in parts]),
            np.concatenate([part.strides for part in parts]),
        )


class DigitDetector:
    """Finds and names digits in grey pictures of any size. Owned by one thread."""

    def __init__(self, networks: Sequence[Network]) -> None:
        """``networks``: the same one for inputs of several sizes. Raises ``ModelError`` for any other."""
        self._lookers = sorted((_Looker(network) for network in networks), key=lambda looker: looker.pixels)

    @classmethod
    def load(cls, name: str, settings: InferSettings) -> DigitDetector:
        """All variants of the model of a name, or of a folder. Raises ``ModelError``."""
        folder = find(name, settings)
        card = load_card(folder)
        if card.task != TASK:
            raise ModelError(f"{folder} is for the task {card.task}", f"one for {TASK} is needed")
        return cls([Model(folder, card, settings, variant.size) for variant in card.variants])

    def find(self, grey: Image, least: float = FAINTEST) -> Seen:
        """The digits of ``grey`` (H, W) uint8 with a score of at least ``least``, surest first."""
        longer = max(size_of(grey))
        working = min(WORKING_SIDE / longer, 1.0)
        found = []
        for scale in SCALES:
            by = working * scale
            if scale < 1 and longer * by < SMALLEST_SIDE:
                break
            size = tuple(max(round(side * by), 1) for side in size_of(grey))
            level = grey if by == 1 else np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
            ratio = np.tile(np.array(size_of(grey)) / np.array(size), 2)
            for seen in self._of_level(np.asarray(level, np.uint8), least):
                boxes = np.asarray(seen.boxes * ratio, np.float32)
                found.append(Seen(boxes, seen.scores, seen.digits, seen.strides))
        every = Seen.join(found)
        every = every.take(np.argsort(-every.scores, kind="stable"))
        return every.take(standing(every.boxes))

    def _of_level(self, level: Image, least: float) -> Iterator[Seen]:
        """What is seen in each tile of one scale, in pixels of that."""
        width, height = size_of(level)
        looker = next((some for some in self._lookers if some.holds(level)), self._lookers[-1])
        for left in starts(width, looker.width):
            for top in starts(height, looker.height):
                tile = level[top : top + looker.height, left : left + looker.width]
                seen = looker.look(tile, least)
                low, high = seen.boxes[:, :2], seen.boxes[:, :2] + seen.boxes[:, 2:]
                right, bottom = left + looker.width, top + looker.height
                cut = (low[:, 0] < BORDER) & (left > 0) | (low[:, 1] < BORDER) & (top > 0)
                cut |= (high[:, 0] > looker.width - BORDER) & (right < width)
                cut |= (high[:, 1] > looker.height - BORDER) & (bottom < height)
                offset = np.array([left, top, 0, 0], np.float32)
                whole = seen.take(~cut)
                yield Seen(whole.boxes + offset, whole.scores, whole.digits, whole.strides)


class _Looker:
    """One network and its canvas."""

    def __init__(self, network: Network) -> None:
        self.width, self.height = network.input_size
        self.pixels = self.width * self.height
        if network.colour != "grey":
            raise ModelError(f"the digit detector takes {network.colour} pictures", "it must take grey ones")
        self._network = network
        self._canvas = np.zeros((self.height, self.width), np.uint8)
        self._middles, self._strides = places((self.width, self.height))
        # Once on black, so that a network of another kind is found out now.
        said = network.run(self._canvas)
        for name, values in {SCORES: 1, CLASSES: 10, BOXES: 4}.items():
            if name not in said or said[name].size != values * len(self._strides):
                found = list(said[name].shape) if name in said else "missing"
                raise ModelError(
                    f"the digit detector's output {name} is {found}",
                    f"{values} values for each of {len(self._strides)} places are needed",
                )

    def holds(self, picture: Image) -> bool:
        """Whether ``picture`` fits in as a whole."""
        width, height = size_of(picture)
        return width <= self.width and height <= self.height

    def look(self, tile: Image, least: float) -> Seen:
        """What is seen in ``tile`` (h, w) uint8, which lies in the upper left corner, black beside it."""
        self._canvas[:] = 0
        self._canvas[: tile.shape[0], : tile.shape[1]] = tile
        said = self._network.run(self._canvas)
        scores = sigmoid(said[SCORES].reshape(-1), 1.0)
        chosen = np.flatnonzero(scores >= least)
        if len(chosen) > CANDIDATES:
            chosen = chosen[np.argpartition(-scores[chosen], CANDIDATES)[:CANDIDATES]]
        boxes = boxes_of(said[BOXES].reshape(-1, 4)[chosen], self._middles[chosen], self._strides[chosen])
        digits = softmax(said[CLASSES].reshape(-1, 10)[chosen], 1.0)
        return Seen(boxes, scores[chosen], digits, self._strides[chosen])


def places(size: tuple[int, int]) -> tuple[_Floats, _Floats]:
    """Middles (L, 2) in pixels and strides (L,) of the network's places for an input (width, height)."""
    middles, strides = [], []
    for stride in STRIDES:
        x, y = np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride))
        middles.append((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(middles).astype(np.float32), np.concatenate(strides).astype(np.float32)


def starts(side: int, tile: int) -> list[int]:
    """Where tiles begin that cover ``side`` pixels evenly, two of them sharing ``SHARED`` at least."""
    if side <= tile:
        return [0]
    count = -(-(side - SHARED) // (tile - SHARED))
    return [round(place * (side - tile) / (count - 1)) for place in range(count)]


def standing(boxes: Boxes) -> NDArray[np.intp]:
    """Which of ``boxes`` (N, 4), surest first, stand: none lies by ``OVERLAP`` in a surer one, or that in it.

    The overlap is that over the smaller box, so that a part of a digit and a box around several give way too.
    """
    low, sides = boxes[:, :2], boxes[:, 2:]
    high, areas = low + sides, sides[:, 0] * sides[:, 1]
    kept: list[int] = []
    left = np.arange(len(boxes))
    while len(left):
        best, left = int(left[0]), left[1:]
        kept.append(best)
        shared = np.clip(np.minimum(high[left], high[best]) - np.maximum(low[left], low[best]), 0, None)
        left = left[shared[:, 0] * shared[:, 1] < OVERLAP * np.minimum(areas[left], areas[best])]
    return np.array(kept, np.intp)
