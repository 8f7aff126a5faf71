"""Digits that stand on a line make numbers: grouped, ordered, split at gaps. Pure; no tracker needed.

Digits near each other share one direction, found as scanners find the skew of a page: by the
projection profile (Postl 1986), turned until its rows stand out most sharply. Turned upright, digits that
overlap across the line are linked with the next one along it, nearest first, each at most once on
either side; a chain of links is a line, and may bend. A line is split where a gap is wide for the size
of its digits and for its other gaps; a decimal mark needs room, and what it takes is no gap.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from edge.geometry import centres, union
from edge.records import Box

Floats = NDArray[np.float64]

_NEAR = 6.0
"""Digits further apart than so many times their size have nothing to do with each other."""
_ANGLES = np.radians(np.arange(-45.0, 45.5, 1.0))
_NEIGHBOURS = 12
"""Nearest neighbours whose direction counts: those of the own row and of the rows beside it."""
_SHARPNESS = 0.2
"""How far beside the line, in sizes, a neighbour still counts for a direction: standard deviation."""
_UPRIGHT = math.radians(60)
"""How strongly upright sheets are expected: a direction is worth exp(-(angle / this)^2) as much."""
_OVERLAP = 0.3
"""The share of the smaller digit that must overlap with its neighbour across the line."""
_RATIO = 3.0
"""Neighbours in a line differ in size by at most this factor."""
_BESIDE = 3.0
"""How much further than along the line a step across it is felt."""
_USUAL_WIDTH = 0.6
"""The width of a digit, in sizes, where it cannot be told."""
_USUAL_GAP = 0.3
"""The gap, in sizes, that is expected within a number before the line has shown its own."""
_SLOPE, _OFFSET = 0.54, -0.89
"""From the logit of the product to that of the score. The expected calibration error of numbers is 0.04 on
other composed scenes (tools.evaluate digits-scenes; seed 12 of docs/models.md)."""
_SUREST = 1e-4
"""The product counts as no closer to 0 or 1."""
_MARK_ROOM = 0.8
"""What a mark takes of the gap it stands in, in sizes, at most: a digit's room in type of one width."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One digit as the grouping sees it. ``id`` is the caller's: a track, or an index. ``mark``: how probable
    it is that a decimal mark stands right after it, 0..1."""

    box: Box
    label: str
    score: float
    id: int
    mark: float = 0.0

    @property
    def marked(self) -> bool:
        """Whether a mark is rather there than not."""
        return self.mark > 0.5


@dataclass(frozen=True, slots=True)
class Number:
    """Digits in order, with a point where a decimal mark stands.

    ``score`` is the probability that the whole number is right; ``members`` are the digits' ids. It rests on
    the product of the digits' calibrated scores, and of how sure it is between them that there is a mark or
    none; of tracks that is settled over several looks and counts as certain. That product says nothing of a
    digit that was missed or of a number beside it that was joined, so it is made honest by two constants
    (Platt 1999), fitted on 902 numbers that were told of 160 composed validation scenes: a product of 0.99
    means that 83 of 100 are right.
    """

    text: str
    score: float
    box: Box
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Digits turned upright: centres along and across the lines, sizes, and widths along the line."""

    along: Floats
    across: Floats
    size: Floats
    width: Floats


def group(items: Sequence[Glyph]) -> list[Number]:
    """All numbers in reading order; a digit that stands alone is a number of one digit."""
    return [number for line in lines(items) for number in line]


def lines(items: Sequence[Glyph]) -> list[list[Number]]:
    """Lines from top to bottom, each the numbers on it from left to right, in the lines' own direction.

    Sheets may be tilted by up to 45 degrees, and each by its own angle if they lie apart.
    Every item is in exactly one number.
    """
    boxes = np.array([item.box for item in items], np.float64).reshape(-1, 4)
    found: list[list[Number]] = []
    for members in _clusters(boxes):
        layout = _upright(boxes[members])
        for chain in _chains(layout):
            marked = np.array([items[members[i]].marked for i in chain])
            glyphs = [[items[members[i]] for i in number] for number in _split(chain, layout, marked)]
            found.append([_number(number) for number in glyphs])
    return found


def direction(boxes: Floats) -> float:
    """The direction of the lines that (N, 4) boxes stand on, in radians; positive: falling to the right.

    0 where nothing tells one.
    """
    if len(boxes) < 2:
        return 0.0
    middles, size = centres(boxes), _sizes(boxes)
    steps = middles[None] - middles[:, None]
    distance = np.hypot(steps[..., 0], steps[..., 1])
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, : min(_NEIGHBOURS, len(boxes) - 1)]
    rows = np.arange(len(boxes))[:, None]
    steps, distance = steps[rows, nearest].reshape(-1, 2), distance[rows, nearest].ravel()
    mean = ((size[:, None] + size[nearest]) / 2).ravel()
    beside = np.outer(np.cos(_ANGLES), steps[:, 1]) - np.outer(np.sin(_ANGLES), steps[:, 0])
    on_line = np.exp(-0.5 * (beside / (_SHARPNESS * mean)) ** 2)
    sharpness = on_line @ (mean / np.maximum(distance, 0.1 * mean))
    return float(_ANGLES[int(np.argmax(sharpness * np.exp(-((_ANGLES / _UPRIGHT) ** 2))))])


