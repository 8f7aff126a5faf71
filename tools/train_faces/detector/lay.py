"""How a picture comes to lie in a view: turned, scaled, mirrored, and its faces with it.

Faces are measured from the corner of a pixel, OpenCV counts from its middle; matrices are of the former.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.train_faces.detector.material import Faces

LOST = 7.0
"""Pixels of height below which a face counts neither way."""

HIDDEN = 0.5
"""Share of a face within the view below which it counts neither way; of less than a tenth nothing is seen."""

MIRRORED = np.array([1, 0, 2, 4, 3])
"""Which point is which in a mirror."""


def matrix_of(
    angle: float, scale: float, mirror: bool, around: Sequence[float], target: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(2, 3): brings ``around`` to ``target``, turned by ``angle`` degrees and scaled, perhaps mirrored."""
    turn = np.radians(angle)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    if mirror:
        linear[:, 0] *= -1
    return np.hstack([linear, (target - linear @ np.asarray(around, np.float64))[:, None]])


def warped(
    rng: np.random.Generator,
    image: Image,
    matrix: NDArray[np.float64],
    scale: float,
    size: tuple[int, int],
) -> Image:
    """The view of ``size`` (width, height) of ``image`` by ``matrix``; ``scale`` is the matrix's own."""
    linear, move = matrix[:, :2], matrix[:, 2]
    image, origin = _needed(image, linear, move, size)
    move = move + linear @ origin
    if scale < 0.6:
        # A sampling of four neighbours skips pixels then; they are averaged before, by whole numbers, which
        # is several times as fast as by others.
        by = [min(round(1 / scale), side) for side in image.shape[1::-1]]
        sides = [side // n for side, n in zip(image.shape[1::-1], by, strict=True)]
        linear = linear * np.array(by)
        image = image[: sides[1] * by[1], : sides[0] * by[0]]
        image = np.asarray(cv2.resize(image, sides, interpolation=cv2.INTER_AREA), np.uint8)
    # Faces are measured from the corner of a pixel, OpenCV counts from its middle.
    matrix = np.hstack([linear, (move + linear @ (0.5, 0.5) - 0.5)[:, None]])
    border = cv2.BORDER_REPLICATE if rng.random() < 0.3 else cv2.BORDER_CONSTANT
    grey = 0 if rng.random() < 0.6 else int(rng.integers(0, 256))
    done = cv2.warpAffine(image, matrix, size, borderMode=border, borderValue=(grey, grey, grey))
    return np.asarray(done, np.uint8)


def _needed(
    image: Image, linear: NDArray[np.float64], move: NDArray[np.float64], size: tuple[int, int]
) -> tuple[Image, NDArray[np.float64]]:
    """The part of ``image`` that comes to lie in a view of ``size``, and its corner."""
    corners = np.array([(0, 0), (size[0], 0), (0, size[1]), size], np.float64)
    reach = (corners - move) @ np.linalg.inv(linear).T
    most = np.array(image.shape[1::-1])
    # A few pixels more: neighbours are averaged.
    low = np.clip(np.floor(reach.min(axis=0)) - 8, 0, most - 1).astype(int)
    high = np.clip(np.ceil(reach.max(axis=0)) + 8, low + 1, most).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], low.astype(np.float64)


def turned(faces: Faces, matrix: NDArray[np.float64], scale: float) -> Faces:
    """The faces as ``matrix``, whose scale is ``scale``, moves them."""
    linear, move = matrix[:, :2], matrix[:, 2]
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:] / 2) @ linear.T + move
    sizes = faces.boxes[:, 2:] * scale
    points = faces.points @ linear.T + move
    if np.linalg.det(linear) < 0:
        points = points[:, MIRRORED]
    boxes = np.hstack([centres - sizes / 2, sizes])
    return Faces(
        boxes.astype(np.float32), points.astype(np.float32), faces.masked.copy(), faces.ignore.copy()
    )


def visible(faces: Faces, size: tuple[int, int]) -> Faces:
    """What of the faces lies in the view."""
    low = np.clip(faces.boxes[:, :2], 0, size)
    high = np.clip(faces.boxes[:, :2] + faces.boxes[:, 2:], 0, size)
    sides = np.clip(high - low, 0, None)
    share = sides.prod(axis=1) / np.maximum(faces.boxes[:, 2:].prod(axis=1), 1e-6)
    ignore = faces.ignore | (share < HIDDEN) | (faces.boxes[:, 3] < LOST)
    kept = (share > 0.1) & (sides.min(axis=1) >= 2)
    boxes = np.hstack([low, sides]).astype(np.float32)
    return Faces(boxes[kept], faces.points[kept], faces.masked[kept], ignore[kept])


def moved(faces: Faces, x: float, y: float) -> Faces:
    """The faces in a picture whose corner is moved to ``x``, ``y``."""
    move = np.array([x, y], np.float32)
    boxes = np.hstack([faces.boxes[:, :2] + move, faces.boxes[:, 2:]])
    return Faces(boxes, faces.points + move, faces.masked, faces.ignore)


def joined(parts: Sequence[Faces]) -> Faces:
    """The faces of all parts of a view."""
    return Faces(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.masked for part in parts]),
        np.concatenate([part.ignore for part in parts]),
    )
