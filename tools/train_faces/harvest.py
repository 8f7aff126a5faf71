"""From public pictures to what the student learns from: aligned faces and the teacher's embedding of each.

Written to a cache outside the repository, a few gigabytes: ``chips.npy`` (N, 128, 128, 3) uint8 BGR,
``targets.npy`` (N, 128) float32, ``faces.json`` (source and identity of each).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from edge.errors import ConfigError, InputError
from edge.recognize.faces.align import aligned
from edge.records import Image, Points
from tools.train_faces.chips import DLIB, MARGIN, SIDE, STUDENT, TEACHER_SIDE
from tools.train_faces.net import SIZE, FaceNet, normalised
from tools.train_faces.sources import Picture, pictures

STORED = SIDE + 2 * MARGIN
CHIPS, TARGETS, FACES = "chips.npy", "targets.npy", "faces.json"
MOST = 80_000
"""Faces that the cache has room for; what is not used costs no disk."""

BATCH = 64
LEAST_SCORE, LEAST_EYES = 0.8, 12.0
"""Of the detector; pixels between the eyes, below which a face teaches blur."""

TIGHT, WILD = 160, 320
"""Longer side at which a face is looked for, in pictures cut to it and in others."""


class Faces:
    """YuNet (Wu et al. 2023; Apache-2.0) through OpenCV: boxes and five points."""

    def __init__(self, model: Path) -> None:
        if not model.is_file():
            raise ConfigError(
                f"no face detector in {model}", "give --detector yunet….onnx (Apache-2.0 or MIT)"
            )
        self._net = cv2.FaceDetectorYN.create(str(model), "", (WILD, WILD), LEAST_SCORE, 0.3, 50)

    def points(self, picture: Picture) -> list[Points]:
        """The five points of each face, image left to right, (5, 2) in pixels."""
        image = picture.image
        wanted = TIGHT if picture.tight else WILD
        scale = min(wanted / max(image.shape[:2]), 1.0)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if picture.tight:
            # A face that fills the picture is looked for with room around it.
            small = cv2.copyMakeBorder(small, *(wanted // 4,) * 4, cv2.BORDER_REPLICATE)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, found = self._net.detect(small)
        border = wanted // 4 if picture.tight else 0
        points = [] if found is None else [(row[4:14].reshape(5, 2) - border) / scale for row in found]
        return [
            np.asarray(some, np.float32) for some in points if np.linalg.norm(some[1] - some[0]) >= LEAST_EYES
        ]


def harvest(
    repositories: Path,
    lists: Path,
    detector: Faces,
    teacher: FaceNet,
    *,
    cache: Path,
    tell: Callable[[str, int, int, int], None],
) -> int:
    """Fills the cache; gives how many faces it holds. ``tell``: source, its pictures, those looked at, faces
    so far."""
    cache.mkdir(parents=True, exist_ok=True)
    (cache / FACES).unlink(missing_ok=True)  # no cache is whole without it
    chips = open_memmap(cache / CHIPS, "w+", np.uint8, (MOST, STORED, STORED, 3))
    targets = open_memmap(cache / TARGETS, "w+", np.float32, (MOST, SIZE))
    faces: list[tuple[str, str]] = []
    batch: list[Image] = []

    def learnt() -> None:
        if batch:
            targets[len(faces) - len(batch) : len(faces)] = _embedded(teacher, np.stack(batch))
            batch.clear()

    found = _found(
        repositories, lists, detector, lambda source, count, done: tell(source, count, done, len(faces))
    )
    for picture, points in found:
        if len(faces) == MOST:
            break
        stored = np.asarray(STUDENT + MARGIN, np.float32)
        chips[len(faces)] = aligned(picture.image, points, stored, (STORED, STORED))
        faces.append((picture.source, picture.identity))
        batch.append(aligned(picture.image, points, DLIB, (TEACHER_SIDE, TEACHER_SIDE)))
        if len(batch) == BATCH:
            learnt()
    learnt()
    for array in (chips, targets):
        array.flush()
    partial = (cache / FACES).with_suffix(".partial")
    partial.write_text(json.dumps(faces), "utf-8")
    partial.replace(cache / FACES)
    return len(faces)


def load(cache: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32], list[tuple[str, str]]]:
    """Chips, targets and whose they are. Raises InputError where the cache is not whole."""
    try:
        faces = [(source, identity) for source, identity in json.loads((cache / FACES).read_text("utf-8"))]
        chips, targets = np.load(cache / CHIPS, mmap_mode="r"), np.load(cache / TARGETS, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise InputError(
            f"no whole cache of faces in {cache} ({error})", "make it: train_faces crops"
        ) from error
    return chips[: len(faces)], np.array(targets[: len(faces)]), faces


def _found(
    repositories: Path, lists: Path, detector: Faces, tell: Callable[[str, int, int], None]
) -> Iterator[tuple[Picture, Points]]:
    counts: dict[str, int] = {}
    done = 0

    def begun(source: str, count: int) -> None:
        nonlocal done
        counts[source], done = count, 0
        tell(source, count, 0)

    for picture in pictures(repositories, lists, begun):
        done += 1
        tell(picture.source, counts[picture.source], done)
        found = detector.points(picture)
        # Several faces under one name: nobody knows whose it is.
        if found and (len(found) == 1 or not picture.identity):
            for points in found:
                yield picture, points


def _embedded(teacher: FaceNet, chips: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The teacher's say of each chip (N, 150, 150, 3)."""
    with torch.no_grad():
        return np.asarray(teacher(normalised(chips)).numpy(), np.float32)
