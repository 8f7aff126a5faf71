"""The detectors that are judged: ours by its card, YuNet through OpenCV, BlazeFace and RFB as their files
are.

Each takes a picture (H, W, 3) uint8 BGR of any size and gives boxes in its pixels. What a detector takes
longer for because of its own scaling and decoding is part of its time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError, InputError
from edge.geometry import iou_matrix
from edge.infer.model import Model
from edge.infer.runtime import Interpreter, find_runtime
from edge.infer.settings import InferSettings
from edge.recognize.faces.detector import FaceDetector
from edge.records import Image
from tools.evaluate.faces.anchors import blaze_centres, blaze_decoded, rfb_decoded, rfb_priors
from tools.evaluate.faces.matching import Floats, Found

LEAST_SCORE = 0.01
"""Boxes below it are not told. Where scores mean what they say, small faces lie between it and 0.05 too, and
what is cut off is missing from the average precision."""
NAMES = {
    "blaze_face_detection_front": "BlazeFace short range",
    "blaze_face_detection_back": "BlazeFace back camera",
    "blaze_face_detection_full_range": "BlazeFace full range",
    "version-RFB-320_without_postprocessing": "RFB-320",
}
BLAZE_LEAST_SCORE = 0.05
"""Blending takes long where boxes are many, and BlazeFace gains nothing below."""
RFB_LEAST_SCORE = 0.08
"""Nearly every place of RFB's reaches 0.05."""
MOST = 1000
"""Boxes of one picture."""
OVERLAP = 0.45
"""IoU from which the weaker of two boxes of YuNet or RFB goes. OpenCV's default for YuNet is 0.3, which gives
it 0.7 points more of average precision at 320."""
BLENDED = 0.3
"""IoU from which boxes of BlazeFace are blended into one, weighted by their scores, as its paper has it."""
YUNETS = ("yunet_s_640_640.onnx", "face_detection_yunet_2023mar.onnx")
"""The same file under its two names."""


Decode = Callable[[list[Floats], tuple[int, int]], tuple[Floats, Floats, Floats]]
Thin = Callable[[Found], Found]


class Finder(Protocol):
    """Finds faces in a picture."""

    def find(self, image: Image) -> Found:
        """All boxes, also unsure ones, with their scores."""
        ...


class Ours:
    """The detector of the daemon, with a threshold that leaves nothing out but the tail."""

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def find(self, image: Image) -> Found:
        """The faces of ``image``."""
        found = self._detector.find(image)
        return Found(found.boxes, found.scores, found.landmarks)


def our_finder(model: str, size: int) -> Ours:
    """A detector by its card, in the variant whose longer side is ``size``. Raises ``ModelError``."""
    network = Model.load(f"{model}@{size}", InferSettings(threads=1))
    return Ours(FaceDetector(network, threshold=LEAST_SCORE, most=MOST))


class YuNet:
    """YuNet (Wu et al. 2023) through OpenCV, at a longer side of ``size`` pixels."""

    def __init__(self, file: Path, size: int, nms: float = OVERLAP) -> None:
        """Raises ``InputError`` where OpenCV does not take the file."""
        self._size = size
        try:
            self._net = cv2.FaceDetectorYN.create(str(file), "", (size, size), LEAST_SCORE, nms, 5000)
        except cv2.error as error:
            raise InputError(f"{file}: OpenCV cannot load it: {error.err}", "copy it again") from None

    def find(self, image: Image) -> Found:
        """The faces of ``image``."""
        height, width = image.shape[:2]
        scale = self._size / max(height, width)
        small = resized(image, (max(round(width * scale), 1), max(round(height * scale), 1)))
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._net.detect(small)
        found = np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)
        return Found(found[:, :4] / scale, found[:, 14].copy(), found[:, 4:14].reshape(-1, 5, 2) / scale)


class Tflite:
    """A public detector without a card: pixels ``(x - mean) / std`` in RGB, the whole picture in the middle
    of the input, decoded by ``decode``; of boxes on one place one is left by ``thin``."""

    def __init__(
        self, interpreter: Interpreter, *, mean: float, std: float, decode: Decode, thin: Thin, least: float
    ) -> None:
        self._interpreter, self._decode, self._thin, self._least = interpreter, decode, thin, least
        self._mean, self._std = np.float32(mean), np.float32(std)
        self._input = interpreter.get_input_details()[0]
        _, height, width, _ = (int(side) for side in self._input["shape"])
        self._size = width, height

    def find(self, image: Image) -> Found:
        """The faces of ``image``."""
        small, scale, corner = letterboxed(image, self._size)
        tensor = self._interpreter.tensor(self._input["index"])()
        tensor[0] = (small[:, :, ::-1] - self._mean) / self._std
        del tensor
        self._interpreter.invoke()
        outputs = [
            np.array(self._interpreter.tensor(item["index"])()[0], np.float32)
            for item in self._interpreter.get_output_details()
        ]
        boxes, points, scores = self._decode(outputs, self._size)
        kept = scores >= self._least
        found = self._thin(Found(boxes[kept], scores[kept], points[kept]))
        moved = found.boxes - np.array([*corner, 0, 0], np.float32)
        return Found(moved / scale, found.scores, (found.landmarks - np.array(corner, np.float32)) / scale)


