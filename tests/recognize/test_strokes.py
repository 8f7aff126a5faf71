"""What counts as ink: thin, darker or lighter than its paper, of any colour, at any size."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawing import INK, Colour, sheet, write

from edge.geometry import iou
from edge.recognize.digits.rules import without_rules
from edge.recognize.digits.strokes import ink_plane, levels
from edge.records import Box, Image


def strokes_of(image: Image, *, dark: bool = True) -> list[Box]:
    found = []
    for strokes in levels(ink_plane(image, dark=dark), dark=dark):
        found += [Box(*(float(value) * strokes.scale for value in box)) for box in strokes.boxes]
    return found


@pytest.mark.parametrize(
    ("ink", "paper", "dark"),
    [
        ((40, 40, 220), (235, 235, 235), True),
        ((60, 220, 240), (240, 240, 240), True),
        ((200, 60, 30), (235, 235, 235), True),
        ((255, 40, 0), (0, 0, 0), False),
        ((60, 60, 255), (30, 30, 30), False),
    ],
    ids=["red pen", "yellow pen", "blue pen", "blue light", "red light"],
)
def test_ink_of_every_colour_differs_from_its_paper(ink: Colour, paper: Colour, dark: bool) -> None:
    plane = ink_plane(np.array([[paper, ink]], np.uint8), dark=dark)
    paper_level, ink_level = (int(level) for level in plane[0])
    assert (paper_level - ink_level if dark else ink_level - paper_level) >= 90


@pytest.mark.parametrize("height", [14, 40, 120, 240])
@pytest.mark.parametrize("dark", [True, False])
def test_a_digit_is_one_stroke_on_some_level_whatever_its_size(height: int, dark: bool) -> None:
    image = sheet()
    box = write(image, "2", (60, 40), height)
    if not dark:
        image = 255 - image
    assert max(iou(box, found) for found in strokes_of(image, dark=dark)) > 0.75


def test_edges_shadows_and_falling_light_give_hardly_any_strokes() -> None:
    image = sheet(640, 480, (30, 40, 60)).astype(np.float64)
    tilted = np.array([(150, 120), (500, 90), (530, 350), (180, 390)])
    cv2.fillPoly(image, [tilted], (230, 230, 230), cv2.LINE_AA)
    image *= np.linspace(1.0, 0.5, 640)[None, :, None]
    image[:, 350:] *= 0.5
    soft = np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8)
    for dark in (True, False):
        high = [box for box in strokes_of(soft, dark=dark) if 12 <= box.h <= 240 and box.w > box.h / 14]
        assert len(high) <= 10  # at the corners of the sheet, and between it and the border


def test_noise_of_a_dim_camera_gives_few_strokes() -> None:
    noise = np.random.default_rng(1).normal(90, 8, (480, 640, 1))
    image = np.clip(noise, 0, 255).astype(np.uint8).repeat(3, axis=2)
    assert sum(box.h >= 12 for box in strokes_of(image)) < 10


def parts(mask: Image) -> list[Box]:
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return [Box(*(float(value) for value in row[:4])) for row in stats[1:]]


@pytest.mark.parametrize("tilt", [0.0, 0.03])
def test_ruled_lines_go_and_digits_that_cross_them_stay_whole(tilt: float) -> None:
    ruled = np.zeros((200, 400), np.uint8)
    for y in (60, 110, 160):
        cv2.line(ruled, (0, y), (399, y + round(400 * tilt)), 255, 2)
    written = np.zeros((200, 400), np.uint8)
    for place, digit in enumerate("1234567890"):
        cv2.putText(written, digit, (10 + 38 * place, 125), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 255, 3)
    left = parts(without_rules(ruled | written))
    assert all(max(iou(digit, part) for part in left) > 0.75 for digit in parts(written))


def test_squared_paper_goes_and_what_is_written_on_it_stays() -> None:
    mask = np.zeros((300, 300), np.uint8)
    cv2.putText(mask, "7", (130, 165), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, 4)
    (seven,) = parts(mask)
    for place in range(20, 300, 40):
        cv2.line(mask, (place, 0), (place, 299), 255, 2)
        cv2.line(mask, (0, place), (299, place), 255, 2)
    assert max(iou(seven, part) for part in parts(without_rules(mask))) > 0.75


def test_a_mask_without_lines_is_left_alone() -> None:
    image = sheet()
    write(image, "47", (50, 50), 40, INK)
    mask = (ink_plane(image, dark=True) < 128).astype(np.uint8) * 255
    assert (without_rules(mask) == mask).all()
