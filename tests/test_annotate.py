"""What is drawn for people hides nothing that was read, and says which number is meant."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.annotate import GREEN, GREY, annotate
from edge.records import Box, Detection, Image

PAPER = 200


def page(width: int = 700, height: int = 700) -> Image:
    return np.full((height, width, 3), PAPER, np.uint8)


def row(digits: str, x: float, y: float) -> tuple[list[Detection], tuple[Box, str]]:
    """Digits of 30 x 50 beside each other, and their number."""
    found = [Detection(Box(x + 40 * i, y, 30, 50), digit, 0.99) for i, digit in enumerate(digits)]
    return found, (Box(x, y, 40 * len(digits) - 10, 50), digits)


def grey_of(image: Image) -> list[tuple[int, int, int, int]]:
    """The boxes (left, top, right, bottom) of the numbers' texts with their strokes."""
    exact = np.asarray((np.abs(image.astype(int) - GREY) <= 2).all(axis=2), np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(exact, np.ones((3, 3), np.uint8)))
    return [(x, y, x + w, y + h) for x, y, w, h, area in stats[1:].tolist() if area > 200]


def test_the_text_of_a_number_covers_no_digit_of_this_line_or_the_next() -> None:
    lines = [row("1234", 100, 100 + 70 * i) for i in range(6)]
    detections = [item for some, _ in lines for item in some]
    boxes = annotate(page(), detections, [number for _, number in lines])
    bare = annotate(page(), detections, [])
    for item in detections:
        x, y, w, h = (round(side) for side in item.box)
        part = slice(y + 2, y + h - 2), slice(x + 2, x + w - 2)
        assert np.array_equal(boxes[part], bare[part])
    assert len(grey_of(boxes)) == 6


@pytest.mark.parametrize("x", [5, 300, 535])
def test_the_text_is_joined_to_its_number_wherever_it_stands(x: int) -> None:
    """At the right border it goes to the left."""
    found, number = row("1234", x, 300)
    ((left, _, right, _),) = grey_of(annotate(page(), found, [number]))
    start, end = number[0].x, number[0].x + number[0].w
    assert (left >= end - 3) if x < 500 else (right <= start + 3)
    assert min(abs(left - end), abs(right - start)) <= 3


def test_between_numbers_on_both_sides_it_goes_above_the_digits_labels() -> None:
    rows = [row("1234", 5 + 175 * i, 300) for i in range(3)]
    detections = [item for some, _ in rows for item in some]
    image = annotate(page(580), detections, [rows[1][1]])
    ((_, top, _, bottom),) = grey_of(image)
    assert top < 280
    assert bottom <= 303
    labels = (np.abs(image.astype(int) - GREEN) <= 2).all(axis=2)
    without = annotate(page(580), detections, [])
    assert labels.sum() >= 0.95 * (np.abs(without.astype(int) - GREEN) <= 2).all(axis=2).sum()


def test_one_digit_needs_no_second_label() -> None:
    found, number = row("7", 300, 300)
    assert np.array_equal(annotate(page(), found, [number]), annotate(page(), found, []))


@pytest.mark.parametrize("size", [(1, 1), (40, 8), (8, 400)])
def test_a_picture_too_small_for_the_text_is_drawn_all_the_same(size: tuple[int, int]) -> None:
    found, number = row("1234", -20, 3)
    before = page(*size)
    image = annotate(before, found, [number, (Box(900, 900, 10, 10), "56")])
    assert image.shape == before.shape
    assert (before == PAPER).all()