def clusters(found: Found, least_iou: float) -> Iterator[NDArray[np.intp]]:
    """Places of the boxes that lie on one another, the surest of each first, the surest such place first."""
    left = np.argsort(-found.scores, kind="stable")
    while len(left):
        near = iou_matrix(found.boxes[left[:1]], found.boxes[left])[0] > least_iou
        near[0] = True
        yield left[near]
        left = left[~near]


def suppressed(found: Found) -> Found:
    """Of boxes that overlap by ``OVERLAP`` the surest."""
    places = np.array([some[0] for some in clusters(found, OVERLAP)], np.intp)
    return Found(found.boxes[places], found.scores[places], found.landmarks[places])


def blended(found: Found) -> Found:
    """Of boxes that overlap by ``BLENDED`` their mean, weighted by their scores, with the highest score."""
    boxes, scores, points = [], [], []
    for some in clusters(found, BLENDED):
        weights = found.scores[some] / found.scores[some].sum()
        boxes.append(weights @ found.boxes[some])
        points.append((weights[:, None, None] * found.landmarks[some]).sum(axis=0))
        scores.append(found.scores[some[0]])
    return Found(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(points, np.float32).reshape(-1, 5, 2),
    )


def _blaze(outputs: list[Floats], size: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    raw, logits = sorted(outputs, key=lambda values: -values.shape[-1])
    return blaze_decoded(raw, logits, size[0])


def _rfb(outputs: list[Floats], size: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    raw, scores = sorted(outputs, key=lambda values: -values.shape[-1])
    boxes = rfb_decoded(raw, _priors(size), size)
    return boxes, np.full((len(boxes), 5, 2), np.nan, np.float32), scores[:, 1]


@cache
def _priors(size: tuple[int, int]) -> Floats:
    return rfb_priors(*size)


def load_peers(folder: Path, sizes: tuple[int, ...]) -> dict[str, Finder]:
    """The public detectors in ``folder`` and below, by name; YuNet once for each of ``sizes``.

    What is neither is left out. Raises ``InputError`` where there is none at all.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", "--peers names a folder of public models")
    found: dict[str, Finder] = {}
    yunet = yunet_in(folder)
    if yunet:
        found |= {f"YuNet {size}": YuNet(yunet, size) for size in sizes}
    for file in sorted(folder.rglob("*.tflite")):
        peer = _tflite(file)
        if peer:
            found[NAMES.get(file.stem, file.stem)] = peer
    if not found:
        raise InputError(
            f"no detector known in {folder}", "YuNet as .onnx, BlazeFace and RFB-320 as .tflite are known"
        )
    return found


def yunet_in(folder: Path) -> Path | None:
    """YuNet's file in ``folder`` or below."""
    return next((file for name in YUNETS for file in sorted(folder.rglob(name))), None)


def _tflite(file: Path) -> Finder | None:
    try:
        interpreter = find_runtime("auto").interpreter(file.read_bytes(), str(file), InferSettings(threads=1))
        interpreter.allocate_tensors()
    except (EdgeError, OSError, RuntimeError, ValueError):
        print(f"evaluate: {file.name} cannot be loaded, left out", file=sys.stderr)
        return None
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    taken = [int(side) for side in inputs[0]["shape"]]
    if len(inputs) != 1 or len(taken) != 4 or taken[3] != 3 or inputs[0]["dtype"] is not np.float32:
        return None
    if _looks_like_blaze(outputs):
        return Tflite(
            interpreter, mean=127.5, std=127.5, decode=_blaze, thin=blended, least=BLAZE_LEAST_SCORE
        )
    if "rfb" in file.stem.lower() and taken[1:3] == [240, 320] and len(outputs) == 2:
        return Tflite(interpreter, mean=127, std=128, decode=_rfb, thin=suppressed, least=RFB_LEAST_SCORE)
    return None


def _looks_like_blaze(outputs: list[Mapping[str, Any]] | list[dict[str, Any]]) -> bool:
    shapes = sorted(
        (int(item["shape"][-1]), int(item["shape"][-2])) for item in outputs if len(item["shape"]) == 3
    )
    return [last for last, _ in shapes] == [1, 16] and all(blaze_centres(n) is not None for _, n in shapes)


def resized(image: Image, size: tuple[int, int]) -> Image:
    """``image`` in (width, height): averaged where it shrinks, interpolated where it grows."""
    shrinks = size[0] < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)


def letterboxed(image: Image, size: tuple[int, int]) -> tuple[Image, float, tuple[int, int]]:
    """``image`` whole in the middle of a black picture of (width, height), by how much it was scaled, and
    where its corner lies."""
    width, height = size
    scale = min(width / image.shape[1], height / image.shape[0])
    small = resized(image, (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)))
    left, top = (width - small.shape[1]) // 2, (height - small.shape[0]) // 2
    room = np.zeros((height, width, 3), np.uint8)
    room[top : top + small.shape[0], left : left + small.shape[1]] = small
    return room, scale, (left, top)