def _clusters(boxes: Floats) -> Iterable[list[int]]:
    """Indices of digits that are near each other, directly or through others; the upper clusters first."""
    middles, size = centres(boxes), _sizes(boxes)
    distance = np.linalg.norm(middles[None] - middles[:, None], axis=2)
    near = distance <= _NEAR * (size[None] + size[:, None]) / 2
    free = np.ones(len(boxes), bool)
    clusters: list[list[int]] = []
    for start in range(len(boxes)):
        members, border = [], [start] if free[start] else []
        free[start] = False
        while border:
            index = border.pop()
            members.append(index)
            reached = np.nonzero(near[index] & free)[0]
            free[reached] = False
            border += reached.tolist()
        if members:
            clusters.append(sorted(members))
    return sorted(clusters, key=lambda members: (boxes[members, 1].min(), boxes[members, 0].min()))


def _upright(boxes: Floats) -> _Layout:
    angle = direction(boxes)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = centres(boxes).T
    size = _sizes(boxes)
    # The upright box of a tilted w x h digit is (w cos + h sin) x (w sin + h cos): solved for w, which
    # tells less and less beyond 30 degrees and nothing at 45; there a digit is taken for a usual one.
    told = cos**2 - sin**2
    solved = (boxes[:, 2] * cos - boxes[:, 3] * abs(sin)) / max(told, 0.1)
    trust = min(told / 0.5, 1.0)
    width = trust * np.clip(solved, 0.2 * size, size) + (1 - trust) * _USUAL_WIDTH * size
    return _Layout(x * cos + y * sin, y * cos - x * sin, size, width)


def _chains(layout: _Layout) -> list[list[int]]:
    """The lines, top to bottom, as indices from left to right."""
    size = layout.size
    forward = layout.along[None] - layout.along[:, None]
    beside = np.abs(layout.across[None] - layout.across[:, None])
    smaller, larger = np.minimum(size[None], size[:, None]), np.maximum(size[None], size[:, None])
    mean = (smaller + larger) / 2
    possible = (forward > 0) & (forward <= _NEAR * mean) & (beside <= mean - _OVERLAP * smaller)
    possible &= larger <= _RATIO * smaller
    cost = forward + _BESIDE * beside
    lefts, rights = np.nonzero(possible)
    after: dict[int, int] = {}
    linked: set[int] = set()
    for edge in np.argsort(cost[lefts, rights], kind="stable"):
        left, right = int(lefts[edge]), int(rights[edge])
        if left not in after and right not in linked:
            after[left] = right
            linked.add(right)
    chains = [_follow(first, after) for first in range(len(size)) if first not in linked]
    return sorted(
        chains, key=lambda chain: (float(layout.across[chain].mean()), float(layout.along[chain[0]]))
    )


def _follow(first: int, after: dict[int, int]) -> list[int]:
    chain = [first]
    while chain[-1] in after:
        chain.append(after[chain[-1]])
    return chain


def _split(chain: Sequence[int], layout: _Layout, marked: NDArray[np.bool_]) -> list[list[int]]:
    """A line's numbers. The wider its usual gap, the wider the gap that splits it. ``marked`` (N,): after
    which of ``chain`` a mark stands."""
    if len(chain) < 2:
        return [list(chain)]
    size = float(np.median(layout.size[chain]))
    half = layout.width[chain] / 2
    gaps = (np.diff(layout.along[chain]) - half[:-1] - half[1:]) / size
    gaps -= np.where(marked[:-1], np.clip(gaps, 0.0, _MARK_ROOM), 0.0)
    told = gaps[~marked[:-1]].tolist()
    usual = max((median_low(told or [0.0]) * len(told) + _USUAL_GAP) / (len(told) + 1), 0.0)
    limit = max(1.5 * usual, usual + 0.6)
    numbers = [[chain[0]]]
    for index, gap in zip(chain[1:], gaps, strict=True):
        if gap > limit:
            numbers.append([])
        numbers[-1].append(index)
    return numbers


def honest(product: float) -> float:
    """The probability, 0..1, that a whole number is right, by the ``product`` of what its parts say."""
    within = min(max(product, _SUREST), 1 - _SUREST)
    return 1 / (1 + math.exp(-_SLOPE * math.log(within / (1 - within)) - _OFFSET))


def _number(glyphs: Sequence[Glyph]) -> Number:
    # What stands after the last digit is no part of the number.
    between = glyphs[:-1]
    return Number(
        text="".join(glyph.label + "." * glyph.marked for glyph in between) + glyphs[-1].label,
        score=honest(
            math.prod(glyph.score for glyph in glyphs)
            * math.prod(max(glyph.mark, 1.0 - glyph.mark) for glyph in between)
        ),
        box=union(*(glyph.box for glyph in glyphs)),
        members=tuple(glyph.id for glyph in glyphs),
    )


def _sizes(boxes: Floats) -> Floats:
    """The longer sides, at least a pixel."""
    return np.asarray(np.maximum(boxes[:, 2:].max(axis=1), 1.0), np.float64)
