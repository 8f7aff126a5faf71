"""What lies under and beside the sheets, and what the sheets are made of, in colour."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.compose.leaf import Colour
from tools.ink.papers import any_ruling, paper, ruling
from tools.ink.shapes import Canvas
from tools.ink.textures import surface

Sheet = Literal["paper", "note", "whiteboard", "blackboard", "screen"]

_TEXTURE = 640
"""Side in pixels that surfaces are drawn at before they are made as large as the picture."""

_PAPERS: tuple[Colour, ...] = (
    (1, 1, 1), (1, 1, 1), (1, 1, 1), (0.97, 0.99, 1), (0.9, 0.96, 1), (0.82, 0.92, 0.97), (0.62, 0.75, 0.86),
)  # fmt: skip
_NOTES: tuple[Colour, ...] = (
    (0.45, 0.92, 1), (0.4, 0.85, 0.98), (0.75, 0.65, 1), (0.55, 0.95, 0.7), (0.95, 0.8, 0.55), (0.4, 0.65, 1),
)  # fmt: skip


def table(rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A surface (H, W, 3) without writing: wood, leather, cloth, keys, or something plain."""
    side = max(height, width)
    if rng.random() < 0.15:
        grey = np.full((height, width), rng.uniform(0.05, 0.9), np.float32)
        grey += rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0, 0.03))
    else:
        drawn = side if rng.random() < 0.3 else _TEXTURE
        square = cv2.resize(surface(rng, drawn), (side, side), interpolation=cv2.INTER_LINEAR)
        grey = np.asarray(square[:height, :width], np.float32)
    dark = np.clip(rng.uniform(0, 0.25) + rng.normal(0, 0.06, 3), 0, 1).astype(np.float32)
    bright = np.clip(rng.uniform(0.5, 1) + np.sort(rng.normal(0, 0.15, 3)), 0, 1).astype(np.float32)
    return np.asarray(dark + (bright - dark) * grey[..., None], np.float32)


def sheet(rng: np.random.Generator, kind: Sheet, height: int, width: int, pitch: float) -> Canvas:
    """A bare leaf (h, w, 3); rulings are printed about ``pitch`` pixels apart."""
    if kind in {"blackboard", "screen"}:
        base = rng.uniform(0.02, 0.25)
        tint = np.array(rng.uniform(0.6, 1.3, 3), np.float32)
        grey = paper(rng, height, width) * np.float32(base)
        if kind == "blackboard":
            smears = cv2.resize(
                rng.random((max(height // 40, 2), max(width // 90, 2)), np.float32),
                (width, height),
                interpolation=cv2.INTER_CUBIC,
            )
            grey += smears * np.float32(rng.uniform(0, 0.1))
        return np.asarray(np.clip(grey[..., None] * tint, 0, 0.35), np.float32)
    grey = paper(rng, height, width)
    if kind != "whiteboard":
        ruling(rng, grey, pitch, any_ruling(rng), 0.0)
    shades = _NOTES if kind == "note" else _PAPERS
    tint = np.array(shades[rng.integers(len(shades))], np.float32) * rng.uniform(0.97, 1.03, 3).astype(
        np.float32
    )
    leaf = grey[..., None] * tint
    if kind == "paper" and rng.random() < 0.25:
        _fold(rng, leaf)
    if kind == "paper" and rng.random() < 0.2:
        _margin_line(rng, leaf)
    return np.asarray(leaf, np.float32)


def objects(rng: np.random.Generator, picture: Canvas, cover: Image) -> None:
    """Puts pens, coins, cables, clips and cups on ``picture`` (H, W, 3); ``cover`` (H, W) is set where."""
    height, width = cover.shape
    for _ in range(int(rng.choice([0, 1, 1, 2, 3, 5]))):
        mask = np.zeros((height, width), np.uint8)
        x, y = (int(v) for v in rng.uniform(-0.05, 1.05, 2) * (width, height))
        size = min(height, width) * 10 ** rng.uniform(-1.6, -0.5)
        kind = rng.random()
        if kind < 0.35:
            angle = rng.uniform(0, np.pi)
            reach = size * rng.uniform(1, 3)
            end = (int(x + reach * np.cos(angle)), int(y + reach * np.sin(angle)))
            cv2.line(mask, (x, y), end, (255,), max(int(size * rng.uniform(0.05, 0.3)), 2), cv2.LINE_AA)
        elif kind < 0.6:
            cv2.circle(mask, (x, y), max(int(size * 0.5), 3), (255,), -1, cv2.LINE_AA)
            if rng.random() < 0.4:
                cv2.circle(mask, (x, y), max(int(size * 0.3), 2), (0,), -1, cv2.LINE_AA)
        elif kind < 0.8:
            corners = cv2.boxPoints(((x, y), (size, size * rng.uniform(0.3, 1)), rng.uniform(0, 180)))
            cv2.fillPoly(mask, [corners.astype(np.int32)], (255,), cv2.LINE_AA)
        else:
            knots = np.cumsum(rng.normal(0, 1, (6, 2)), 0) * size + (x, y)
            path = cv2.resize(knots.astype(np.float32), (2, 60), interpolation=cv2.INTER_CUBIC)
            thick = max(int(size * rng.uniform(0.02, 0.1)), 1)
            cv2.polylines(mask, [path.astype(np.int32)], False, (255,), thick, cv2.LINE_AA)
        shade = rng.uniform(0, 1) + rng.normal(0, 0.15, 3)
        alpha = mask[..., None].astype(np.float32) / 255
        glint = cv2.GaussianBlur(mask, (0, 0), 3)[..., None].astype(np.float32) / 255
        colour = np.clip(shade, 0, 1).astype(np.float32) * (0.6 + 0.4 * glint)
        picture *= 1 - alpha
        picture += colour * alpha
        cover[cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 0] = 255


def drop_shadow(rng: np.random.Generator, picture: Canvas, alpha: Canvas) -> None:
    """Darkens ``picture`` (H, W, 3) beside a leaf whose coverage is ``alpha`` (H, W)."""
    spread = 10 ** rng.uniform(0, 1.2)
    shift = rng.normal(0, spread, 2)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    height, width = alpha.shape
    moved = cv2.warpAffine(alpha, matrix, (width, height))
    small = cv2.resize(moved, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    soft = cv2.resize(cv2.GaussianBlur(small, (0, 0), max(spread / 4, 0.5)), (width, height))
    picture *= (1 - np.float32(rng.uniform(0.1, 0.7)) * soft)[..., None]


def _fold(rng: np.random.Generator, leaf: NDArray[np.float32]) -> None:
    """A crease: the sheet is a little darker on one side of it, and light or dark along it."""
    height, width = leaf.shape[:2]
    across = rng.random() < 0.5
    length = width if across else height
    place = int(length * rng.uniform(0.25, 0.75))
    shade = np.ones(length, np.float32)
    shade[place:] -= np.float32(rng.uniform(0.02, 0.2))
    shade[max(place - 1, 0) : place + 1] += np.float32(rng.choice([-1, 1]) * rng.uniform(0.05, 0.2))
    leaf *= shade[None, :, None] if across else shade[:, None, None]


def _margin_line(rng: np.random.Generator, leaf: NDArray[np.float32]) -> None:
    height, width = leaf.shape[:2]
    place = int(width * (rng.uniform(0.06, 0.2) if rng.random() < 0.7 else rng.uniform(0.8, 0.94)))
    colour = np.array((0.55, 0.5, 0.95), np.float32)
    leaf[:, place : place + max(int(height / 500), 1)] *= colour
