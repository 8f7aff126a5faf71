"""Digits as other schools teach them: a 1 with an upstroke, a crossed 7, a 9 with a curl, a struck 0.

MNIST's writers learnt in the United States, where a 1 is a bare stroke and a 7 has no bar; over most of the
world they are written otherwise. Each form is a few strokes through points that differ from hand to hand,
smooth where the pen is (splines of Catmull and Rom 1974).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.ink.shapes import BODY, SIDE, Shapes, stroke_map

Point = tuple[float, float]
"""x to the right and y down, 0..1 over the digit's box."""

_UNSTEADY = 0.035
"""How far a hand misses a point, in heights of the digit."""

_STEPS = 12
"""Straight pieces between two points of a stroke."""

_SUBPIXELS = 4
"""Bits behind the binary point of the coordinates that are drawn."""


def taught(rng: np.random.Generator, count: int) -> Shapes:
    """``count`` written digits, of each as many, as maps of pen strokes with labels 0 to 9."""
    digits = np.arange(count) % 10
    return Shapes(
        np.stack([_map(rng, int(digit)) for digit in digits]), digits.astype(np.int16), filled=False
    )


def _map(rng: np.random.Generator, digit: int) -> NDArray[np.uint8]:
    width = float(np.clip(np.exp(rng.normal(-0.5, 0.25)), 0.35, 1.05))
    lean, turn = rng.normal(0, 0.12), np.deg2rad(rng.normal(0, 5))
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    linear = rotate @ np.array([[width, -lean], [0.0, 1.0]])
    lines = [_smooth(np.asarray(stroke)) @ linear.T for stroke in _unsteady(rng, _FORMS[digit](rng))]
    places = np.concatenate(lines)
    low, high = places.min(0), places.max(0)
    scale = (BODY - 1) / max(float((high - low).max()), 1e-6)
    page = np.zeros((SIDE, SIDE), np.uint8)
    for line in lines:
        drawn = (line - (low + high) / 2) * scale + (SIDE - 1) / 2
        fixed = np.rint(drawn * 2**_SUBPIXELS).astype(np.int32)
        cv2.polylines(page, [fixed], isClosed=False, color=(1,), shift=_SUBPIXELS)
    return stroke_map(page)


def _unsteady(rng: np.random.Generator, strokes: list[list[Point]]) -> list[NDArray[np.float64]]:
    """The points as a hand hits them; one that is named twice running, a corner, stays one."""
    missed = []
    for stroke in strokes:
        points = np.asarray(stroke, float)
        points += rng.normal(0, _UNSTEADY, points.shape)
        for place in range(1, len(stroke)):
            if stroke[place] == stroke[place - 1]:
                points[place] = points[place - 1]
        missed.append(points)
    return missed


