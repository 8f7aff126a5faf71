"""A real face: NASA's public-domain portrait of Eileen Collins, which comes with scikit-image."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from skimage import data

from edge.records import Image, Points

LANDMARKS = np.array(
    [(200.1, 101.8), (247.1, 102.6), (220.4, 124.5), (198.6, 142.8), (239.7, 143.6)], np.float32
)
"""Eye, eye, nose, mouth, mouth in the whole picture; the eyes are 47 pixels apart."""


@cache
def _portrait() -> Image:
    image: Image = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    return image


def portrait() -> Image:
    """(512, 512, 3) BGR, to be written to."""
    return np.array(_portrait(), np.uint8)


def scaled(image: Image, scale: float) -> tuple[Image, Points]:
    """The portrait made larger or smaller, with its landmarks."""
    width, height = round(image.shape[1] * scale), round(image.shape[0] * scale)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    smaller = np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8)
    # Pixels count from their middles.
    return smaller, np.asarray((LANDMARKS + 0.5) * scale - 0.5, np.float32)


def turned(degrees: float) -> tuple[Image, Points]:
    """The portrait turned in its plane, with its landmarks."""
    matrix = cv2.getRotationMatrix2D((220.0, 120.0), degrees, 1.0)
    image = np.asarray(cv2.warpAffine(portrait(), matrix, (512, 512)), np.uint8)
    return image, np.asarray(np.column_stack([LANDMARKS, np.ones(5)]) @ matrix.T, np.float32)
