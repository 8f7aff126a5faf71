"""Decimal marks: a dot or comma on the line between two digits, small and free-standing as type has them.

They are looked for along the line, tilted by up to 42 degrees. How probable one is follows from how far it
lies inside the borders of what type prints; each border is a ramp, and the ramps multiply.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.classify import Readings
from edge.recognize.digits.pairs import ROWS, Pair, Strip, neighbours, strip
from edge.records import Image

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COMMALIKE = "019"
"""Digits for which a mark is mistaken."""

COMMA = 0.55
"""Most of such a false digit's longer side, over the height of the digits beside it."""

SMALLEST = 14.0
"""Height in pixels of a digit below which its mark is no more than noise."""

STROKE = np.ones((17, 17), np.uint8)
"""Strokes of a level strip thinner than this answer: dots and commas do, and every pen."""

INK = 0.5
"""Ink counts from this share of the digits' own response."""

FAINTEST = 12.0
"""Least response of digits beside a mark, in grey levels."""

TALL = 0.5
"""Least height of a digit's main part, over that of the digit."""

CORE = 0.2
"""How far beside its middle a digit surely has ink, over its height."""

GAP = (0.12, 1.15)
"""Space between two digits of one number with a mark between them, over their height; the most is that of
type in which all characters are of one width."""

CROWDED = -0.2
"""The same as the digits' boxes tell it, below which nobody looks."""

LEVEL = 0.65
"""Smaller over larger height of the digits on both sides."""

LEAST = 3
"""Pixels of a mark at least, before the strip was scaled."""

SLENDER = 3.2
"""Most of a mark's longer over its shorter side: what is longer is a stroke."""

UNDER = 0.3
"""How far a mark may lie under the left digit, as under the arm of a 7, over their height."""

# Ramps: where the probability begins to rise from 0 and where it is 1, or the other way round. Over the
# digits' height where nothing else is said; y is from the line down, so above it is negative.

SIZE = (0.055, 0.1)
"""Root of width times height: less is a speck."""

WIDTH, HEIGHT = (0.38, 0.28), (0.56, 0.44)
"""A comma hangs, so it is higher than wide."""

TOP_LOW, TOP_HIGH = (0.12, 0.02), (-0.36, -0.27)
"""Where a mark begins: higher up is an apostrophe or hyphen, lower down is of the next line."""

BOTTOM_HIGH, BOTTOM_LOW = (-0.16, -0.07), (0.5, 0.38)
"""Where it ends."""

STRONG = (0.5, 0.85)
"""Response of the mark over that of the digits."""

FREE = (0.8, 0.5)
"""Space between the mark and the digit on either side: a wider one is between two numbers."""

CLEAR = (-0.04, 0.03)
"""Space right of it at least: what lies under the right digit is its own, as the dot of an exclamation."""

ASTRAY = (0.4, 0.2)
"""How much more space is right of the mark than left of it. More is a space, and the mark ends a
number."""

OTHER = (0.8, 0.1)
"""Other ink between the two digits, over the mark's own: more of it is a colon, a word, or noise."""


class _Found(NamedTuple):
    """How probable a mark is, and where (x, y), in pixels of the plane."""

    probability: float
    place: Floats


def marked(
    readings: Readings, planes: Mapping[bool, Image], digits: Sequence[str]
) -> tuple[Readings, NDArray[np.float32]]:
    """The readings less those that are a comma, and of each (N,) how probable it is, 0..1, that a decimal
    mark stands right after it, before the next one on its line.

    ``planes`` (H, W) uint8: where ink is looked for, for dark ink (True) and light. ``digits``: by class.
    """
    probable = np.zeros(len(readings), np.float32)
    stands = np.ones(len(readings), np.bool_)
    if len(readings) > 1:
        for pair in neighbours(readings):
            if pair.gap < CROWDED or pair.height < SMALLEST:
                continue
            dark = bool(readings.dark[pair.left])
            found = _look(strip(planes[dark], readings, pair), pair, dark_ink=dark)
            if found is not None:
                probable[pair.left] = found.probability
                if found.probability > 0.5:
                    stands &= ~_commas(readings, pair, found.place, digits)
    return readings.take(stands), probable[stands]


def _commas(readings: Readings, pair: Pair, place: Floats, digits: Sequence[str]) -> Bools:
    """(N,): which readings are no digit but the mark at ``place`` (2,) between those of ``pair``."""
    boxes = readings.boxes
    here = ((boxes[:, :2] <= place) & (place <= boxes[:, :2] + boxes[:, 2:])).all(axis=1)
    like = np.array([digit in COMMALIKE for digit in digits])[readings.classes]
    return np.asarray(here & like & (boxes[:, 2:].max(axis=1) < COMMA * pair.height))


