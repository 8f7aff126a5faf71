"""Boxes and their arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.geometry import clip, iou, iou_matrix, union
from edge.records import Box

SIDES = st.floats(1, 500)
BOXES = st.builds(Box, st.floats(-100, 900), st.floats(-100, 900), SIDES, SIDES)


def test_known_overlap() -> None:
    assert iou(Box(0, 0, 10, 10), Box(5, 0, 10, 10)) == pytest.approx(1 / 3)


@given(BOXES, BOXES)
def test_iou_is_symmetric_and_bounded(a: Box, b: Box) -> None:
    assert 0 <= iou(a, b) <= 1 + 1e-9
    assert iou(a, b) == pytest.approx(iou(b, a))
    assert iou(a, a) == pytest.approx(1)


@given(st.lists(BOXES, min_size=1, max_size=8), st.lists(BOXES, min_size=1, max_size=8))
def test_matrix_agrees_with_the_single_function(a: list[Box], b: list[Box]) -> None:
    matrix = iou_matrix(np.array(a, np.float32), np.array(b, np.float32))
    for i, first in enumerate(a):
        for j, second in enumerate(b):
            assert matrix[i, j] == pytest.approx(iou(first, second), abs=1e-3)


@given(BOXES)
def test_clip_stays_inside(box: Box) -> None:
    inside = clip(box, 640, 480)
    assert 0 <= inside.x <= inside.x + inside.w <= 640
    assert 0 <= inside.y <= inside.y + inside.h <= 480


@given(st.lists(BOXES, min_size=1, max_size=5))
def test_union_holds_all(boxes: list[Box]) -> None:
    around = union(*boxes)
    for box in boxes:
        assert around.x <= box.x
        assert around.x + around.w >= box.x + box.w - 1e-6
