"""Draws what was recognised into a picture, for people."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.records import Box, Detection, Image

GREEN, AMBER = (80, 175, 60), (0, 140, 255)
"""BGR: sure and less sure."""

SURE = 0.9


def annotate(image: Image, detections: Sequence[Detection], lines: Sequence[tuple[Box, str]]) -> Image:
    """A copy of ``image`` (H, W, 3 BGR) with a box and label for each detection, and the numbers' texts."""
    picture = np.array(image)
    height, width = picture.shape[:2]
    scale = max(min(width, height) / 700, 0.4)
    stroke = max(round(1.5 * scale), 1)
    for found in detections:
        if found.label is None:
            continue
        colour = GREEN if found.score >= SURE else AMBER
        x, y, w, h = (round(value) for value in found.box)
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, stroke, cv2.LINE_AA)
        _tag(picture, found.label, (x, y), colour, 0.6 * scale)
    for box, text in lines:
        # Small and close: under a line the next one begins.
        _tag(picture, text, (round(box.x), round(box.y + box.h + 20 * scale)), (60, 60, 60), 0.55 * scale)
    return picture


def _tag(
    picture: Image, text: str, corner: tuple[int, int], colour: tuple[int, int, int], scale: float
) -> None:
    """Text in white on a filled box whose lower left corner is ``corner``, kept inside the picture."""
    stroke = max(round(1.6 * scale), 1)
    (wide, high), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    x = min(max(corner[0], 0), max(picture.shape[1] - wide, 0))
    y = min(max(corner[1], high + base), picture.shape[0])
    cv2.rectangle(picture, (x, y - high - base), (x + wide, y), colour, cv2.FILLED)
    cv2.putText(
        picture,
        text,
        (x, y - base // 2),
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        (255, 255, 255),
        stroke,
        cv2.LINE_AA,
    )