def _smooth(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A line (M, 2) through all ``points`` (N, 2); two that are the same make a corner."""
    ends = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        pieces.append(b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))))
    return np.concatenate([*pieces, points[-1:]])


def _zero(rng: np.random.Generator) -> list[list[Point]]:
    over, start = rng.uniform(-0.1, 0.12), rng.uniform(0.4, 0.75)
    ring = [(start, 0.02), (0.12, 0.2), (0.02, 0.55), (0.25, 0.95), (0.6, 0.98), (0.95, 0.6), (0.88, 0.2)]
    strokes: list[list[Point]] = [[*ring, (start, 0.02), (start - over, over / 2)]]
    if rng.random() < 0.25:
        out = rng.uniform(-0.2, 0.1)
        strokes.append([(out, 1 - out / 2), (1 - out, out / 2)])
    return strokes


def _one(rng: np.random.Generator) -> list[list[Point]]:
    reach = rng.uniform(0.15, 0.8)
    drop = rng.uniform(0.12 + 0.3 * reach, 0.65)  # a long level upstroke would make a 7
    if rng.random() < 0.25:
        drop = rng.uniform(0.5, 0.95)
    top = (0.6, 0.0)
    flag = (0.6 - reach, drop)
    bow = (0.6 - reach * 0.45, drop * rng.uniform(0.3, 0.6))
    strokes: list[list[Point]] = [[flag, bow, top, top, (0.6 + rng.normal(0, 0.08), 1.0)]]
    if rng.random() < 0.3:
        half = rng.uniform(0.2, 0.5)
        strokes.append([(0.6 - half, 1.0), (0.6 + half, 1.0)])
    return strokes


def _two(rng: np.random.Generator) -> list[list[Point]]:
    corner = (0.05, 0.95)
    head: list[Point] = [(0.08, 0.28), (0.2, 0.07), (0.52, 0.0), (0.9, 0.22), (0.72, 0.52)]
    base: list[Point] = [(0.95, 0.95)] if rng.random() < 0.6 else [(0.45, 0.9), (0.98, 0.93)]
    if rng.random() < 0.15:
        return [[(0.08, 0.05), (0.9, 0.03), (0.9, 0.03), corner, corner, *base]]
    return [[*head, corner, corner, *base]]


def _three(rng: np.random.Generator) -> list[list[Point]]:
    belly: list[Point] = [(0.75, 0.48), (0.95, 0.72), (0.55, 1.0), (0.05, 0.88)]
    if rng.random() < 0.45:
        corner = (0.88, 0.02)
        waist = (0.4, 0.4)
        return [[(0.08, 0.03), corner, corner, waist, waist, *belly]]
    waist = (0.38 + rng.normal(0, 0.06), 0.46)
    return [[(0.08, 0.12), (0.45, 0.0), (0.85, 0.18), (0.7, 0.4), waist, waist, *belly]]


def _four(rng: np.random.Generator) -> list[list[Point]]:
    level, stem = rng.uniform(0.5, 0.8), rng.uniform(0.55, 0.85)
    corner = (0.03, level)
    if rng.random() < 0.65:
        start, height = (rng.uniform(0.15, 0.85), 0.0), rng.uniform(0.0, 0.6)
        return [[start, corner, corner, (0.98, level)], [(stem, height), (stem - 0.06, 1.0)]]
    top = (stem, 0.0)
    return [[top, corner, corner, (0.98, level)], [top, (stem, 1.0)]]


def _five(rng: np.random.Generator) -> list[list[Point]]:
    neck = (rng.uniform(0.08, 0.25), 0.43)
    left = (0.22, 0.02)
    belly: list[Point] = [(0.55, 0.37), (0.92, 0.66), (0.6, 0.97), (0.03, 0.88)]
    if rng.random() < 0.5:
        return [[(0.92, 0.0), left, left, neck, neck, *belly]]
    apart = rng.uniform(0, 0.08)
    return [[left, neck, neck, *belly], [(left[0] + apart, left[1]), (0.95, rng.normal(0, 0.03))]]


def _six(rng: np.random.Generator) -> list[list[Point]]:
    start: list[Point] = [(rng.uniform(0.5, 0.95), 0.0)]
    if rng.random() < 0.4:
        start = [(0.92, 0.14), (0.65, 0.01)]
    shut = rng.uniform(-0.04, 0.2)
    low = rng.uniform(0.42, 0.6)
    back: list[Point] = [(0.3, 0.22), (0.05, 0.62), (0.2, 0.94), (0.55, 0.99), (0.92, 0.76)]
    return [[*start, *back, (0.6, low), (0.25, low + 0.1), (0.04 + shut, 0.72)]]


def _seven(rng: np.random.Generator) -> list[list[Point]]:
    corner = (0.93, 0.04)
    foot = (rng.uniform(0.15, 0.55), 1.0)
    bow = ((corner[0] + foot[0]) / 2 - rng.uniform(-0.04, 0.14), 0.48)
    head: list[Point] = [(0.03, rng.uniform(0.0, 0.1))]
    if rng.random() < 0.35:
        hook = (0.05, 0.03)
        head = [(0.02, rng.uniform(0.12, 0.28)), hook, hook]
    if rng.random() < 0.2:
        head = [(0.03, 0.1), (0.25, 0.0), (0.6, 0.08)]
    strokes: list[list[Point]] = [[*head, corner, corner, bow, foot]]
    if rng.random() < 0.75:
        level, half, slope = rng.uniform(0.4, 0.62), rng.uniform(0.18, 0.4), rng.normal(0, 0.06)
        middle = float(np.interp(level, (0.04, 1.0), (corner[0], foot[0]))) - 0.04
        strokes.append([(middle - half, level + slope), (middle + half, level - slope)])
    return strokes


def _eight(rng: np.random.Generator) -> list[list[Point]]:
    waist = rng.uniform(0.38, 0.52)
    if rng.random() < 0.3:
        upper = [(0.5, 0.0), (0.15, waist / 2), (0.5, waist), (0.85, waist / 2), (0.5, 0.0)]
        half = (1 + waist) / 2
        return [upper, [(0.5, waist), (0.02, half), (0.5, 1.0), (0.98, half), (0.5, waist)]]
    start = rng.uniform(0.55, 0.9), rng.uniform(0.0, 0.16)
    down: list[Point] = [(0.4, 0.0), (0.1, waist / 2), (0.5, waist), (0.93, (1 + waist) / 2), (0.5, 1.0)]
    up: list[Point] = [(0.03, (1 + waist) / 2), (0.5, waist + 0.02), (0.88, waist / 2)]
    gap = rng.uniform(-0.05, 0.12)
    return [[start, *down, *up, (start[0] + gap, start[1] + gap / 2)]]


def _nine(rng: np.random.Generator) -> list[list[Point]]:
    if rng.random() < 0.35:  # a 6 upside down, whose end need not reach the stem
        return [[(1 - x, 1 - y) for x, y in stroke] for stroke in _six(rng)]
    low, shut = rng.uniform(0.4, 0.58), rng.uniform(-0.12, 0.05)
    loop: list[Point] = [(0.9 + shut, 0.2), (0.5, 0.0), (0.06, 0.24), (0.3, low), (0.7, low - 0.08)]
    joint = (0.93, rng.uniform(0.08, 0.25))
    if rng.random() < 0.6:
        tail: list[Point] = [(0.93, 0.55), (0.75, 0.92), (0.4, 1.0), (0.05, rng.uniform(0.78, 0.95))]
    else:
        tail = [(rng.uniform(0.7, 0.95), 0.55), (rng.uniform(0.35, 0.9), 1.0)]
    return [[*loop, joint, joint, *tail]]


_FORMS: tuple[Callable[[np.random.Generator], list[list[Point]]], ...] = (
    _zero, _one, _two, _three, _four, _five, _six, _seven, _eight, _nine,
)  # fmt: skip
