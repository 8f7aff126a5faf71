"""One hand that fills a leaf: rows of numbers, sums, labels, words, prose, tables, single large digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edge.geometry import union
from edge.records import Box, Image
from tools.compose.clutter import crossed_out, print_block, scribbled, sign, underline
from tools.compose.leaf import Ink, Leaf
from tools.compose.words import Faces
from tools.ink.alphabet import Alphabet
from tools.ink.page import Style, extent
from tools.ink.shapes import Shapes, bent

Theme = Literal["numbers", "notes", "sums", "form", "table", "large", "scattered", "prose"]

Row = Callable[[float, float, float], float]
"""Writes a row that begins at x, its middle at y, and ends before ``right``; gives where it ended."""

_LOOK_ALIKES = (0, 1, 1, 5, 2, 6, 9, 9)
"""Digits that stand for o, l, i, s, z, b, g and q within words."""

_BEND = 0.9
_FIRMEST = 0.045
_MOST = 110
"""Digits on a leaf at most."""


@dataclass(slots=True, eq=False)
class Writer:
    """A hand, its digits (of a kind: written, of one font, of one display) and its ink on a leaf.

    ``pen``: width in pixels of lines that are drawn beside the characters; ``unequal``: how much the sizes of
    the digits of a number differ (deviation of their logarithm).
    """

    rng: np.random.Generator
    leaf: Leaf
    alphabet: Alphabet
    faces: Faces
    digits: Shapes
    hand: Style
    ink: Ink
    pen: float
    unequal: float

    def fill(self, theme: Theme, *, digits: bool) -> None:
        """Writes the whole leaf; without ``digits`` what would be numbers are words."""
        if not digits:
            self._rows({self._prose: 3, self._letters: 3, self._print: 3, self._signs: 1, self._gap: 2})
        elif theme == "large":
            self._large()
        elif theme == "scattered":
            self._scattered()
        elif theme == "table":
            self._table()
        else:
            self._rows(self._mixture(theme))

    def _mixture(self, theme: Theme) -> dict[Row, float]:
        number, label, total, word = self._numbers, self._label, self._sum, self._letters
        prose, type_, cells, gap = self._prose, self._print, self._cells, self._gap
        mixtures: dict[str, dict[Row, float]] = {
            "numbers": {number: 8, cells: 1, gap: 2},
            "notes": {number: 3, label: 2, total: 1, word: 2, prose: 2, type_: 1, gap: 1},
            "sums": {total: 6, number: 1, gap: 1},
            "form": {label: 3, type_: 3, number: 2, word: 1, cells: 4, gap: 1},
            "prose": {prose: 4, word: 2, number: 1, gap: 1},
        }
        return mixtures[theme]

    def _rows(self, mixture: dict[Row, float]) -> None:
        width, height = self.leaf.size
        kinds, weights = list(mixture), np.array(list(mixture.values()), float)
        y = self.hand.size * self.rng.uniform(0.8, 1.6)
        spacing = self.rng.uniform(1.25, 2.4)
        while y < height - self.hand.size * 0.6 and len(self.leaf.digits) < _MOST:
            row = kinds[self.rng.choice(len(kinds), p=weights / weights.sum())]
            left = width * self.rng.uniform(0.02, 0.3)
            before = len(self.leaf.taken)
            self.leaf.lines += 1
            row(left, y, width * self.rng.uniform(0.5, 0.98))
            self._marks(before, numbers=row in {self._numbers, self._sum, self._label, self._cells})
            y += self.hand.size * spacing * self.rng.uniform(0.85, 1.2)

    def _marks(self, before: int, *, numbers: bool) -> None:
        boxes = [box for box in self.leaf.taken[before:] if box.w]
        if not boxes or self.rng.random() > 0.15:
            return
        row = union(*boxes)
        if not numbers and self.rng.random() < 0.5:
            crossed_out(self.rng, self.leaf, self.ink, row, self.pen)
        else:
            underline(self.rng, self.leaf, self.ink, row, self.pen)

    def _numbers(self, x: float, y: float, right: float) -> float:
        rng = self.rng
        while x < right:
            x = self._number(x, y, right, int(rng.choice([1, 2, 2, 3, 3, 4, 5, 6, 8])))
            x += self.hand.size * rng.uniform(0.5, 2.0)
            if rng.random() < 0.25:
                break
        return x

    def _label(self, x: float, y: float, right: float) -> float:
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            x = self._word(x, y, right)
        else:
            size = self.hand.size * rng.uniform(0.6, 1.0)
            box = Box(x, y - size / 2, self.hand.size * rng.uniform(1.5, 5), size * 1.05)
            before = len(self.leaf.taken)
            print_block(rng, self.leaf, self.ink, self.faces, box, size=size, script=kind < 0.7)
            x = max([box.x + box.w for box in self.leaf.taken[before:]], default=x)
        x = self._number(x + self.hand.size * rng.uniform(0.3, 1.0), y, right, int(rng.integers(1, 6)))
        if rng.random() < 0.3:
            x = self._word(x + self.hand.size * rng.uniform(0.2, 0.8), y, right)
        return x

    def _sum(self, x: float, y: float, right: float) -> float:
        rng = self.rng
        for _ in range(int(rng.integers(2, 6))):
            x = self._number(x, y, right, int(rng.choice([1, 1, 2, 2, 3])))
            x += self.hand.size * rng.uniform(0.15, 0.5)
            if x > right:
                break
            x += sign(rng, self.leaf, self.ink, (x, y), size=self.hand.size, pen=self.pen)
            x += self.hand.size * rng.uniform(0.15, 0.5)
        return x

    def _signs(self, x: float, y: float, right: float) -> float:
        while x < right:
            x += sign(self.rng, self.leaf, self.ink, (x, y), size=self.hand.size, pen=self.pen)
            x += self.hand.size * self.rng.uniform(0.3, 2)
            if self.rng.random() < 0.5:
                x = self._word(x, y, right)
        return x

    def _cells(self, x: float, y: float, right: float) -> float:
        """One digit in each of some printed squares or combs, as on forms; some stay empty."""
        rng = self.rng
        pitch = self.hand.size * rng.uniform(0.95, 1.7)
        low, high = y - pitch * rng.uniform(0.5, 0.65), y + pitch * rng.uniform(0.5, 0.65)
        comb, pen = rng.random() < 0.3, rng.uniform(0.7, 2.5)
        count = min(int(rng.integers(1, 10)), int((right - x) / pitch))
        for cell in range(count):
            left = x + cell * pitch
            if rng.random() < 0.85:
                middle = left + pitch * rng.uniform(0.42, 0.58)
                self._one(middle, y + rng.normal(0, 0.05) * pitch, self.hand.varied(rng))
            else:
                self.leaf.gap()
        top = y + pitch * 0.15 if comb else low
        for edge in range(count + 1):
            place = x + edge * pitch
            self.leaf.stroke(np.array([(place, top), (place, high)]), pen, self.ink)
        for level in (high,) if comb else (low, high):
            self.leaf.stroke(np.array([(x, level), (x + count * pitch, level)]), pen, self.ink)
        return x + count * pitch

    def _letters(self, x: float, y: float, right: float) -> float:
        while x < right:
            x = self._word(x, y, right) + self.hand.size * self.rng.uniform(0.4, 1.0)
        return x

    def _prose(self, x: float, y: float, right: float) -> float:
        rng = self.rng
        if rng.random() < 0.5:
            box = Box(x, y - self.hand.size / 2, right - x, self.hand.size * 1.05)
            print_block(rng, self.leaf, self.ink, self.faces, box, size=self.hand.size, script=True)
            return right
        while x < right:
            height = self.hand.size * rng.uniform(0.35, 0.6)
            box = scribbled(rng, self.leaf, self.ink, (x, y), height=height, pen=self.pen)
            x += max(box.w, self.hand.size) + self.hand.size * rng.uniform(0.2, 0.6)
        return x

    def _print(self, x: float, y: float, right: float) -> float:
        size = self.hand.size * self.rng.uniform(0.5, 1.0)
        box = Box(x, y - self.hand.size / 2, right - x, self.hand.size * 1.2)
        print_block(self.rng, self.leaf, self.ink, self.faces, box, size=size, script=False)
        return right

    def _gap(self, x: float, y: float, right: float) -> float:
        return x

    def _large(self) -> None:
        width, height = self.leaf.size
        size = height * self.rng.uniform(0.3, 0.6)
        self.hand = replace(self.hand, size=size, pen=self.hand.pen * size / self.hand.size)
        self.leaf.lines += 1
        self._number(width * 0.06, height * self.rng.uniform(0.4, 0.6), width, int(self.rng.integers(1, 6)))

    def _scattered(self) -> None:
        rng, (width, height) = self.rng, self.leaf.size
        for _ in range(int(rng.integers(4, 30))):
            size = self.hand.size * rng.uniform(0.6, 2.0)
            x, y = rng.uniform(0, 1, 2) * (width, height)
            if self.leaf.free(Box(x - size * 0.8, y - size * 0.8, size * 1.6, size * 1.6)):
                self.leaf.lines += 1
                self._one(x, y, replace(self.hand.varied(rng), size=size))

    def _table(self) -> None:
        rng, (width, height) = self.rng, self.leaf.size
        pitch = self.hand.size * rng.uniform(2.5, 5), self.hand.size * rng.uniform(1.35, 2.2)
        left, top = rng.uniform(0.02, 0.15, 2) * (width, height)
        columns = int((width * 0.96 - left) / pitch[0])
        rows = int((height * 0.96 - top) / pitch[1])
        ruled = rng.random() < 0.7
        for row in range(min(rows, 14)):
            y = top + row * pitch[1]
            self.leaf.lines += 1
            for column in range(min(columns, 8)):
                x = left + column * pitch[0]
                cell = x + self.hand.size * rng.uniform(0.15, 0.5), y + pitch[1] / 2
                if column == 0 and rng.random() < 0.4:
                    self._word(*cell, x + pitch[0])
                elif rng.random() < 0.85:
                    self._number(*cell, x + pitch[0] * 0.95, int(rng.integers(1, 4)))
        if ruled:
            pen = rng.uniform(0.7, 2.5)
            end = left + columns * pitch[0], top + rows * pitch[1]
            for row in range(rows + 1):
                y = top + row * pitch[1]
                self.leaf.stroke(np.array([(left, y), (end[0], y)]), pen, self.ink)
            for column in range(columns + 1):
                x = left + column * pitch[0]
                self.leaf.stroke(np.array([(x, top), (x, end[1])]), pen, self.ink)

    def _number(self, x: float, y: float, right: float, count: int) -> float:
        """A number from x on; gives where it ended."""
        rng = self.rng
        tight = rng.random() < (0.2 if not self.digits.filled else 0.03)
        gap = self.hand.size * (rng.uniform(-0.08, 0.04) if tight else rng.uniform(0.08, 0.35))
        drift = np.tan(np.deg2rad(self.hand.turn)) * 0.5
        start = x
        self.leaf.gap()
        for _ in range(count):
            hand = self.hand.varied(rng) if not self.digits.filled else self.hand
            hand = replace(hand, size=hand.size * float(np.exp(rng.normal(0, self.unequal))))
            index = int(rng.integers(len(self.digits.maps)))
            width, _ = extent(self.digits.maps[index], hand)
            if x + width > right:
                break
            jump = 0.0 if self.digits.filled else rng.normal(0, 0.05) * hand.size
            self._one(x + width / 2, y + (x - start) * drift + jump, hand, index)
            x += width + gap
        return x

    def _one(self, x: float, y: float, hand: Style, index: int | None = None) -> None:
        chosen = int(self.rng.integers(len(self.digits.maps))) if index is None else index
        shape = self._formed(self.digits, chosen)
        hand = hand if self.digits.filled else _firm(hand)
        self.leaf.digit(shape, int(self.digits.labels[chosen]), hand, (x, y), self.ink)

    def _word(self, x: float, y: float, right: float) -> float:
        """A word of letters, some of which may look like digits; gives where it ended."""
        rng = self.rng
        written = not self.digits.filled
        shapes = self.alphabet.letters if written or rng.random() < 0.3 else self.alphabet.type
        gap = self.hand.size * rng.uniform(-0.08, 0.16)
        count = int(rng.integers(2, 10))
        for place in range(count):
            low = place > 0 and rng.random() < 0.6
            share = rng.uniform(0.5, 0.75) if low else 0.95
            hand = replace(self.hand.varied(rng), size=self.hand.size * share)
            if not shapes.filled and written and count > 2 and rng.random() < 0.12:
                shape = self._look_alike()
            else:
                shape = self._formed(shapes, int(rng.integers(len(shapes.maps))))
            width, _ = extent(shape, hand)
            if x + width > right:
                break
            drop = self.hand.size * 0.15 if low else 0.0
            hand = hand if shapes.filled else _firm(hand)
            self.leaf.letter(shape, hand, (x + width / 2, y + drop), self.ink)
            x += width + gap
        return x

    def _look_alike(self) -> Image:
        wanted = _LOOK_ALIKES[self.rng.integers(len(_LOOK_ALIKES))]
        places = np.flatnonzero(self.alphabet.written.labels == wanted)
        return self._formed(self.alphabet.written, int(self.rng.choice(places)))

    def _formed(self, shapes: Shapes, index: int) -> Image:
        shape = shapes.maps[index]
        return bent(self.rng, shape, _BEND) if not shapes.filled and self.rng.random() < 0.7 else shape


def _firm(hand: Style) -> Style:
    """With a pen so wide that strokes do not come apart: one much thinner than a pixel of the map would."""
    return replace(hand, pen=max(hand.pen, _FIRMEST * hand.size))
