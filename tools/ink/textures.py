"""Surfaces without digits: leather, wood, cloth, keyboards, gravel, leaves, noise.

Each function gives (side, side) float32 light, 0 black to 1 white.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from tools.ink.papers import waves
from tools.ink.shapes import Canvas


def surface(rng: np.random.Generator, side: int) -> Canvas:
    """One of all surfaces, by chance."""
    makers: tuple[Callable[[np.random.Generator, int], Canvas], ...] = (
        leather, wood, cloth, keyboard, clouds, leaves, leaves, panels,
    )  # fmt: skip
    return makers[rng.integers(len(makers))](rng, side)


def clouds(rng: np.random.Generator, side: int) -> Canvas:
    """Noise of many sizes: plaster, concrete, dirt."""
    field = np.zeros((side, side), np.float32)
    fall = rng.uniform(0.4, 0.9)
    for octave in range(1, 9):
        field += waves(rng, side, side, 2**octave) * fall**octave
    return _levels(rng, field)


def leather(rng: np.random.Generator, side: int) -> Canvas:
    """Cells with dark or light creases between them: leather, cracked paint, gravel."""
    count = int(10 ** rng.uniform(1.6, 3.3))
    seeds = np.ones((side, side), np.uint8)
    places = rng.integers(0, side, (count, 2))
    seeds[places[:, 0], places[:, 1]] = 0
    near, cells = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, cv2.DIST_MASK_5)
    pitch = side / np.sqrt(count)
    field = near / pitch
    if rng.random() < 0.5:
        shades = rng.standard_normal(count + 1).astype(np.float32) * rng.uniform(0.1, 0.6)
        field = field + shades[np.minimum(cells, count)]
    return _levels(rng, field.astype(np.float32) + waves(rng, side, side, side / 3) * rng.uniform(0, 0.2))


def wood(rng: np.random.Generator, side: int) -> Canvas:
    """Rings cut lengthwise, with fine fibres."""
    y = np.mgrid[0:side, 0:side][0].astype(np.float32) / side
    bend = waves(rng, side, side, rng.uniform(2, 5)) * rng.uniform(0.02, 0.2)
    rings = np.sin((y + bend) * rng.uniform(10, 120))
    fibre = rng.standard_normal((side, max(side // 24, 2))).astype(np.float32)
    field = (
        rings * rng.uniform(0.1, 0.6) + cv2.resize(fibre, (side, side), interpolation=cv2.INTER_CUBIC) * 0.4
    )
    return _turned(rng, _levels(rng, field.astype(np.float32)))


def cloth(rng: np.random.Generator, side: int) -> Canvas:
    """Weave, stripes and checks."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    pitch = 10 ** rng.uniform(0.6, 1.7)
    across, down = np.sin(x * 2 * np.pi / pitch), np.sin(y * 2 * np.pi / (pitch * rng.uniform(0.6, 1.6)))
    mix = rng.random()
    field = (
        across * down if mix < 0.4 else np.sign(across) * 0.5 + np.sign(down) * 0.5 if mix < 0.7 else across
    )
    field = field + rng.standard_normal((side, side)).astype(np.float32) * rng.uniform(0.05, 0.6)
    return _turned(rng, _levels(rng, field.astype(np.float32)))


def keyboard(rng: np.random.Generator, side: int) -> Canvas:
    """Rows of keys, tiles or bricks with light from one side."""
    picture = np.full((side, side), rng.uniform(0, 1), np.float32)
    height = int(10 ** rng.uniform(1.1, 2.0))
    gap = max(int(height * rng.uniform(0.03, 0.3)), 1)
    shade = float(rng.uniform(0, 1))
    for row, y in enumerate(range(0, side, height)):
        x = -int(rng.integers(0, height)) if row % 2 else 0
        while x < side:
            width = int(height * rng.choice([1, 1, 1, 1.5, 2.2]))
            value = float(np.clip(shade + rng.normal(0, 0.05), 0, 1))
            cv2.rectangle(picture, (x, y), (x + width - gap, y + height - gap), (value,), -1)
            cv2.line(picture, (x, y), (x + width - gap, y), (min(value + 0.2, 1),), max(gap // 3, 1))
            if rng.random() < 0.3:
                middle = (x + width // 2, y + height // 2)
                cv2.circle(picture, middle, max(height // 8, 1), (1 - value,), -1)
            x += width
    return _turned(rng, picture)


def leaves(rng: np.random.Generator, side: int) -> Canvas:
    """Overlapping shapes of all sizes: the dead-leaves model (Lee, Mumford, Huang 2001)."""
    picture = np.full((side, side), 0.5, np.float32)
    sizes = np.sort(side * 10 ** rng.uniform(-1.9, -0.35, 260))[::-1]
    for size in sizes:
        x, y = (int(v) for v in rng.integers(0, side, 2))
        shade = float(rng.uniform(0, 1))
        kind = rng.random()
        if kind < 0.45:
            axes = (max(int(size * rng.uniform(0.1, 0.6)), 1), max(int(size * 0.5), 1))
            cv2.ellipse(picture, (x, y), axes, rng.uniform(0, 180), 0, 360, (shade,), -1, cv2.LINE_AA)
        else:
            corners = int(rng.integers(3, 7))
            angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
            radii = size * rng.uniform(0.15, 0.6, corners)
            points = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], 1)
            cv2.fillPoly(picture, [points.astype(np.int32)], (shade,), cv2.LINE_AA)
    grain = rng.standard_normal((side, side)).astype(np.float32) * rng.uniform(0, 0.05)
    return np.clip(picture + grain, 0, 1)


def panels(rng: np.random.Generator, side: int) -> Canvas:
    """Straight edges: sheets on tables, frames, doors, cables, pencils."""
    picture = np.full((side, side), float(rng.uniform(0, 1)), np.float32)
    for _ in range(int(rng.integers(6, 30))):
        points = rng.integers(-side // 4, side + side // 4, (2, 2))
        shade = float(rng.uniform(0, 1))
        if rng.random() < 0.5:
            box = cv2.boxPoints(((float(points[0][0]), float(points[0][1])), tuple(rng.uniform(0.05, 0.6, 2) * side), rng.uniform(0, 180)))  # fmt: skip # noqa: E501
            cv2.fillPoly(picture, [box.astype(np.int32)], (shade,), cv2.LINE_AA)
        else:
            first, second = (tuple(int(v) for v in point) for point in points)
            cv2.line(picture, first, second, (shade,), int(rng.integers(1, max(side // 40, 3))), cv2.LINE_AA)
    return np.clip(picture + waves(rng, side, side, 4) * 0.04, 0, 1)


def _levels(rng: np.random.Generator, field: Canvas) -> Canvas:
    low, high = np.percentile(field, (1, 99))
    dark = rng.uniform(0, 0.6)
    bright = dark + rng.uniform(0.15, 1 - dark)
    share = np.clip((field - low) / max(high - low, 1e-6), 0, 1)
    return np.asarray(share * (bright - dark) + dark, np.float32)


def _turned(rng: np.random.Generator, picture: Canvas) -> Canvas:
    side = picture.shape[0]
    turn = rng.uniform(-180, 180) if rng.random() < 0.5 else rng.uniform(-6, 6)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, rng.uniform(1.0, 1.5))
    return np.asarray(
        cv2.warpAffine(picture, matrix, (side, side), borderMode=cv2.BORDER_REFLECT), np.float32
    )