def _look(around: Strip, pair: Pair, *, dark_ink: bool) -> _Found | None:
    """The mark between the two digits of a pair, None where nothing is like one."""
    kind = cv2.MORPH_BLACKHAT if dark_ink else cv2.MORPH_TOPHAT
    response = np.asarray(cv2.morphologyEx(around.image, kind, STROKE), np.uint8)
    strength = _strength(response, around)
    if strength < FAINTEST:
        return None
    mask = np.asarray(response > INK * strength, np.uint8)
    _, parts, stats, middles = cv2.connectedComponentsWithStats(mask, connectivity=8)
    labels = np.asarray(parts, np.int32)
    x, y, w, h, area = stats.T.astype(np.float64)
    left, right = (_digit(labels, h, around, place) for place in (around.left, around.right))
    if not left.any() or not right.any() or (left & right).any():
        return None
    ends, begins = (x + w)[left].max(), x[right].min()
    bottoms = np.array([(y + h)[left].max(), (y + h)[right].max()])
    heights = bottoms - (y[left].min(), y[right].min())
    line, height = bottoms.mean(), heights.mean()
    if not GAP[0] <= (begins - ends) / height <= GAP[1] or heights.min() < LEVEL * heights.max():
        return None
    between = (x > around.left) & (x + w > ends - UNDER * height) & (x < begins)
    between &= (middles[:, 0] < around.right) & (y < line + 0.5 * height) & (y + h > line - 1.1 * height)
    between &= ~left & ~right
    between[0] = False
    if not between.any():
        return None
    probable = between * _shaped(w / height, h / height, (y - line) / height)
    before, after = (x - ends) / height, (begins - x - w) / height
    probable *= _ramp(before, FREE) * _ramp(after, FREE) * _ramp(after, CLEAR) * _ramp(after - before, ASTRAY)
    # What the strip cuts off may go on: the top of a digit of the next line.
    probable *= (area >= LEAST * (ROWS / pair.height) ** 2) & (y + h < len(mask))
    best = int(probable.argmax())
    if probable[best] == 0:
        return None
    # Half of its pixels are at the border, where a small one is pale: its better half counts.
    contrast = float(np.percentile(response[labels == best], 75)) / strength
    others = (area[between].sum() - area[best]) / area[best]
    sure = float(probable[best] * _ramp(contrast, STRONG) * _ramp(others, OTHER))
    return _Found(sure, around.turn @ (*middles[best], 1.0)) if sure > 0 else None


def _strength(response: Image, around: Strip) -> float:
    """How strongly the strokes of both digits answer; 0 where there is next to no ink."""
    rows = slice(round(around.middle - ROWS / 2), round(around.middle + ROWS / 2))
    reach = 0.25 * ROWS
    places = [
        slice(max(round(place - reach), 0), round(place + reach)) for place in (around.left, around.right)
    ]
    inside = np.concatenate([response[rows, columns].ravel() for columns in places])
    inked = inside[inside > 4]
    if inked.size < ROWS / 2:
        return 0.0
    rank = inked.size * 3 // 4
    return float(np.partition(inked, rank)[rank])


def _digit(labels: NDArray[np.int32], heights: Floats, around: Strip, place: float) -> Bools:
    """Which components are the main parts of the digit whose middle is at ``place``."""
    rows = slice(round(around.middle - ROWS / 2), round(around.middle + ROWS / 2))
    columns = slice(max(round(place - CORE * ROWS), 0), round(place + CORE * ROWS))
    here = np.zeros(len(heights), np.bool_)
    here[labels[rows, columns]] = True
    here[0] = False
    return np.asarray(here & (heights >= TALL * ROWS))


def _shaped(width: Floats, height: Floats, top: Floats) -> Floats:
    """How probable components are marks by their sides and by how far below the line they begin."""
    bottom = top + height
    probable = _ramp(np.sqrt(width * height), SIZE) * _ramp(width, WIDTH) * _ramp(height, HEIGHT)
    probable *= _ramp(top, TOP_LOW) * _ramp(top, TOP_HIGH)
    probable *= _ramp(bottom, BOTTOM_LOW) * _ramp(bottom, BOTTOM_HIGH)
    return np.asarray(probable * (np.maximum(width, height) <= SLENDER * np.minimum(width, height)))


def _ramp(value: Floats | float, ends: tuple[float, float]) -> Floats:
    """0 at the first end and beyond, 1 at the second and beyond."""
    return np.asarray(np.clip((value - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0))
