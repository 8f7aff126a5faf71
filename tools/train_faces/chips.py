"""Where the five points of a face lie in the chips that teacher and students see."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

DLIB = np.array(
    [(48.92, 45.60), (101.78, 45.31), (75.52, 75.67), (53.80, 106.61), (97.57, 106.37)], np.float32
)
"""The same points in the 150x150 chip of dlib's face network."""

TEACHER_SIDE, SIDE, MARGIN = 150, 112, 8
"""Pixels of the teacher's chip, of the student's, and kept around the latter to turn and move it in."""

STUDENT = np.asarray(DLIB * (SIDE / TEACHER_SIDE), np.float32)
"""Where the five points lie in the student's chip: framed as the teacher's."""


def scaled(chips: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Chips (N, S, S, 3) at another size, (N, side, side, 3)."""
    if chips.shape[1] == side:
        return chips
    how = cv2.INTER_AREA if side < chips.shape[1] else cv2.INTER_LINEAR
    return np.stack([cv2.resize(one, (side, side), interpolation=how) for one in chips]).astype(np.uint8)
