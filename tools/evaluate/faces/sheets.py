"""Tiles of contact sheets: a face in its picture, two crops side by side."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.records import Image
from tools.evaluate.error_sheet import CAPTION, INK, PAPER, TILE


def pair_tile(first: Image, second: Image, captions: Sequence[str]) -> Image:
    """Two crops (H, W, 3) side by side over up to two lines of caption."""
    sides = [cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_AREA) for image in (first, second)]
    text = np.full((CAPTION, 2 * TILE, 3), PAPER, np.uint8)
    for line, caption in enumerate(captions[:2]):
        place = (2, 12 + 14 * line)
        cv2.putText(text, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, INK, 1, cv2.LINE_AA)
    return np.asarray(np.vstack([np.hstack(sides), text]), np.uint8)
