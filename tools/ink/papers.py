"""What ink lies on: light that falls off, shadows, fibres, ruled and squared lines.

All functions give or change float32 light, 0 black to 1 white.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from tools.ink.shapes import Canvas

Ruling = Literal["none", "lines", "squares", "dots"]

_RULINGS: tuple[Ruling, ...] = (*("none",) * 6, "lines", "lines", "squares", "squares", "dots")


def waves(rng: np.random.Generator, height: int, width: int, cells: float) -> Canvas:
    """Smooth noise (H, W), mean about 0 and deviation about 1, with ``cells`` bumps across."""
    grid = max(round(cells), 2)
    coarse = rng.standard_normal((grid, grid)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def light(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """How much light falls where: a slope, perhaps a lamp's pool, perhaps the edge of a shadow."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height - 0.5, x / width - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    slope = rng.uniform(0, 0.4) if rng.random() < 0.6 else rng.uniform(0, 0.1)
    field = 1 + slope * (np.cos(angle) * x + np.sin(angle) * y)
    if rng.random() < 0.2:
        field *= 1 - rng.uniform(0.1, 0.4) * ((x - rng.uniform(-1, 1)) ** 2 + (y - rng.uniform(-1, 1)) ** 2)
    if rng.random() < 0.12:
        field *= shadow(rng, height, width)
    return np.asarray(np.clip(field, 0.05, 2), np.float32)


def shadow(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """1 in the light, less in the shadow of something with a straight or bent edge, hard or soft."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    side = max(height, width)
    distance = (
        np.cos(angle) * (x - width / 2) + np.sin(angle) * (y - height / 2) + rng.uniform(-0.4, 0.4) * side
    )
    if rng.random() < 0.5:
        distance += waves(rng, height, width, 3) * side * 0.1
    softness = max(side * 10 ** rng.uniform(-2.2, -0.7), 0.7)
    dimmed = rng.uniform(0.2, 0.65) / (1 + np.exp(-np.clip(distance / softness, -30, 30)))
    return np.asarray(1 - dimmed, np.float32)


def paper(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """The reflectance of a sheet or board: nearly even, with fibres, stains or grain of some strength."""
    sheet = np.full((height, width), rng.uniform(0.55, 1.0), np.float32)
    if rng.random() < 0.6:
        grain = rng.standard_normal((height, width)).astype(np.float32)
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.4, 2.0)), np.float32)
        sheet += grain * (rng.uniform(0, 0.03) / max(float(grain.std()), 1e-3))
    if rng.random() < 0.25:
        sheet += waves(rng, height, width, rng.uniform(2, 8)) * rng.uniform(0, 0.06)
    return sheet


def ruling(rng: np.random.Generator, sheet: Canvas, pitch: float, kind: Ruling, turn: float) -> None:
    """Prints lines on ``sheet``, ``pitch`` pixels apart, turned by ``turn`` degrees."""
    if kind == "none":
        return
    height, width = sheet.shape
    darkness = rng.uniform(0.06, 0.45)
    thickness = max(pitch * rng.uniform(0.02, 0.07), 0.5)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cosine, sine = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    across, down = cosine * x + sine * y, -sine * x + cosine * y
    rows = _lines(down + rng.uniform(0, pitch), pitch, thickness)
    if kind == "lines":
        inked = rows
    else:
        columns = _lines(across + rng.uniform(0, pitch), pitch, thickness)
        inked = np.maximum(rows, columns) if kind == "squares" else np.minimum(rows, columns)
    sheet *= 1 - darkness * inked


def any_ruling(rng: np.random.Generator) -> Ruling:
    """Plain paper mostly, else ruled, squared or dotted."""
    return _RULINGS[rng.integers(len(_RULINGS))]


def _lines(position: Canvas, pitch: float, thickness: float) -> Canvas:
    distance = np.abs((position + pitch / 2) % pitch - pitch / 2)
    return np.asarray(np.clip(thickness / 2 + 0.5 - distance, 0, 1) * min(thickness + 0.5, 1), np.float32)
