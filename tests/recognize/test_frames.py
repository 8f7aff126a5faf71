"""A box drawn around a digit is told from a digit around a digit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from drawing import INK, sheet, write

from edge.recognize.digits.classify import Readings
from edge.recognize.digits.frames import frames
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Image


def told(image: Image, boxes: list[Box], dark: list[bool]) -> list[bool]:
    n = len(boxes)
    readings = Readings(
        np.array(boxes, np.float32), np.zeros(n, np.intp), np.ones(n, np.float32), np.array(dark)
    )
    return [
        bool(frame)
        for frame in frames(readings, {some: ink_plane(image, dark=some) for some in (True, False)})
    ]


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("tilt", [0, 4])
def test_a_square_around_a_digit_is_a_frame(dark: bool, tilt: int) -> None:
    image = sheet()
    inner = write(image, "2", (200, 200), 40)
    cv2.polylines(
        image, [np.array([(180, 185), (250, 185 + tilt), (250 - tilt, 260), (180 - tilt, 260)])], True, INK, 3
    )
    image = image if dark else 255 - image
    assert told(image, [Box(176, 183, 76, 80), inner], [dark, dark]) == [True, False]


def test_a_zero_around_a_digit_is_none() -> None:
    image = sheet()
    inner = write(image, "7", (205, 200), 30)
    cv2.ellipse(image, (215, 215), (45, 60), 0, 0, 360, INK, 6)
    assert told(image, [Box(167, 152, 96, 126), inner], [True, True]) == [False, False]


def test_a_square_around_nothing_or_around_the_other_ink_is_none() -> None:
    image = sheet()
    cv2.rectangle(image, (180, 185), (250, 260), INK, 3)
    outer, inner = Box(178, 183, 74, 80), Box(200, 200, 30, 40)
    assert told(image, [outer], [True]) == [False]
    assert told(image, [outer, inner], [True, False]) == [False, False]
