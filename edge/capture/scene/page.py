"""Pages: which numbers stand on a sheet of paper, in whose hand, and when they change.

A page lasts ``PERIOD`` seconds. Three of its five rows stay; one is erased and written anew; one
is a counter that counts up. Lengths are in units of the page: a pixel of a 640x480 picture, about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from edge.capture.scene.hand import PENCIL, Glyph, Hand, Pen, some_hand, write

WIDTH, HEIGHT = 580, 490
PITCH = 90
"""From one base line to the next."""
FIRST = 84
"""The first base line, from the top."""
MARGIN = 34

PERIOD = 20.0
REWRITTEN = 6.6
"""When the third row is erased and written anew, in seconds of the page."""
COUNTED = (2.6, 4.3, 11.6, 13.3, 16.5)
"""When the counter goes up."""
ERASE, WRITE, LIFT = 0.12, 0.26, 0.06
"""Seconds to erase a digit, to write one, and between two."""

STAYING, CHANGING, COUNTING = (0, 1, 3), 2, 4


@dataclass(frozen=True, slots=True)
class Mark:
    """One writing of one digit: pen down, done, erased from, gone (seconds of the page)."""

    id: int
    number: int
    glyph: Glyph
    begun: float = -inf
    done: float = -inf
    erased: float = inf
    gone: float = inf

    def drawn(self, t: float) -> float:
        """How much of its lines the pen has drawn, 0..1."""
        if t >= self.done:
            return 1.0
        return max((t - self.begun) / (self.done - self.begun), 0.0)

    def left(self, t: float) -> float:
        """How much of its ink the eraser has left, 0..1."""
        if t < self.erased:
            return 1.0
        return max((self.gone - t) / (self.gone - self.erased), 0.0)

    def whole(self, t: float) -> bool:
        """All there: written and not being erased."""
        return self.done <= t < self.erased


@dataclass(frozen=True, slots=True)
class Row:
    """A line of writing: all that ever stands on it, and its pen. ``base`` is where the digits stand."""

    base: float
    pen: Pen
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet with its rows, from the top."""

    number: int
    rows: tuple[Row, ...]


def some_page(seed: int, number: int) -> Page:
    """The page of this number; the same for the same seed, always."""
    random = np.random.default_rng((seed, number))
    return _Author(number, random).page()


class _Author:
    """Fills a page, counting marks and numbers as it goes."""

    def __init__(self, page: int, random: np.random.Generator) -> None:
        self._random = random
        self._page = page
        self._marks = page * 1000
        self._numbers = page * 100
        self._digits = self._bag()

    def page(self) -> Page:
        rows = []
        for index in range(5):
            if index == CHANGING:
                rows.append(self._changing(_base(index)))
            elif index == COUNTING:
                rows.append(self._counting(_base(index)))
            else:
                rows.append(self._staying(_base(index)))
        return Page(self._page, tuple(rows))

    def _bag(self) -> Iterator[int]:
        """Digits by chance, but every ten of them are all ten."""
        while True:
            yield from (int(digit) for digit in self._random.permutation(10))

    def _text(self, lengths: tuple[int, ...]) -> tuple[str, ...]:
        return tuple("".join(str(next(self._digits)) for _ in range(length)) for length in lengths)

    def _staying(self, base: float) -> Row:
        lengths = ((2, 3), (3, 2), (4,), (3, 3), (2, 4), (5,))[self._random.integers(6)]
        hand = some_hand(self._random)
        return Row(base, hand.pen, self._line(hand, base, self._text(lengths)))

    def _changing(self, base: float) -> Row:
        hand = some_hand(self._random, PENCIL)
        length = int(self._random.integers(3, 5))
        marks = self._line(hand, base, self._text((length, 2)))
        start = REWRITTEN
        erased = []
        for mark in marks:
            erased.append(replace(mark, erased=start, gone=start + ERASE))
            start += ERASE
        marks = self._line(hand, base, self._text((2, length)))
        written = []
        for mark in marks:
            start += LIFT
            written.append(replace(mark, begun=start, done=start + WRITE))
            start += WRITE
        return Row(base, hand.pen, (*erased, *written))

    def _counting(self, base: float) -> Row:
        """A number of three digits that goes up by one and carries at least once."""
        hand = some_hand(self._random, PENCIL)
        value = int(self._random.integers(10, 98)) * 10 + int(self._random.integers(6, 9))
        pitch = hand.height * (0.7 * hand.breadth + max(hand.slant, 0) + hand.gap)
        left = MARGIN + self._random.uniform(0, 250)
        places = [left + place * pitch for place in range(3)]
        self._numbers += 1
        current = [
            self._mark(hand, value // 10 ** (2 - place) % 10, x, base) for place, x in enumerate(places)
        ]
        past: list[Mark] = []
        for start in COUNTED:
            value += 1
            moment = start
            for place, digit in enumerate(map(int, str(value))):
                if digit == current[place].glyph.digit:
                    continue
                past.append(replace(current[place], erased=moment, gone=moment + ERASE))
                begun = moment + ERASE + LIFT
                fresh = self._mark(hand, digit, places[place], base)
                current[place] = replace(fresh, begun=begun, done=begun + WRITE)
                moment = begun + WRITE + LIFT
        return Row(base, hand.pen, (*past, *current))

    def _line(self, hand: Hand, base: float, numbers: tuple[str, ...]) -> tuple[Mark, ...]:
        """Numbers beside each other, somewhere on the line; who runs out of paper writes smaller."""
        while True:
            marks, right = self._attempt(hand, base, numbers)
            spare = WIDTH - MARGIN - right
            if spare > 0:
                shift = spare * self._random.uniform(0.02, 0.8)
                return tuple(replace(mark, glyph=mark.glyph.moved(shift)) for mark in marks)
            hand = replace(hand, height=hand.height * 0.92)

    def _attempt(self, hand: Hand, base: float, numbers: tuple[str, ...]) -> tuple[list[Mark], float]:
        """The numbers from the margin on, and where they end."""
        marks: list[Mark] = []
        left = right = float(MARGIN)
        for text in numbers:
            self._numbers += 1
            for digit in text:
                mark = self._mark(hand, int(digit), left, base + hand.climb * (left - WIDTH / 2))
                right = float(mark.glyph.outline[:, 0].max())
                left = right + hand.gap * hand.height * self._random.uniform(0.85, 1.25)
                marks.append(mark)
            left += hand.height * self._random.uniform(0.8, 2.4)
        return marks, right

    def _mark(self, hand: Hand, digit: int, left: float, base: float) -> Mark:
        self._marks += 1
        return Mark(self._marks, self._numbers, write(hand, digit, left, base, self._random))


def _base(row: int) -> float:
    return FIRST + row * PITCH
