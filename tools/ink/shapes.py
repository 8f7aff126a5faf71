"""Shapes as distance maps: drawn sharp at any size, slant and pen width.

A map holds, for each of its pixels, the distance to the middle of a pen stroke (strokes), or to the
outline of the ink, negative inside (filled shapes). A pen of width w inks where the distance is
below w / 2; for filled shapes w makes them bolder or thinner.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Box, Image

SIDE = 48
"""Side of a map in pixels."""

BODY = 32
"""The longer side of the shape within its map, centred."""

ZERO, STEP = 64, 8
"""Maps are uint8: value = ZERO + STEP * distance, so from -8 to +23.9 map pixels."""

_PLACES = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), 2).astype(np.float32)

Canvas = NDArray[np.float32]
"""(H, W) float32: share of ink 0..1 on the paper, or light 0..1."""


class Shapes(NamedTuple):
    """Maps (N, SIDE, SIDE) uint8 with a label each (N,) int16; ``filled`` tells outlines from pen strokes."""

    maps: Image
    labels: NDArray[np.int16]
    filled: bool


def encode(distance: NDArray[np.float32]) -> Image:
    """Distances in map pixels as a map."""
    return np.clip(np.rint(ZERO + STEP * distance), 0, 255).astype(np.uint8)


def stroke_map(lines: Image) -> Image:
    """The map (SIDE, SIDE) of thin lines, nonzero where a stroke's middle runs."""
    distance = cv2.distanceTransform((lines == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return encode(np.asarray(cv2.GaussianBlur(distance, (0, 0), 0.7), np.float32))


def filled_map(mask: Image, oversampling: int = 4) -> Image:
    """The map of a filled shape, drawn bright in a square ``oversampling`` times as large as a map."""
    ink = (mask > 127).astype(np.uint8)
    outside = cv2.distanceTransform(1 - ink, cv2.DIST_L2, cv2.DIST_MASK_5)
    inside = cv2.distanceTransform(ink, cv2.DIST_L2, cv2.DIST_MASK_5)
    signed = cv2.resize(outside - inside, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return encode(np.asarray(signed / oversampling, np.float32))


def bent(rng: np.random.Generator, shape: Image, strength: float) -> Image:
    """The map with its lines bent by smooth chance, by about ``strength`` map pixels."""
    field = (rng.standard_normal((4, 4, 2)) * strength).astype(np.float32)
    moved = cv2.resize(field, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) + _PLACES
    x, y = cv2.split(moved)
    return np.asarray(cv2.remap(shape, x, y, cv2.INTER_LINEAR, borderValue=(255,)), np.uint8)


def placement(
    centre: tuple[float, float], size: float, *, turn: float = 0.0, slant: float = 0.0, aspect: float = 1.0
) -> NDArray[np.float64]:
    """The matrix (2, 3) from map to canvas: longer side ``size`` pixels, middle at ``centre`` (x, y).

    ``turn`` in degrees clockwise, ``slant`` as x per y (positive leans right), ``aspect`` widens.
    """
    scale = size / BODY
    angle = np.deg2rad(turn)
    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * rotate @ np.array([[aspect, -slant], [0.0, 1.0]])
    middle = np.array([(SIDE - 1) / 2, (SIDE - 1) / 2])
    return np.column_stack([linear, np.asarray(centre) - linear @ middle])


def draw(
    canvas: Canvas, shape: Image, matrix: NDArray[np.float64], pen: float, *, strength: float = 1.0
) -> Box:
    """Inks ``shape`` onto ``canvas`` with a pen of ``pen`` canvas pixels; gives the tight box of the ink.

    The box is empty (w or h 0) where the shape falls outside of the canvas.
    """
    height, width = canvas.shape
    corners = np.array([[0, 0], [SIDE, 0], [0, SIDE], [SIDE, SIDE]]) @ matrix[:, :2].T + matrix[:, 2]
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int), (width, height))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return Box(0, 0, 0, 0)
    shifted = matrix.copy()
    shifted[:, 2] -= (x0, y0)
    value = cv2.warpAffine(
        shape, shifted, (int(x1 - x0), int(y1 - y0)), flags=cv2.INTER_LINEAR, borderValue=(255,)
    ).astype(np.float32)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    ink = np.clip(pen / 2 + 0.5 - (value - ZERO) * (scale / STEP), 0, 1)
    ink[value >= 254] = 0
    part = canvas[y0:y1, x0:x1]
    np.maximum(part, ink * strength, out=part)
    x, y, w, h = cv2.boundingRect((ink > 0.35).astype(np.uint8))
    return Box(float(x + x0), float(y + y0), float(w), float(h))
