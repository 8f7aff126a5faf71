"""Grouping of digits: photographs with known boxes, and pages drawn at any angle."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.records import Box
from edge.track.numbers import Glyph, group, honest, lines

Page = tuple[list[list[str]], list[Glyph]]
"""The numbers of each line, and their digits."""


def turned(x: float, y: float, w: float, h: float, angle: float) -> Box:
    """The upright box of a round w x h blob at a place, all turned about the origin."""
    cos, sin = math.cos(angle), math.sin(angle)
    width, height = math.hypot(w * cos, h * sin), math.hypot(w * sin, h * cos)
    return Box(x * cos - y * sin - width / 2, x * sin + y * cos - height / 2, width, height)


def draw(
    rows: list[list[str]], angle: float, chance: random.Random, *, uneven: float, height: float = 40
) -> Page:
    """Numbers as a hand writes them: uneven, unsteady, gaps of 0.1 to 0.5 and of 1.3 to 3 heights."""
    glyphs = []
    for row, numbers in enumerate(rows):
        x = 0.0
        for number in numbers:
            for label in number:
                h = height * math.exp(chance.uniform(-uneven, uneven))
                w = h * (0.2 if label == "1" else 0.6)
                y = row * 2 * height + chance.uniform(-0.1, 0.1) * height
                glyphs.append((x + w / 2, y, w, h, label))
                x += w + chance.uniform(0.1, 0.5) * height
            x += chance.uniform(1.3, 3) * height
    chance.shuffle(glyphs)
    return rows, [
        Glyph(turned(x, y, w, h, angle), label, 0.9, i) for i, (x, y, w, h, label) in enumerate(glyphs)
    ]


def texts(items: list[Glyph]) -> list[list[str]]:
    return [[number.text for number in line] for line in lines(items)]


NUMBER = st.text("0123456789", min_size=2, max_size=5)
ROW = st.lists(NUMBER, min_size=1, max_size=3).filter(lambda row: sum(map(len, row)) >= 3)


@given(st.lists(ROW, min_size=1, max_size=5), st.floats(-40, 40), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_tilted_page_is_read_in_order(rows: list[list[str]], degrees: float, seed: int) -> None:
    """Digits of one line differ in height by up to a factor of 1.5."""
    expected, items = draw(rows, math.radians(degrees), random.Random(seed), uneven=0.2)
    assert texts(items) == expected


def test_most_lines_hold_with_digits_twice_as_high_as_others() -> None:
    right = total = 0
    for seed in range(60):
        chance = random.Random(seed)
        rows = [["".join(chance.choices("0123456789", k=chance.randint(3, 6)))] for _ in range(4)]
        expected, items = draw(rows, math.radians(chance.uniform(-40, 40)), chance, uneven=math.log(2) / 2)
        found = texts(items)
        right += sum(line in found for line in expected)
        total += len(expected)
    assert right / total >= 0.97


def test_lines_of_photographs(shared: Path) -> None:
    """True boxes of all photographs: 46 of 47 lines; the lost one has a 0 a quarter as high as others."""
    labels = json.loads((shared / "data/digits/scenes/dev/labels.json").read_text())
    for degrees in (0, -40, -25, -15, 15, 25, 40):
        right = total = 0
        for picture in labels.values():
            items = []
            for i, digit in enumerate(picture["digits"]):
                x, y, w, h = digit["box"]
                box = turned(x + w / 2, y + h / 2, w, h, math.radians(degrees))
                items.append(Glyph(box, str(digit["digit"]), 0.99, i))
            found = ["".join(number.text for number in line) for line in lines(items)]
            for line in picture["lines"]:
                total += 1
                if line in found:
                    found.remove(line)
                    right += 1
        assert total == 47
        assert right >= (46 if degrees == 0 else 45), f"at {degrees} degrees"


def test_two_sheets_with_a_tilt_each() -> None:
    chance = random.Random(3)
    _, left = draw([["123", "45"], ["678", "901"]], math.radians(30), chance, uneven=0.1)
    _, right = draw([["2468"], ["1357"]], math.radians(-25), chance, uneven=0.1)
    moved = [Glyph(g.box._replace(x=g.box.x + 1500), g.label, g.score, g.id + 100) for g in right]
    found = texts(left + moved)
    assert sorted(found) == [["123", "45"], ["1357"], ["2468"], ["678", "901"]]


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([0.2], ["01"]),
        ([1.0], ["01"]),
        ([2.0], ["0", "1"]),
        ([0.2, 1.0, 0.2], ["01", "23"]),
        ([1.0, 0.2], ["0", "12"]),
        ([1.5, 1.4, 1.6, 1.5], ["01234"]),
        ([1.0, 1.1, 3.0, 1.0], ["012", "34"]),
    ],
)
def test_a_gap_splits_by_size_and_by_the_other_gaps(gaps: list[float], expected: list[str]) -> None:
    """Gaps in heights of the digits: a line that is widely spaced throughout stays one number."""
    x, items = 0.0, []
    for i, gap in enumerate([*gaps, 0]):
        items.append(Glyph(Box(x, 0, 30, 50), str(i), 0.9, i))
        x += 30 + gap * 50
    assert [number.text for number in group(items)] == expected


def test_a_number_knows_its_digits_its_box_and_its_chance() -> None:
    items = [
        Glyph(Box(100, 50, 30, 50), "7", 0.9, 11),
        Glyph(Box(20, 45, 30, 55), "1", 0.8, 12),
        Glyph(Box(60, 50, 30, 50), "4", 0.5, 13),
    ]
    (number,) = group(items)
    assert number.text == "147"
    assert number.members == (12, 13, 11)
    assert number.box == Box(20, 45, 110, 55)
    assert number.score == pytest.approx(honest(0.9 * 0.8 * 0.5))


def test_nothing_makes_no_numbers_and_one_digit_makes_one() -> None:
    assert group([]) == []
    assert [number.text for number in group([Glyph(Box(5, 5, 10, 20), "3", 0.9, 0)])] == ["3"]


@given(
    st.lists(
        st.builds(Box, st.floats(-50, 700), st.floats(-50, 500), st.floats(0.5, 400), st.floats(0.5, 400)),
        max_size=25,
    )
)
@settings(max_examples=60, deadline=None)
def test_every_digit_is_in_exactly_one_number(boxes: list[Box]) -> None:
    """Wherever boxes lie: overlapping, nested, equal, outside of the picture."""
    numbers = group([Glyph(box, "1", 0.9, i) for i, box in enumerate(boxes)])
    assert sorted(i for number in numbers for i in number.members) == list(range(len(boxes)))


def test_decimal_marks_stand_in_the_text_but_not_at_its_end() -> None:
    boxes = [Box(40.0 * place, 0, 28, 50) for place in range(5)]
    marks = (False, True, False, False, True)
    glyphs = [
        Glyph(box, str(index), 0.9, index, mark)
        for index, (box, mark) in enumerate(zip(boxes, marks, strict=True))
    ]
    (number,) = group(glyphs)
    assert number.text == "01.234"
    assert number.members == (0, 1, 2, 3, 4)


def spaced(gaps: list[float], marks: list[float]) -> list[Glyph]:
    """Digits of 30 x 50 from 0 up, with gaps in heights; ``marks``: how probable one is after each."""
    x, items = 0.0, []
    for i, (gap, mark) in enumerate(zip([*gaps, 0], [*marks, 0], strict=True)):
        items.append(Glyph(Box(x, 0, 30, 50), str(i), 0.9, i, mark))
        x += 30 + gap * 50
    return items


@pytest.mark.parametrize(
    ("gaps", "place", "expected"),
    [
        ([0.2, 1.0], 1, ["01.2"]),  # type in which all characters are of one width
        ([1.0, 0.2], 0, ["0.12"]),
        ([0.2, 0.2, 1.0, 0.2], 2, ["012.34"]),
        ([0.5, 0.2, 0.2, 1.3], 0, ["0.123", "4"]),  # the mark's room is not this line's usual gap
        ([0.2, 2.5], 1, ["01", "2"]),  # no number goes on so far off: the mark was of a digit that is gone
    ],
)
def test_a_mark_needs_room_and_splits_no_number(gaps: list[float], place: int, expected: list[str]) -> None:
    marks = [float(i == place) for i in range(len(gaps))]
    assert [number.text for number in group(spaced(gaps, marks))] == expected


@pytest.mark.parametrize(("mark", "text"), [(0.0, "01"), (0.3, "01"), (0.7, "0.1"), (1.0, "0.1")])
def test_the_score_falls_with_the_doubt_whether_there_is_a_mark(mark: float, text: str) -> None:
    (number,) = group(spaced([0.3], [mark]))
    assert number.text == text
    assert number.score == pytest.approx(honest(0.9 * 0.9 * max(mark, 1 - mark)))


def test_a_mark_after_the_last_digit_is_none_of_the_number() -> None:
    items = [Glyph(Box(40.0 * i, 0, 28, 50), str(i), 0.9, i, 0.6 * i) for i in range(2)]
    (number,) = group(items)
    assert number.text == "01"
    assert number.score == pytest.approx(honest(0.81))


def test_a_score_of_a_number_grows_with_its_digits_and_promises_less() -> None:
    products = [place / 100 for place in range(101)]
    scores = [honest(product) for product in products]
    assert scores == sorted(scores)
    assert 0 <= scores[0] < 0.05
    assert all(score < product for score, product in zip(scores[40:], products[40:], strict=True))
    assert honest(0.99) == pytest.approx(0.83, abs=0.005)
