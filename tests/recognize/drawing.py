"""Sheets with digits drawn on them, so that a test knows every box to the pixel."""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Box, Image

Colour = tuple[int, int, int]
PAPER: Colour = (225, 225, 225)
INK: Colour = (40, 40, 40)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def sheet(width: int = 640, height: int = 480, paper: Colour = PAPER) -> Image:
    """An empty sheet, BGR."""
    return np.full((height, width, 3), paper, np.uint8)


def write(image: Image, text: str, corner: tuple[int, int], height: int, ink: Colour = INK) -> Box:
    """Draws ``text``, its upper left near ``corner`` (x, y), ``height`` in pixels; gives the ink's box."""
    before, (x, y) = image.copy(), corner
    pen = max(round(height / 9), 1)
    cv2.putText(image, text, (x, y + height), _FONT, height / 21, ink, pen, cv2.LINE_AA)
    changed = np.abs(image.astype(int) - before).max(axis=2) > 40
    return Box(*(float(value) for value in cv2.boundingRect(changed.astype(np.uint8))))


def row(image: Image, digits: str, corner: tuple[int, int], height: int, ink: Colour = INK) -> list[Box]:
    """Draws ``digits`` one by one with clear gaps; gives their boxes."""
    x, y = corner
    return [write(image, digit, (x + place * height, y), height, ink) for place, digit in enumerate(digits)]
