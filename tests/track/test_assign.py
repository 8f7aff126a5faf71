"""Which detection is which track, without the tracker around it."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.records import Box
from edge.track.assign import Floats, common_motion, pairs
from edge.track.motion import Drift, Motion


def boxes(*corners: tuple[float, float], w: float = 24, h: float = 40) -> Floats:
    return np.array([(x, y, w, h) for x, y in corners], np.float64).reshape(-1, 4)


def agreeing(tracks: Floats, detections: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.ones((len(tracks), len(detections)), np.bool_)


def test_nothing_is_joined_with_nothing() -> None:
    assert pairs(boxes(), boxes((0, 0)), np.ones((0, 1), np.bool_), 1.0) == []
    assert pairs(boxes((0, 0)), boxes(), np.ones((1, 0), np.bool_), 1.0) == []


def test_beyond_reach_or_of_another_size_is_another_thing() -> None:
    here = boxes((100, 100))
    assert pairs(here, boxes((131, 100)), np.ones((1, 1), np.bool_), 0.8) == [(0, 0)]
    assert pairs(here, boxes((133, 100)), np.ones((1, 1), np.bool_), 0.8) == []
    assert pairs(here, boxes((82, 70), w=60, h=101), np.ones((1, 1), np.bool_), 0.8) == []


def test_between_two_as_near_the_label_decides() -> None:
    agree = np.array([[False, True]])
    assert pairs(boxes((100, 100)), boxes((95, 100), (105, 100)), agree, 0.8) == [(0, 1)]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=8), st.integers(0, 1000))
@settings(deadline=None)
def test_each_is_joined_at_most_once_and_nothing_possible_is_left(
    places: list[tuple[float, float]], seed: int
) -> None:
    tracks = boxes(*places)
    detections = boxes(*random.Random(seed).sample(places, k=len(places) // 2), (50, 50))
    found = pairs(tracks, detections, agreeing(tracks, detections), 0.8)
    rows, columns = {row for row, _ in found}, {column for _, column in found}
    assert len(rows) == len(columns) == len(found)
    for row, column in itertools.product(
        set(range(len(tracks))) - rows, set(range(len(detections))) - columns
    ):
        assert np.hypot(*(tracks[row, :2] - detections[column, :2])) > 0.8 * 40 - 1e-6


@pytest.mark.parametrize("shift", [(12.0, 0.0), (-12.0, 8.0), (0.0, 20.0), (15.0, -15.0)])
def test_the_common_motion_of_a_row_of_equal_digits(shift: tuple[float, float]) -> None:
    chance = random.Random(0)
    row = [(100 + 36 * i, 100.0) for i in range(10)]
    moved = [(x + shift[0] + chance.gauss(0, 1), y + shift[1] + chance.gauss(0, 1)) for x, y in row]
    del moved[3]
    tracks, detections = boxes(*row), boxes(*moved)
    assert common_motion(tracks, detections, agreeing(tracks, detections), 0.8) == pytest.approx(shift, abs=2)


def test_a_still_majority_keeps_still() -> None:
    tracks = boxes(*[(100 + 36 * i, 100) for i in range(6)], *[(100 + 36 * i, 300) for i in range(4)])
    detections = tracks.copy()
    detections[6:, 0] += 14
    assert tuple(common_motion(tracks, detections, agreeing(tracks, detections), 0.8)) == (0, 0)


@pytest.mark.parametrize("step", [0.03, 0.1, 0.7])
def test_the_filter_follows_a_steady_motion_without_lag(step: float) -> None:
    motion = Motion.of(Box(0, 0, 20, 40))
    for i in range(1, round(6 / step)):
        motion.predict(step)
        motion.correct(Box(50 * i * step, 0, 20, 40), step, smoothing=0.2)
    assert motion.box.x == pytest.approx(50 * i * step, abs=0.5)
    assert motion.vx == pytest.approx(50, abs=1)


def test_what_was_missed_moves_along_with_its_neighbours() -> None:
    motions = [Motion.of(Box(40 * i, 0, 20, 40)) for i in range(5)]
    for i in range(1, 6):
        drift = Drift(motions)
        for index in (0, 1, 3, 4):
            motions[index].predict(0.1)
            motions[index].correct(Box(40 * index + 10 * i, 0, 20, 40), 0.1, smoothing=0)
        drift.follow([0, 1, 3, 4], [2], 0.1)
    assert motions[2].box.x == pytest.approx(80 + 50)


def test_alone_and_missed_a_thing_slows_down() -> None:
    motion = Motion.of(Box(0, 0, 20, 40))
    motion.vx = 100
    for _ in range(30):
        drift = Drift([motion])
        motion.predict(0.1)
        drift.follow([], [0], 0.1)
    assert motion.vx < 1
    assert motion.box.x < 65
