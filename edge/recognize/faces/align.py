"""How a face is cut out: turned, scaled and moved so that five points lie where a model expects them.

The points are eye, eye, nose, mouth, mouth, in the picture left to right. The similarity that moves them is
that of Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image, Points

AVERAGED = 0.45
"""A scale below which pixels are averaged before they are sampled: four neighbours would skip the rest."""

AROUND = 2.0
"""Pixels of the cut that are kept around it where it is averaged, so that its rim has neighbours too."""

NOWHERE = 1e-6
"""Spread of points (squared pixels) below which they are one point, and no face."""

LARGEST = 32000
"""Pixels of a side that OpenCV can sample."""


def similarity(points: Points, template: Points) -> NDArray[np.float64]:
    """(2, 3): turns, scales and moves ``points`` (N, 2) onto ``template`` (N, 2) with the least squared
    error.

    Never a mirror image. Raises ``ValueError`` where ``points`` are no finite numbers, or all one point.
    """
    centre, target = points.mean(axis=0, dtype=np.float64), template.mean(axis=0, dtype=np.float64)
    a, b = points - centre, template - target
    spread = float((a**2).sum())
    if not (np.isfinite(spread) and spread > NOWHERE):
        raise ValueError("these points are no face: they are all at one place, or nowhere")
    # A rotation with scale is a complex number, and the best one a ratio of two sums.
    real = float((a * b).sum()) / spread
    imaginary = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
    turn = np.array([[real, -imaginary], [imaginary, real]])
    return np.hstack([turn, (target - turn @ centre)[:, None]])


def aligned(
    image: Image, landmarks: Points, points: Points, size: tuple[int, int], out: Image | None = None
) -> Image:
    """``image`` (H, W, 3) BGR cut to ``size`` (w, h), its ``landmarks`` (5, 2) on ``points`` (5, 2).

    What lies outside of ``image`` repeats its rim. ``out`` (h, w, 3) is written to and given back, where it
    is there. Raises ``ValueError`` for landmarks that are no face.
    """
    matrix = similarity(landmarks, points)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < NOWHERE:
        raise ValueError("these points are no face: nothing turns them upright")
    left, top, right, bottom = _needed(matrix, size, image.shape)
    part = image[top:bottom, left:right]
    matrix[:, 2] += matrix[:, :2] @ (left, top)
    if scale < AVERAGED:
        # To twice the size that is needed: the sampling averages the remaining four into one.
        smaller = _smaller(part, 2 * scale)
        matrix[:, :2] /= [smaller.shape[1] / part.shape[1], smaller.shape[0] / part.shape[0]]
        part = smaller
    flags = cv2.INTER_LINEAR
    cut = cv2.warpAffine(part, matrix, size, dst=out, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def _needed(
    matrix: NDArray[np.float64], size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    """The part of the picture that the cut shows: left, top, right, bottom; never empty."""
    width, height = size[0] + AROUND, size[1] + AROUND
    corners = np.array([(-AROUND, -AROUND), (width, -AROUND), (-AROUND, height), (width, height)])
    places = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    ends = np.array([shape[1], shape[0]])
    # Where the cut lies beside the picture, the nearest row or column is repeated.
    low = np.clip(np.floor(places.min(axis=0)), 0, ends - 1).astype(int)
    high = np.clip(np.ceil(places.max(axis=0)), low + 1, np.minimum(ends, low + LARGEST)).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _smaller(image: Image, scale: float) -> Image:
    width, height = (max(round(side * scale), 1) for side in (image.shape[1], image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
