"""What stands beside a digit moves its score, or does not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawing import INK, row, sheet, write

from edge.recognize.digits.classify import Readings
from edge.recognize.digits.context import judged
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Image


def scores(
    image: Image, boxes: list[Box], *, dark: bool = True, score: float = 0.99, letterlike: bool = False
) -> list[float]:
    n = len(boxes)
    readings = Readings(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros(n, np.intp),
        np.full(n, score, np.float32),
        np.full(n, dark),
    )
    planes = {some: ink_plane(image, dark=some) for some in (True, False)}
    return [float(value) for value in judged(readings, np.full(n, letterlike), planes).scores]


@pytest.mark.parametrize("height", [16, 40, 150])
@pytest.mark.parametrize("dark", [True, False])
def test_a_letter_of_a_word_is_doubted_and_more_in_its_middle(height: int, dark: bool) -> None:
    image = sheet(1280, 480)
    write(image, "W", (40, 100), height)
    middle = write(image, "0", (40 + round(1.05 * height), 100), height)
    write(image, "R", (40 + 2 * height, 100), height)
    end = write(image, "1", (40 + round(2.9 * height), 100), height)
    if not dark:
        image = 255 - image
    inside, last = scores(image, [middle, end], dark=dark)
    assert inside < last < 0.95
    assert inside < 0.85


@pytest.mark.parametrize("height", [16, 40, 150])
def test_digits_in_a_row_vouch_for_each_other(height: int) -> None:
    image = sheet(1280, 480)
    found = scores(image, row(image, "31415", (60, 100), height))
    assert min(found) > 0.992
    assert found[1:4] == pytest.approx([max(found)] * 3, abs=0.001)


@pytest.mark.parametrize("height", [16, 40, 150])
def test_a_digit_alone_keeps_its_score(height: int) -> None:
    image = sheet()
    assert scores(image, [write(image, "7", (100, 100), height)]) == pytest.approx([0.99])


def test_letters_at_the_ends_of_a_row_of_digits_leave_it_believable() -> None:
    image = sheet(1280, 480)
    write(image, "A", (40, 100), 40)
    boxes = [write(image, digit, (76 + 36 * place, 100), 40) for place, digit in enumerate("123456")]
    write(image, "B", (76 + 36 * 6, 100), 40)
    assert min(scores(image, boxes)) > 0.98


def test_what_looks_like_a_letter_in_a_line_of_writing_is_mostly_one() -> None:
    image = sheet(1280, 200)
    write(image, "the word", (40, 60), 40)
    alone = write(image, "5", (330, 60), 40)
    write(image, "of many", (420, 60), 40)
    (seven,) = scores(image, [alone])
    (five,) = scores(image, [alone], letterlike=True)
    assert five < 0.9 < seven
    in_a_row = row(image, "50", (700, 60), 40)
    assert min(scores(image, in_a_row, letterlike=True)) > 0.95


def test_rules_of_the_paper_are_no_writing() -> None:
    image = sheet(1280, 300)
    box = write(image, "5", (600, 100), 40)
    for y in range(60, 300, 30):
        cv2.line(image, (0, y), (1279, y), (120, 120, 120), 2)
    assert scores(image, [box], letterlike=True)[0] > 0.97


def test_a_unit_behind_a_space_lines_of_the_paper_and_walls_of_a_cell_do_not_matter() -> None:
    image = sheet()
    box = write(image, "5", (100, 100), 40)
    write(image, "kg", (175, 100), 40)
    for y in range(60, 300, 30):
        cv2.line(image, (0, y), (639, y), (190, 190, 190), 1)
    assert scores(image, [box]) == pytest.approx([0.99])
    image = sheet()
    box = write(image, "5", (100, 100), 40)
    cv2.rectangle(image, (88, 84), (140, 156), INK, 3)
    assert scores(image, [box]) == pytest.approx([0.99], abs=0.005)


def test_at_the_border_of_the_picture() -> None:
    image = sheet(60, 50)
    cv2.line(image, (2, 5), (2, 45), INK, 4)
    assert scores(image, [Box(0, 3, 5, 45)]) == pytest.approx([0.99])


def test_nothing_gives_nothing() -> None:
    assert scores(sheet(), []) == []
