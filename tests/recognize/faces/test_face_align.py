"""Cutting out faces: the similarity by five points, and what lies in the cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.recognize.faces.align import aligned, similarity
from edge.records import Image, Points

POINTS = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)], np.float32)
SIZE = (112, 112)


def moved(points: Points, scale: float, degrees: float, shift: tuple[float, float]) -> Points:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ turn.T + shift, np.float32)


def dotted(points: Points, size: tuple[int, int], radius: int) -> Image:
    """A dark picture with a bright dot at each point."""
    image = np.full((size[1], size[0], 3), 20, np.uint8)
    for x, y in points:
        cv2.circle(
            image, (round(float(x) * 16), round(float(y) * 16)), radius * 16, (250, 250, 250), -1, shift=4
        )
    return image


@given(
    st.floats(0.05, 20),
    st.floats(-180, 180),
    st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
)
def test_a_similarity_is_found_again(scale: float, degrees: float, shift: tuple[float, float]) -> None:
    there = moved(POINTS, scale, degrees, shift)
    matrix = similarity(POINTS, there)
    np.testing.assert_allclose(
        np.column_stack([POINTS, np.ones(5)]) @ matrix.T, there, atol=1e-3 * max(scale, 1) + 1e-3
    )
    assert np.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(scale, rel=1e-3)


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=5, max_size=5))
def test_it_is_the_best_one_and_never_a_mirror_image(pairs: list[tuple[float, float]]) -> None:
    there = np.array(pairs, np.float32)
    matrix = similarity(POINTS, there)
    assert np.linalg.det(matrix[:, :2]) >= 0
    here = np.column_stack([POINTS, np.ones(5)]).astype(np.float64)

    def error(changed: np.ndarray) -> float:
        return float(((here @ changed.T - there) ** 2).sum())

    best = error(matrix)
    for turn in (np.array([[1.01, 0], [0, 1.01]]), np.array([[1, 0.01], [-0.01, 1]])):
        other = matrix.copy()
        other[:, :2] = turn @ other[:, :2]
        assert error(other) >= best - 1e-6 * max(best, 1)


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_what_is_no_face_is_told(bad: Points) -> None:
    with pytest.raises(ValueError, match="no face"):
        aligned(np.zeros((50, 50, 3), np.uint8), np.asarray(bad, np.float32), POINTS, SIZE)


@pytest.mark.parametrize(("scale", "degrees"), [(1, 0), (1, 30), (0.8, -20), (3, 10), (8, 0), (8, 145)])
def test_the_points_come_to_lie_where_they_should(scale: float, degrees: float) -> None:
    there = moved(POINTS, scale, degrees, (0, 0))
    there += 60 * scale - there.min(axis=0)
    size = (int(there[:, 0].max() + 60 * scale), int(there[:, 1].max() + 60 * scale))
    cut = aligned(dotted(there, size, max(round(4 * scale), 2)), there, POINTS, SIZE)
    assert cut.shape == (112, 112, 3)
    ys, xs = np.mgrid[-7:8, -7:8]
    for point in POINTS:
        column, row = np.round(point).astype(int)
        light = cut[row - 7 : row + 8, column - 7 : column + 8, 0].astype(float) - 20
        found = np.array([(light * xs).sum(), (light * ys).sum()]) / light.sum() + (column, row)
        np.testing.assert_allclose(found, point, atol=0.35 if scale >= 1 else 0.8)


def test_an_oblong_cut_and_a_buffer_that_is_used_again() -> None:
    image = dotted(POINTS, (200, 200), 3)
    buffer = np.zeros((112, 96, 3), np.uint8)
    cut = aligned(image, POINTS, POINTS - np.array([8, 0], np.float32), (96, 112), buffer)
    assert np.shares_memory(cut, buffer)
    np.testing.assert_array_equal(cut, image[:112, 8:104])


@pytest.mark.parametrize("shrink", [3, 6, 17])
def test_shrinking_averages_and_skips_no_pixel(shrink: int) -> None:
    side = 112 * shrink
    board = np.indices((side, side)).sum(axis=0) % 2 * 200
    image = np.repeat(board[:, :, None], 3, axis=2).astype(np.uint8)
    cut = aligned(image, np.asarray(POINTS * shrink, np.float32), POINTS, SIZE)
    assert np.abs(cut[8:-8, 8:-8].astype(float) - 100).max() < 12


@pytest.mark.parametrize("where", [(-5000, 30), (40, 90000), (-60, -60), (1e6, 1e6)])
def test_beside_the_picture_its_rim_is_repeated(where: tuple[float, float]) -> None:
    image = np.full((60, 80, 3), (10, 120, 240), np.uint8)
    cut = aligned(image, np.asarray(POINTS + np.array(where, np.float32), np.float32), POINTS, SIZE)
    assert (cut == (10, 120, 240)).all()


@given(
    st.lists(
        st.tuples(st.floats(-1e5, 1e5, width=32), st.floats(-1e5, 1e5, width=32)), min_size=5, max_size=5
    ),
    st.integers(1, 40),
    st.integers(1, 40),
)
def test_any_landmarks_give_a_cut_or_are_refused(
    pairs: list[tuple[float, float]], width: int, height: int
) -> None:
    image = np.full((height, width, 3), 99, np.uint8)
    try:
        cut = aligned(image, np.array(pairs, np.float32), POINTS, SIZE)
    except ValueError:
        return
    assert (cut == 99).all()


def test_a_frame_that_is_read_only_stays_as_it_is() -> None:
    image = dotted(POINTS * 5, (700, 700), 12)
    image.flags.writeable = False
    before = image.copy()
    aligned(image, np.asarray(POINTS * 5, np.float32), POINTS, SIZE)
    np.testing.assert_array_equal(image, before)
