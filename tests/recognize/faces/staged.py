"""Networks that are told what there is: faces are painted textures, and one texture is one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.descriptor import Network
from edge.recognize.faces.calibration import Calibration
from edge.recognize.faces.detector import LOWER, Letterbox, places
from edge.recognize.faces.recognizer import FaceRecognizer, build
from edge.recognize.faces.settings import FacesSettings
from edge.records import Frame, Image, Points

FACE = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 73.0), (41.5, 92.4), (70.7, 92.2)], np.float32) / 112
"""Where the five points of a painted face lie, as shares of its side."""


@dataclass
class Stage:
    """A picture with faces painted into it: person, left, top, side in pixels."""

    faces: list[tuple[int, int, int, int]] = field(default_factory=list)
    size: tuple[int, int] = (640, 480)
    seed: int = 1

    def image(self) -> Image:
        """(H, W, 3) BGR."""
        width, height = self.size
        noise = np.random.default_rng(self.seed).integers(100, 120, (height, width, 3), np.uint8)
        for person, left, top, side in self.faces:
            noise[top : top + side, left : left + side] = painted(person, side)
        return noise

    def frame(self, seconds: float = 0.0, region: tuple[int, int, int, int] | None = None) -> Frame:
        """The picture as a frame."""
        image = self.image()
        image.flags.writeable = False
        return Frame(image, 1, round(seconds * 1e9), datetime.now(timezone.utc), region)


def painted(person: int, side: int) -> Image:
    """The texture of a person, (side, side, 3)."""
    coarse = np.random.default_rng(1000 + person).integers(0, 256, (28, 28, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def landmarks(left: float, top: float, side: float) -> Points:
    """The five points of a painted face."""
    return np.asarray(FACE * side + (left, top), np.float32)


@dataclass
class Pointing:
    """A detector that finds what is on ``stage``, seen through ``region`` (left, top, width, height)."""

    stage: Stage
    region: tuple[int, int, int, int] | None = None
    input_size: tuple[int, int] = (320, 240)
    colour: Literal["grey", "rgb", "bgr"] = "bgr"
    labels: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=lambda: {"accept": 0.5})

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """Scores, boxes and points for each place."""
        assert image.shape == (240, 320, 3)
        middles, strides = places(self.input_size)
        scores = np.zeros(len(strides), np.float32)
        boxes, points = np.zeros((len(strides), 4), np.float32), np.zeros((len(strides), 10), np.float32)
        left, top, width, height = self.region or (0, 0, *self.stage.size)
        box = Letterbox.of((width, height), self.input_size)
        for number, (_, x, y, side) in enumerate(self.stage.faces):
            middle = (np.array([x - left, y - top]) + side / 2) * box.scale
            at = int(np.abs(middles - middle).sum(axis=1).argmin())
            scores[at] = 0.95 - number / 100
            boxes[at] = (
                *((middle - middles[at]) / strides[at]),
                *[np.log(side * box.scale / strides[at])] * 2,
            )
            five = landmarks(x - left, y - top, side) * box.scale
            five[:, 1] -= LOWER * side * box.scale  # which the detector adds again
            points[at] = ((five - middles[at]) / strides[at]).ravel()
        return {"scores": scores, "boxes": boxes, "points": points}


@dataclass
class Sketching:
    """An embedder: what a cut looks like from far away, on random axes. ``runs``: cuts that it was shown."""

    name: str = "sketching"
    sha256: str = "c" * 64
    input_size: tuple[int, int] = (112, 112)
    colour: Literal["grey", "rgb", "bgr"] = "rgb"
    labels: tuple[str, ...] = ()
    crop: Points | None = field(default_factory=lambda: np.asarray(FACE * 112, np.float32))
    distance: Literal["cosine", "euclidean"] | None = "cosine"
    thresholds: Mapping[str, float] = field(
        default_factory=lambda: {"one-in-100": 0.4, "one-in-1000": 0.5, "one-in-10000": 0.6}
    )
    calibration: tuple[float, float] | None = (20.0, -9.0)
    common: float = 0.0
    runs: list[Image] = field(default_factory=list)

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """(64,) of ``image``."""
        assert image.shape == (self.input_size[1], self.input_size[0], 3)
        self.runs.append(image)
        small = cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32).ravel() / 64
        axes = np.random.default_rng(7).normal(size=(64, small.size)) / 16
        return {"embedding": (axes @ (small - small.mean()) + 1e-3).astype(np.float32)}


def staged(stage: Stage, embedder: Sketching | None = None, **settings: Any) -> FaceRecognizer:
    """The recognizer with these networks, a gallery in memory, and ``settings`` of faces."""
    networks: dict[str, Network] = {
        "face-detector@320": Pointing(stage),
        "face-embedder": embedder or Sketching(),
    }
    return build(FacesSettings(**settings), networks.__getitem__)


def calibration() -> Calibration:
    """That of ``Sketching``."""
    return Calibration(Sketching())
