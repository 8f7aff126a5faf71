"""How a face is cut out: a similarity that brings five points to where a model expects them.

Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns".
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image, Points

ARCFACE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    np.float32,
)
"""Eye, eye, nose, mouth, mouth, image left to right, in 112x112 (Deng et al. 2019, ArcFace)."""

DLIB = np.array(
    [(48.92, 45.60), (101.78, 45.31), (75.52, 75.67), (53.80, 106.61), (97.57, 106.37)], np.float32
)
"""The same points in the 150x150 chip of dlib's face network."""

TEACHER_SIDE, SIDE, MARGIN = 150, 112, 8
"""Pixels of the teacher's chip, of the student's, and kept around the latter to turn and move it in."""

STUDENT = np.asarray(DLIB * (SIDE / TEACHER_SIDE), np.float32)
"""Where the five points lie in the student's chip: framed as the teacher's."""


def similarity(points: Points, template: Points) -> NDArray[np.float64]:
    """(2, 3): turns, scales and moves ``points`` (5, 2) onto ``template`` (5, 2), least squared error."""
    centre, target = points.mean(axis=0, dtype=np.float64), template.mean(axis=0, dtype=np.float64)
    a, b = points - centre, template - target
    spread = float((a**2).sum())
    # A rotation with scale is a complex number; the best one is a ratio of two sums.
    real = float((a * b).sum()) / max(spread, 1e-9)
    imaginary = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / max(spread, 1e-9)
    turn = np.array([[real, -imaginary], [imaginary, real]])
    return np.hstack([turn, (target - turn @ centre)[:, None]])


def chip(image: Image, points: Points, template: Points, side: int) -> Image:
    """``image`` (H, W, 3) cut to (side, side, 3) so that ``points`` (5, 2) lie on ``template`` (5, 2)."""
    matrix = similarity(points, template)
    shrink = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if shrink < 0.45:
        # A sampling of four neighbours skips pixels then; they are averaged before.
        smaller = cv2.resize(image, None, fx=2 * shrink, fy=2 * shrink, interpolation=cv2.INTER_AREA)
        factor = np.array([smaller.shape[1] / image.shape[1], smaller.shape[0] / image.shape[0]])
        return chip(np.asarray(smaller, np.uint8), np.asarray(points * factor, np.float32), template, side)
    cut = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def scaled(chips: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Chips (N, S, S, 3) at another size, (N, side, side, 3)."""
    if chips.shape[1] == side:
        return chips
    how = cv2.INTER_AREA if side < chips.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(one, (side, side), interpolation=how) for one in chips]).astype(np.uint8)
