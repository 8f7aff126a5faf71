"""Digits that stand next to each other on a line that is tilted by up to 42 degrees, and the strip of picture
around two of them, turned level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.geometry import centres
from edge.recognize.digits.classify import Readings
from edge.records import Image

Floats = NDArray[np.float64]

FARTHEST = 2.4
"""From middle to middle of two digits of one number, over their longer sides."""

STEEPEST = math.radians(42)
"""Lines are looked along up to this angle; at 45 degrees left and below are alike."""

ASIDE = 1.5
"""How much farther a step feels that goes straight up or down, in proportion: lines are mostly level."""

ALIKE = 0.6
"""Smaller over larger of the longer sides of two digits of one number."""

BEND = math.radians(12)
"""Two digits follow the direction of those before and after them, unless it is farther off than this."""

TOLD = 0.15
"""cos(2 * angle) below which a tilted box does not tell the sides of its digit."""

ROWS = 40
"""Height in pixels that digits have in a level strip."""

ABOVE, BELOW, BESIDE = 0.8, 1.1, 0.75
"""How far a strip reaches from the digits' middles, over their height."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two readings, by index, that stand next to each other on a line with direction ``angle`` in radians,
    positive: falling to the right. ``height``: of their digits, in pixels of the plane. ``gap``: about how
    much room is between them, over that height, less certain the steeper the line."""

    left: int
    right: int
    angle: float
    height: float
    gap: float


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """The surroundings of a pair, turned level: ``image`` (H, W) uint8, in which digits are ``ROWS`` high.
    Their middles are at ``left`` and ``right`` across and about ``middle`` down. ``turn`` (2, 3) leads from
    x, y, 1 of the strip to x, y of the plane."""

    image: Image
    left: float
    right: float
    middle: float
    turn: Floats


def neighbours(readings: Readings) -> list[Pair]:
    """Each reading with the next one on its line, nearest first, each at most once on either side."""
    boxes = readings.boxes.astype(np.float64)
    middles, size = centres(boxes), boxes[:, 2:].max(axis=1)
    steps = middles[None] - middles[:, None]
    distance = np.hypot(steps[..., 0], steps[..., 1])
    angle = np.arctan2(steps[..., 1], steps[..., 0])
    smaller, larger = np.minimum(size[:, None], size), np.maximum(size[:, None], size)
    possible = (np.abs(angle) <= STEEPEST) & (distance <= FARTHEST * (smaller + larger) / 2)
    possible &= (distance > 0) & (smaller >= ALIKE * larger) & (readings.dark[:, None] == readings.dark)
    cost = distance * (1 + ASIDE * np.abs(np.sin(angle)))
    lefts, rights = np.nonzero(possible)
    after: dict[int, int] = {}
    before: dict[int, int] = {}
    for edge in np.argsort(cost[lefts, rights], kind="stable"):
        left, right = int(lefts[edge]), int(rights[edge])
        if left not in after and right not in before:
            after[left], before[right] = right, left
    pairs = []
    for left, right in after.items():
        own = float(angle[left, right])
        run = middles[after.get(right, right)] - middles[before.get(left, left)]
        line = math.atan2(run[1], run[0])
        chosen = line if abs(line - own) <= BEND else own
        width, height = _sides(boxes[[left, right]], chosen)
        gap = (float(distance[left, right]) * math.cos(own - chosen) - width) / height
        pairs.append(Pair(left, right, chosen, height, gap))
    return pairs


def strip(plane: Image, readings: Readings, pair: Pair) -> Strip:
    """The surroundings of ``pair`` in ``plane`` (H, W) uint8; beyond its border the border is repeated."""
    first, last = centres(readings.boxes[[pair.left, pair.right]].astype(np.float64))
    cos, sin = math.cos(pair.angle), math.sin(pair.angle)
    scale = ROWS / pair.height
    length = (last - first) @ (cos, sin)
    width, height = round(length * scale + 2 * BESIDE * ROWS), round((ABOVE + BELOW) * ROWS)
    # The middles may lie aside of their line: the strip is laid half way between.
    middle = (first + last) / 2
    axes = np.array([[cos, -sin], [sin, cos]]) / scale
    corner = middle - axes @ (width / 2, ABOVE * ROWS)
    turn = np.column_stack([axes, corner])
    ends = turn @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
    low = np.maximum(np.floor(ends.min(axis=1)).astype(int) - 2, 0)
    high = np.ceil(ends.max(axis=1)).astype(int) + 3
    part = plane[low[1] : high[1], low[0] : high[0]]
    # Turning reads four pixels for one: what becomes much smaller is shrunk first.
    shrink = min(1.5 * scale, 1.0)
    size = (max(round(part.shape[1] * shrink), 1), max(round(part.shape[0] * shrink), 1))
    small = part if shrink == 1.0 else cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    read = (turn - np.column_stack([np.zeros((2, 2)), low])) * np.array(
        [[small.shape[1] / part.shape[1]], [small.shape[0] / part.shape[0]]]
    )
    image = cv2.warpAffine(
        small,
        read,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    left = width / 2 - length * scale / 2
    return Strip(np.asarray(image, np.uint8), left, left + length * scale, ABOVE * ROWS, turn)


def _sides(boxes: Floats, angle: float) -> tuple[float, float]:
    """Width and height, the means of digits with upright ``boxes`` (N, 4) on a line of direction ``angle``.

    The upright box of a tilted w x h digit is (w cos + h sin) x (w sin + h cos), solved for w and h.
    """
    cos, sin = math.cos(angle), abs(math.sin(angle))
    told = max(cos**2 - sin**2, TOLD)
    w, h = boxes[:, 2], boxes[:, 3]
    longer = np.maximum(np.maximum(w, h), 1.0)
    width = np.clip((w * cos - h * sin) / told, 0.0, longer)
    height = np.clip((h * cos - w * sin) / told, ALIKE * longer, longer)
    return float(width.mean()), float(height.mean())
