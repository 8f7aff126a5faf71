"""Crops where the recognizer itself proposes them, in composed scenes: what it will ask of the net."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.crop import cut
from edge.recognize.digits.proposals import choose, propose
from edge.records import Box, Image
from tools.ink.alphabet import Alphabet, Part, alphabet
from tools.ink.scene import Scene, compose
from tools.train_digits.calibrate import REJECT
from tools.train_digits.crops import SIZE

SIDE = 288
"""Side of a scene in pixels."""

_MOST = 80
_REJECTS_KEPT = 20
_CONTRAST = 10.0


class Proposed(NamedTuple):
    """Crops (N, 32, 32) uint8 and their labels (N,) uint8, 0 to 10."""

    crops: Image
    labels: NDArray[np.uint8]


class SceneCrops:
    """Composes scenes and hands out the crops proposed in them one by one, digits and rejects mixed."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._ready: list[tuple[Image, int]] = []

    def draw(self, rng: np.random.Generator, out: Image) -> int:
        """One crop into ``out`` (32, 32); gives its label."""
        while not self._ready:
            found = proposed(compose(rng, self._alphabet, SIDE))
            rejects = np.flatnonzero(found.labels == REJECT)
            kept = rng.permutation(rejects)[:_REJECTS_KEPT]
            order = rng.permutation(np.concatenate([np.flatnonzero(found.labels < REJECT), kept]))
            self._ready = [(found.crops[i], int(found.labels[i])) for i in order]
        crop, label = self._ready.pop()
        out[:] = crop
        return label


def scene_set(root: Path, part: Part, scenes: int, seed: int) -> Proposed:
    """Everything proposed in ``scenes`` composed scenes of a part: mostly no digit, as in photographs."""
    shapes, rng = alphabet(root, part), np.random.default_rng([seed, scenes])
    found = [proposed(compose(rng, shapes, SIDE)) for _ in range(scenes)]
    return Proposed(
        np.concatenate([one.crops for one in found]), np.concatenate([one.labels for one in found])
    )


def proposed(scene: Scene) -> Proposed:
    """What is proposed in ``scene``, in both polarities, but what is neither digit nor clearly none."""
    candidates = [propose(scene.picture, dark=dark, heights=(8.0, 0.75 * SIDE)) for dark in (True, False)]
    chosen, _ = choose(candidates, _MOST)
    crops, labels = [], []
    for boxes, dark in zip(chosen, (True, False), strict=True):
        names = _labels(boxes, scene)
        if dark != scene.dark_ink:
            names[names < REJECT] = REJECT + 1  # a digit's hole or halo: neither
        for box, label in zip(boxes.tolist(), names.tolist(), strict=True):
            crop = np.empty((SIZE, SIZE), np.uint8)
            if label <= REJECT and cut(scene.picture, Box(*box), dark_ink=dark, out=crop) >= _CONTRAST:
                crops.append(crop)
                labels.append(label)
    stacked = np.stack(crops) if crops else np.empty((0, SIZE, SIZE), np.uint8)
    return Proposed(stacked, np.array(labels, np.uint8))


def _labels(boxes: NDArray[np.float32], scene: Scene) -> NDArray[np.intp]:
    """For each box its digit, REJECT, or REJECT + 1 for what lies between.

    A digit's box overlaps the true one, and so do the squares that are cut around both; a bare stroke's
    box is too narrow to ask more than the latter.
    """
    if not len(scene.boxes):
        return np.full(len(boxes), REJECT)
    tight, squares = _iou(boxes, scene.boxes), _iou(_square(boxes), _square(scene.boxes))
    narrow = scene.boxes[:, 2] < 0.35 * scene.boxes[:, 3]
    thin = boxes[:, 2] < 0.6 * boxes[:, 3]
    good = (squares > 0.66) & np.where(narrow, thin[:, None], tight > 0.6)
    bad = (squares < 0.45) | (~narrow & (tight < 0.35))
    best = np.argmax(np.where(good, squares, -1), axis=1)
    names = np.where(bad.all(1), REJECT, REJECT + 1)
    return np.where(good.any(1), scene.digits[best], names)


def _square(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    side = boxes[:, 2:].max(1)
    middle = boxes[:, :2] + boxes[:, 2:] / 2
    return np.column_stack([middle - side[:, None] / 2, side, side]).astype(np.float32)


def _iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(2)
    area = a[:, 2:].prod(1)[:, None] + b[:, 2:].prod(1)[None]
    return np.asarray(shared / np.maximum(area - shared, 1e-6), np.float32)
