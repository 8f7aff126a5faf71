"""What lies under the camera: sheets of paper and the table, as (H, W, 3) uint8 BGR textures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.scene.page import FIRST, HEIGHT, MARGIN, PITCH, WIDTH
from edge.records import Image

Field = NDArray[np.float32]

PAPERS = ("plain", "ruled", "squared")
_PAPER = np.array((219, 227, 230), np.float32)
_RULING = np.array((200, 185, 170), np.float32)
_MARGIN_LINE = np.array((150, 140, 205), np.float32)
_WOODS = (
    (np.array((62, 96, 138), np.float32), np.array((40, 62, 92), np.float32)),
    (np.array((34, 45, 66), np.float32), np.array((18, 24, 38), np.float32)),
    (np.array((104, 132, 158), np.float32), np.array((78, 104, 132), np.float32)),
)


def paper(kind: str, resolution: float, random: np.random.Generator) -> Image:
    """A sheet of ``WIDTH`` x ``HEIGHT`` units, ``resolution`` pixels to the unit, of one of ``PAPERS``."""
    width, height = round(WIDTH * resolution), round(HEIGHT * resolution)
    shade = 1.6 * _grain(height, width, 0.7, random) + 3.0 * _grain(height, width, 24 * resolution, random)
    shade += _crease(height, width, random)
    sheet = _PAPER + shade[..., None]
    if kind == "ruled":
        _rule(sheet, resolution, np.arange(FIRST - PITCH, HEIGHT, PITCH / 2), axis=0)
        _rule(sheet, resolution, np.array([MARGIN * 0.6]), axis=1, colour=_MARGIN_LINE)
    elif kind == "squared":
        _rule(sheet, resolution, np.arange(9, HEIGHT, PITCH / 4), axis=0)
        _rule(sheet, resolution, np.arange(9, WIDTH, PITCH / 4), axis=1)
    return _picture(sheet)


def table(width: int, height: int, resolution: float, random: np.random.Generator) -> Image:
    """A wooden table top: rings along the board, fibres, and joints between boards."""
    light, dark = _WOODS[random.integers(len(_WOODS))]
    y = np.arange(height, dtype=np.float32)[:, None] / resolution
    bend = 14 * _grain(height, width, 60 * resolution, random)
    rings = np.sin((y + bend) / 7.0 + 2.0 * np.sin((y + bend) / 31.0))
    fibre = random.standard_normal((height, max(width // 40, 2))).astype(np.float32)
    fibre = np.asarray(cv2.resize(fibre, (width, height)), np.float32)
    share = np.clip(0.5 + 0.16 * rings + 0.12 * fibre + 0.1 * _grain(height, width, 0.8, random), 0, 1)
    board = 190.0
    joint = np.abs((y + random.uniform(0, board)) % board - board / 2)
    share = share * np.clip(joint / 1.6, 0.35, 1)
    return _picture(dark + share[..., None] * (light - dark))


def _grain(height: int, width: int, sigma: float, random: np.random.Generator) -> Field:
    """Smooth noise of variance 1: drawn small, where it is coarse, and enlarged."""
    factor = max(sigma / 2, 1.0)
    small = random.standard_normal((max(round(height / factor), 3), max(round(width / factor), 3)))
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), sigma / factor)
    noise = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(noise / max(float(np.std(smooth)), 1e-6), np.float32)


def _crease(height: int, width: int, random: np.random.Generator) -> Field:
    """A fold that was smoothed out again: one side of it catches the light, the other does not."""
    angle = random.uniform(-0.3, 0.3) + (np.pi / 2 if random.random() < 0.5 else 0)
    x = np.arange(width, dtype=np.float32)[None] / width - random.uniform(0.3, 0.7)
    y = np.arange(height, dtype=np.float32)[:, None] / height - random.uniform(0.3, 0.7)
    away = (np.cos(angle) * y - np.sin(angle) * x) * 60
    return np.asarray(7 * away * np.exp(-away * away), np.float32)


def _rule(
    sheet: Field, resolution: float, places: NDArray[np.float64], *, axis: int, colour: Field = _RULING
) -> None:
    """Printed lines 1.1 units wide across the sheet, at these places along an axis."""
    along = (np.arange(sheet.shape[axis], dtype=np.float32) + 0.5) / resolution
    nearest = np.abs(along[:, None] - places[None]).min(axis=1)
    cover = np.clip((1.1 / 2 - nearest) * resolution + 0.5, 0, 1).astype(np.float32)
    cover = cover[:, None, None] if axis == 0 else cover[None, :, None]
    sheet += cover * (colour - sheet)


def _picture(values: Field) -> Image:
    return np.clip(values, 0, 255).astype(np.uint8)
