"""A contact sheet of composed scenes of any shape, in rows of one width, with the boxes of their digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from edge.errors import InputError, UsageError
from edge.geometry import Boxes
from edge.records import Image
from tools.compose.scene import Scene

SHOWN = 60
"""Scenes of a sheet at most."""

WIDTH, HEIGHT, TALLEST, GAP = 1200, 300, 450, 4
"""Pixels: of the sheet; of a row as it should be, and at most; between two scenes."""

AWAY = 2
"""Pixels of the sheet between a digit's box and the line around it, so that no ink is under the line."""

_ENDINGS = (".png", ".jpg", ".jpeg")
_QUALITY = 85
_FRAME, _PAPER = (255, 0, 255), 255
"""Magenta: neither ink nor paper nor board is."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A scene, no taller than a row: ``image`` (h, w, 3) BGR; ``boxes`` (N, 4) x, y, w, h in its pixels."""

    image: Image
    boxes: Boxes


def checked(path: Path) -> Path:
    """``path``, where a sheet can be a file of that kind. Raises UsageError where it cannot."""
    if path.suffix.lower() not in _ENDINGS:
        raise UsageError(
            f"--sheet {path} is no picture", f"allowed: a file that ends in {', '.join(_ENDINGS)}"
        )
    return path


def tile(scene: Scene) -> Tile:
    """The scene as it is kept for the sheet."""
    boxes = np.array([digit.box for digit in scene.digits], np.float32).reshape(-1, 4)
    height, width = scene.image.shape[:2]
    scale = min(TALLEST / height, 1)
    return Tile(_resized(scene.image, round(width * scale), round(height * scale)), boxes * np.float32(scale))


def contact_sheet(path: Path, tiles: Sequence[Tile]) -> None:
    """Writes ``tiles``, at least one, as a picture. Raises InputError where it cannot be written."""
    _, packed = cv2.imencode(path.suffix, arranged(tiles), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    try:
        path.write_bytes(packed.tobytes())
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"{path} cannot be written ({reason})", "name a file in a folder of yours"
        ) from error


def arranged(tiles: Sequence[Tile]) -> Image:
    """All ``tiles`` in order, in rows that fill ``WIDTH`` where ``TALLEST`` lets them: (H, ``WIDTH``, 3)."""
    aspects = [each.image.shape[1] / each.image.shape[0] for each in tiles]
    rows = []
    for start, end in _rows(aspects):
        height = min(_height(aspects[start:end]), TALLEST)
        row = np.full((round(height) + GAP, WIDTH, 3), _PAPER, np.uint8)
        edges = np.rint(np.cumsum([0.0, *aspects[start:end]]) * height).astype(int)
        for place, (left, right) in enumerate(pairwise(edges.tolist())):
            x = left + GAP * place
            row[:-GAP, x : x + right - left] = _framed(tiles[start + place], right - left, round(height))
        rows.append(row)
    return np.vstack(rows)[:-GAP]


def _rows(aspects: Sequence[float]) -> list[tuple[int, int]]:
    """Where rows begin and end, so that their heights differ least from ``HEIGHT``: as Knuth and Plass (1981)
    break lines of a paragraph."""
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, [])]
    for end in range(1, len(aspects) + 1):
        ways = [(best[start][0] + (_height(aspects[start:end]) - HEIGHT) ** 2, start) for start in range(end)]
        cost, start = min(ways)
        best.append((cost, [*best[start][1], (start, end)]))
    return best[-1][1]


def _height(aspects: Sequence[float]) -> float:
    """How high a row of pictures of these shapes, width over height, is where it fills the sheet's width."""
    return (WIDTH - GAP * (len(aspects) - 1)) / sum(aspects)


def _framed(shown: Tile, width: int, height: int) -> Image:
    """The scene at this size, a thin line around each digit."""
    picture = _resized(shown.image, width, height)
    scale = np.array([width / shown.image.shape[1], height / shown.image.shape[0]] * 2)
    for x, y, w, h in (shown.boxes * scale).tolist():
        corner = math.floor(x) - AWAY, math.floor(y) - AWAY
        cv2.rectangle(picture, corner, (math.ceil(x + w) + AWAY - 1, math.ceil(y + h) + AWAY - 1), _FRAME)
    return picture


def _resized(image: Image, width: int, height: int) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
