"""Pen work that is no digit: joined writing, arrows, crosses, doodles, blots."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.ink.shapes import Canvas

_SHIFT = 4


def cursive(
    rng: np.random.Generator, canvas: Canvas, start: tuple[float, float], height: float, pen: float
) -> None:
    """A joined word from ``start`` (x, y) rightwards, lower-case letters ``height`` pixels high."""
    count = int(rng.integers(3, 14)) * 6
    phase = np.linspace(0, rng.uniform(0.7, 1.2) * count, count * 3)
    tall = np.repeat(rng.choice([1.0, 1.0, 1.0, 2.0, -1.6, 0.6], count // 2 + 1), 6)[: len(phase)]
    tall = np.resize(tall, len(phase))
    loops = rng.uniform(0.2, 0.9)
    x = phase * height * rng.uniform(0.14, 0.26) + loops * height * 0.3 * np.sin(phase + 0.6)
    y = -height * 0.5 * np.sin(phase) * np.where(np.sin(phase) > 0, tall, np.minimum(np.abs(tall), 1))
    slant = rng.uniform(-0.1, 0.6)
    points = np.stack([start[0] + x - slant * y, start[1] + y], 1)
    trace(canvas, points, pen)


def doodle(rng: np.random.Generator, canvas: Canvas, pen: float) -> None:
    """One of: random curve, zigzag, arrow, cross, spiral; anywhere on the canvas."""
    height, width = canvas.shape
    size = min(height, width) * rng.uniform(0.15, 0.6)
    centre = rng.uniform(0.2, 0.8, 2) * (width, height)
    kind = rng.integers(5)
    if kind == 0:
        knots = rng.uniform(-1, 1, (int(rng.integers(4, 9)), 2)) * size
        trace(canvas, centre + _smooth(knots), pen)
    elif kind == 1:
        steps = int(rng.integers(4, 12))
        zigzag = np.stack([np.linspace(-1, 1, steps), np.where(np.arange(steps) % 2, 0.3, -0.3)], 1)
        trace(canvas, centre + zigzag * size + rng.normal(0, size * 0.05, (steps, 2)), pen)
    elif kind == 2:
        angle = rng.uniform(0, 2 * np.pi)
        along = np.array([np.cos(angle), np.sin(angle)]) * size
        side = np.array([-along[1], along[0]]) * 0.3
        trace(canvas, np.array([centre - along, centre + along]), pen)
        trace(
            canvas, np.array([centre + along * 0.6 + side, centre + along, centre + along * 0.6 - side]), pen
        )
    elif kind == 3:
        arm = np.array([size, rng.uniform(0.5, 1) * size]) * 0.5
        trace(canvas, np.array([centre - arm, centre + arm]), pen)
        trace(canvas, np.array([centre - arm * (1, -1), centre + arm * (1, -1)]), pen)
    else:
        turn = np.linspace(0, rng.uniform(9, 25), 60)
        spiral = np.stack([np.cos(turn), np.sin(turn) * rng.uniform(0.4, 1)], 1) * (turn / turn[-1])[:, None]
        trace(canvas, centre + spiral * size * 0.7, pen)


def blot(rng: np.random.Generator, canvas: Canvas) -> None:
    """A filled spot: ink, a hole, a coin, a finger tip."""
    height, width = canvas.shape
    size = min(height, width) * rng.uniform(0.05, 0.3)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    rough = 1 + rng.normal(0, rng.uniform(0, 0.15), 24)
    points = np.stack([np.cos(angles), np.sin(angles) * rng.uniform(0.4, 1)], 1) * (rough * size)[:, None]
    points += rng.uniform(0.2, 0.8, 2) * (width, height)
    cv2.fillPoly(canvas, [_fixed(points)], (float(rng.uniform(0.5, 1)),), cv2.LINE_AA, _SHIFT)


def trace(canvas: Canvas, points: NDArray[np.float64], pen: float) -> None:
    """A pen of ``pen`` pixels along ``points`` (N, 2); thinner than a pixel is fainter."""
    layer = np.zeros(canvas.shape, np.uint8)
    strength = 255 * min(max(pen, 0.3), 1.0)
    cv2.polylines(layer, [_fixed(points)], False, (strength,), max(round(pen), 1), cv2.LINE_AA, _SHIFT)
    np.maximum(canvas, layer.astype(np.float32) / 255, out=canvas)


def _smooth(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    dense = cv2.resize(knots.astype(np.float32), (2, len(knots) * 12), interpolation=cv2.INTER_CUBIC)
    return np.asarray(dense, np.float64)


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(points * (1 << _SHIFT)).astype(np.int32)
