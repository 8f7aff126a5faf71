"""The ten digits as strokes of a pen, each in the forms that people are taught."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Path = NDArray[np.float64]
"""A dense line: (N, 2) x and y, y down."""

STEPS = 10
"""Points drawn between two that are given."""

FORMS: dict[int, tuple[str, ...]] = {
    0: (
        "31,0 10,13 0,50 10,88 31,100 52,87 61,50 50,12 30,1",
        "38,3 16,12 2,52 9,90 29,100 47,86 55,50 47,10 28,2 20,10",
        "30,4 9,20 2,58 14,95 33,99 53,80 57,42 44,6 33,0",
    ),
    1: (
        "20,0 20,50 19,100",
        "0,27 14,16 28,0! 27,50 26,100",
        "5,24 19,14 30,0! 29,50 29,99 / 6,100 30,99 54,100",
    ),
    2: (
        "3,22 12,5 32,0 51,10 54,30 40,55 20,79 2,99! 30,97 60,98",
        "5,20 19,3 41,3 51,22 40,52 20,82 6,97 0,90 10,82 30,93 46,100 60,95",
        "4,15 24,0 47,9 49,31 28,66 1,100! 15,93 36,95 58,100",
    ),
    3: (
        "5,13 24,0 48,8 50,30 22,47! 48,55 57,77 37,98 14,98 0,86",
        "3,2 28,2 53,0! 40,21 25,41! 47,50 56,73 38,97 16,99 0,88",
        "7,12 27,0 46,13 42,34 26,46 17,47 24,44 46,54 53,77 36,99 11,96 1,84",
    ),
    4: (
        "9,0 6,28 2,58! 30,57 62,56 / 46,22 44,60 42,100",
        "44,0 24,30 0,66! 30,66 62,65 / 44,0 43,50 42,100",
        "20,2 11,28 0,62! 28,56 60,52 / 50,24 42,60 35,100",
    ),
    5: (
        "12,1 10,22 7,44! 27,37 49,46 55,68 43,93 20,100 0,91 / 12,1 34,2 57,0",
        "55,2 33,2 13,4! 9,22 7,43! 30,39 50,52 51,78 30,98 2,93",
        "16,3 11,24 10,43! 31,42 52,60 44,90 22,100 1,94 / 15,4 36,5 60,1",
    ),
    6: (
        "46,0 26,10 8,36 1,68 10,93 31,100 51,88 53,67 36,53 15,60 3,78",
        "36,0 20,22 6,52 2,78 16,98 38,98 52,80 41,58 22,58 5,74",
        "50,4 34,1 14,18 2,53 5,84 25,100 46,92 50,70 33,55 9,66",
    ),
    7: (
        "0,3 28,3 57,1! 42,34 28,66 19,100",
        "1,4 30,4 57,2! 41,36 27,68 18,100 / 9,51 30,50 52,48",
        "3,17 4,3! 30,5 58,2! 38,40 26,70 22,100",
        "2,15 3,2! 29,4 56,1! 37,40 21,100 / 10,54 29,51 48,50",
    ),
    8: (
        "50,12 31,0 11,10 12,31 33,48 53,66 52,89 30,100 7,89 7,67 28,48 48,29 49,11",
        "30,46 12,34 11,12 30,0 48,12 47,33 30,46 / 30,46 8,60 4,84 28,100 53,85 51,60 30,46",
        "30,2 11,15 17,38 40,56 52,78 37,98 14,97 5,77 20,54 42,34 47,13 32,2",
    ),
    9: (
        "50,10 30,0 7,12 3,34 20,50 40,42 52,20 52,12! 51,55 48,100",
        "48,10 27,1 6,15 6,40 26,50 45,36 51,12 52,40 44,76 26,98 6,97",
        "52,6 26,2 5,20 10,44 31,47 50,24 53,6! 44,50 30,100",
    ),
}
"""Points ``x,y`` in hundredths of the digit's height, y down. The pen runs smoothly through them,
turns sharply at a point with ``!``, and is lifted at ``/``."""


def trace(form: str) -> tuple[Path, ...]:
    """The lines that the pen draws, in a digit 1 high: Catmull-Rom splines from corner to corner."""
    return tuple(_stroke(stroke.split()) for stroke in form.split("/"))


def _stroke(places: list[str]) -> Path:
    points = np.array([place.rstrip("!").split(",") for place in places], np.float64) / 100
    inner = [index for index, place in enumerate(places) if place.endswith("!")]
    ends = [0, *inner, len(places) - 1]
    return np.concatenate([_spline(points[start : end + 1]) for start, end in pairwise(ends)])


def _spline(points: Path) -> Path:
    """A Catmull-Rom spline through all points, its ends mirrored."""
    first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    knots = np.concatenate([first[None], points, last[None]])
    t = np.linspace(0, 1, STEPS, endpoint=False)[:, None, None]
    a, b, c, d = knots[:-3], knots[1:-2], knots[2:-1], knots[3:]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    dense = curve.transpose(1, 0, 2).reshape(-1, 2)
    return np.concatenate([dense, points[-1:]])
