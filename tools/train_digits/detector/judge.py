"""Honest scores and thresholds, by what is found in whole composed scenes that were never learnt from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from edge.capture.stills import read_picture
from edge.clock import SystemClock
from edge.geometry import iou_matrix
from edge.records import Detection, Frame
from tools.evaluate.detector_recipes import DetectorRecipe
from tools.evaluate.digit_detector import STRIDES, DigitDetector, Seen
from tools.evaluate.matching import LEAST_IOU, Tally, compare
from tools.evaluate.scene_labels import Scene
from tools.train_digits.acceptance import SceneAcceptance
from tools.train_digits.calibrate import honest
from tools.train_digits.detector.material import picture
from tools.train_faces.detector.judge import platt

STEPS = np.round(np.arange(0.2, 0.991, 0.01), 2)
"""Thresholds that are tried."""


@dataclass(frozen=True, slots=True)
class Honesty:
    """What makes scores honest: slope and offset of each map's logits, and the temperature of the classes."""

    scales: tuple[tuple[float, float], ...]
    temperature: float


def honesty(detector: DigitDetector, scenes: Sequence[Scene]) -> Honesty:
    """With which of the places seen with a score s a share s is a digit, and named so too.

    Platt 1999 for the scores, a temperature (Guo et al. 2017) for the classes. Raises ``InputError`` where a
    scene cannot be read.
    """
    found = [(scene, detector.find(picture(scene).grey)) for scene in _shown(scenes, "honest scores")]
    every = Seen.join([seen for _, seen in found])
    labels = np.concatenate([matched(scene, seen) for scene, seen in found])
    right = labels >= 0
    scales = []
    for stride in STRIDES:
        of = every.strides == stride
        truth = right[of].astype(np.float64)
        scales.append(platt(every.scores[of].astype(np.float64), truth, np.ones(len(truth))))
    temperature = 1.0
    if right.any():
        logits = np.log(np.maximum(every.digits[right], 1e-6))
        temperature = honest(logits, labels[right].astype(np.uint8)).temperature
    return Honesty(tuple(scales), temperature)


def matched(scene: Scene, seen: Seen) -> NDArray[np.int16]:
    """The digit (N,) that each of N places is, -1 for none; the surest choose first, each label once."""
    free = np.ones(len(scene.digits), bool)
    labels = np.full(len(seen), -1, np.int16)
    for row, overlaps in enumerate(iou_matrix(seen.boxes, scene.boxes)):
        fits = np.where(free, overlaps, 0)
        if len(fits) and fits.max() >= LEAST_IOU:
            free[fits.argmax()] = False
            labels[row] = scene.digits[fits.argmax()]
    return labels


def accepted(recipe: DetectorRecipe, scenes: Sequence[Scene], name: str) -> SceneAcceptance:
    """The threshold with the best F0.5, the lowest of several, and what it does on ``scenes``."""
    recipe.threshold = float(STEPS[0])
    clock = SystemClock()
    found = [
        recipe.detect(Frame(read_picture(scene.path), 0, clock.monotonic_ns(), clock.wall()))
        for scene in _shown(scenes, name)
    ]
    choices = [_at(float(value), scenes, found) for value in STEPS]
    return max(choices, key=lambda choice: (round(choice.weighed, 4), -choice.value))


def _at(value: float, scenes: Sequence[Scene], found: Sequence[Sequence[Detection]]) -> SceneAcceptance:
    total, false_digits = Tally(), 0
    for scene, detections in zip(scenes, found, strict=True):
        told = [item for item in detections if item.score >= value]
        total += compare(scene, told)[0]
        false_digits += 0 if len(scene.digits) else len(told)
    shares = total.shares()
    return SceneAcceptance(
        value, shares["precision"], shares["recall"], shares["f1"], false_digits, len(scenes)
    )


def _shown(scenes: Sequence[Scene], name: str) -> Iterable[Scene]:
    """The scenes one by one, with a bar on standard error."""
    return track(scenes, name, console=Console(stderr=True), transient=True)
