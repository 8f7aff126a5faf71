"""Digits of seven segments and more in many builds: width, thickness, gaps, pointed or square ends."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.ink.shapes import BODY, SIDE, Shapes, filled_map

SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
"""The lit segments of each digit: a above, then clockwise to f, g in the middle."""

_FOURTEEN = (
    "abcdef", "bcj", "abGHed", "abHcd", "fGHbc", "afGHcd", "afGHedc", "abc", "abcdefGH", "abcdfGH",
)  # fmt: skip
"""The same of displays that show letters too: G and H halve the middle, j leads to the upper right."""

_LETTERED = 0.15
"""Share of displays that show letters too."""

_OVERSAMPLING = 4
_THICKEST = 0.3
"""Thickness of a segment in widths of the digit: thicker ones would leave no hole in an 8."""

_SLASHED = 0.1
"""Share of other displays that strike the 0 through."""


def displays(rng: np.random.Generator, builds: int) -> tuple[Shapes, Image]:
    """Digits of ``builds`` displays, ten each in order, and those displays with all segments lit.

    The latter are maps (builds, SIDE, SIDE). All digits of a display lie at the same place of their
    map: a 1 stays on the right.
    """
    maps, full = [], []
    for _ in range(builds):
        segments = _segments(rng)
        tail = rng.random() < 0.85
        lettered = rng.random() < _LETTERED
        slashed = rng.random() < (0.6 if lettered else _SLASHED)
        for digit, lit in enumerate(_FOURTEEN if lettered else SEGMENTS):
            names = lit if tail or digit not in (6, 9) else lit.replace("a" if digit == 6 else "d", "")
            names = names + "f" if digit == 7 and rng.random() < 0.2 else names
            maps.append(_map(segments, names, slashed=slashed and digit == 0))
        full.append(_map(segments, "abcdefGHj" if lettered else "abcdefg"))
    labels = np.tile(np.arange(10, dtype=np.int16), builds)
    return Shapes(np.stack(maps), labels, filled=True), np.stack(full)


def _map(segments: dict[str, NDArray[np.float32]], names: str, *, slashed: bool = False) -> Image:
    mask = np.zeros((SIDE * _OVERSAMPLING,) * 2, np.uint8)
    for name in names:
        cv2.fillPoly(mask, [np.rint(segments[name] * 16).astype(np.int32)], (255,), shift=4)
    if slashed:
        low, high = segments["e"].mean(0), segments["b"].mean(0)
        middle, thick = (low + high) / 2, np.ptp(segments["a"][:, 1])
        ends = np.rint(middle + (np.stack([low, high]) - middle) * 0.75).astype(int)
        cv2.line(mask, ends[0].tolist(), ends[1].tolist(), (255,), max(round(0.7 * thick), 1))
    return filled_map(mask, _OVERSAMPLING)


def _segments(rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    height = BODY * _OVERSAMPLING
    width = height * rng.uniform(0.42, 0.72)
    thick = min(height * rng.uniform(0.06, 0.21), _THICKEST * width)
    gap = thick * rng.choice([0.0, rng.uniform(0.05, 0.35)])
    point = thick / 2 * rng.choice([0.0, 1.0, rng.uniform(0, 1)])
    left, top = (SIDE * _OVERSAMPLING - width) / 2, (SIDE * _OVERSAMPLING - height) / 2
    right, bottom, middle = left + width - thick, top + height - thick, top + (height - thick) / 2
    lean = rng.uniform(0, 0.22) if rng.random() < 0.6 else 0.0

    def bar(x: float, y: float, length: float, across: bool) -> NDArray[np.float32]:
        near, far, half = gap, length - gap, thick / 2
        outline = np.array(
            [
                (near, half),
                (near + point, 0),
                (far - point, 0),
                (far, half),
                (far - point, thick),
                (near + point, thick),
            ]
        )
        points = outline if across else outline[:, ::-1]
        points = points + np.array((x, y))
        points[:, 0] += (SIDE * _OVERSAMPLING / 2 - points[:, 1]) * lean
        return np.asarray(points, np.float32)

    up = np.array([(right - thick * 0.3, top + 1.3 * thick), (left + width / 2, middle)])
    aside = thick * np.array([0.55, 0.0])
    diagonal = np.array([up[0] - aside, up[0] + aside / 2, up[1] + aside, up[1]])
    diagonal[:, 0] += (SIDE * _OVERSAMPLING / 2 - diagonal[:, 1]) * lean
    reach, across = middle - top + (thick if point < 1 else 0), width
    return {
        "a": bar(left, top, across, True),
        "g": bar(left, middle, across, True),
        "G": bar(left, middle, across / 2, True),
        "H": bar(left + across / 2, middle, across / 2, True),
        "j": diagonal,
        "d": bar(left, bottom, across, True),
        "f": bar(left, top, reach + thick * (point >= 1), False),
        "b": bar(right, top, reach + thick * (point >= 1), False),
        "e": bar(left, middle, reach + thick * (point >= 1), False),
        "c": bar(right, middle, reach + thick * (point >= 1), False),
    }
