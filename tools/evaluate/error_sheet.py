"""A contact sheet: every mistake as a small picture with what is true and what was read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.errors import InputError
from edge.records import Box, Image

TILE, CAPTION, ACROSS = 112, 30, 12
PLACE, PAPER, INK = (40, 40, 220), 255, (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def tile(image: Image, box: Box, captions: Sequence[str]) -> Image:
    """The surroundings of ``box`` in ``image`` (BGR), the box drawn, over up to two lines of caption."""
    side = max(round(2.2 * max(box.w, box.h)), 16)
    left, top = round(box.x + (box.w - side) / 2), round(box.y + (box.h - side) / 2)
    padded = cv2.copyMakeBorder(image, side, side, side, side, cv2.BORDER_CONSTANT, value=(128, 128, 128))
    cut = padded[max(top + side, 0) :, max(left + side, 0) :][:side, :side]
    scale = TILE / side
    picture = cv2.resize(cut, (TILE, TILE), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    corner = (round((box.x - left) * scale), round((box.y - top) * scale))
    opposite = (corner[0] + round(box.w * scale), corner[1] + round(box.h * scale))
    cv2.rectangle(picture, corner, opposite, PLACE, 1)
    return _captioned(picture, captions)


def whole_tile(image: Image, captions: Sequence[str]) -> Image:
    """All of ``image`` (BGR), as large as a tile allows, over up to two lines of caption."""
    height, width = image.shape[:2]
    scale = TILE / max(height, width)
    # Single pixels of a small picture are to be seen as such, all of one size.
    scale, how = (int(scale), cv2.INTER_NEAREST) if scale >= 1 else (scale, cv2.INTER_AREA)
    wide, high = (max(round(side * scale), 1) for side in (width, height))
    picture = np.full((TILE, TILE, 3), PAPER, np.uint8)
    top, left = (TILE - high) // 2, (TILE - wide) // 2
    picture[top : top + high, left : left + wide] = cv2.resize(image, (wide, high), interpolation=how)
    return _captioned(picture, captions)


def _captioned(picture: Image | np.ndarray, captions: Sequence[str]) -> Image:
    text = np.full((CAPTION, TILE, 3), PAPER, np.uint8)
    for line, caption in enumerate(captions[:2]):
        cv2.putText(text, caption, (2, 12 + 14 * line), _FONT, 0.36, INK, 1, cv2.LINE_AA)
    return np.vstack([picture, text])


def write_sheet(file: Path, tiles: Sequence[Image]) -> None:
    """All ``tiles``, of one size, in rows, as a PNG. Raises ``InputError`` where it cannot be written."""
    shown = list(tiles) or [np.full((TILE + CAPTION, TILE, 3), PAPER, np.uint8)]
    blank = np.full_like(shown[0], PAPER)
    across = min(len(shown), ACROSS)
    shown += [blank] * (-len(shown) % across)
    rows = [np.hstack(shown[start : start + across]) for start in range(0, len(shown), across)]
    done, data = cv2.imencode(".png", np.vstack(rows))
    try:
        if not done:
            raise OSError("the picture cannot be encoded")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.tobytes())
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error}", "give --sheet a file in a folder of yours"
        ) from error
