"""Which of overlapping readings stand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.recognize.digits.classify import Readings
from edge.recognize.digits.overlaps import SHARED, resolve

Reading = tuple[tuple[float, float, float, float], int, float]
"""Box, digit, score."""


def readings(some: list[Reading], dark: list[bool] | None = None) -> Readings:
    return Readings(
        np.array([box for box, _, _ in some], np.float32).reshape(-1, 4),
        np.array([digit for _, digit, _ in some], np.intp),
        np.array([score for _, _, score in some], np.float32),
        np.array(dark or [True] * len(some), bool),
    )


EIGHT = ((0, 0, 30, 50), 8, 0.95)
ZERO = ((0, 0, 60, 90), 0, 0.97)


@pytest.mark.parametrize(
    ("some", "standing"),
    [
        pytest.param([((0, 0, 20, 40), 5, 0.9), ((1, 2, 20, 39), 6, 0.98)], [6], id="one place, the surer"),
        pytest.param([((0, 0, 5, 40), 1, 0.99), ((-1, 8, 5, 33), 1, 0.97)], [1], id="a 1 at two scales"),
        pytest.param([ZERO, ((14, 20, 30, 50), 1, 0.95)], [0], id="what hugs the strokes of a larger one"),
        pytest.param([EIGHT, ((2, 0, 26, 26), 0, 0.99), ((0, 24, 30, 26), 0, 0.9)], [8], id="loops of an 8"),
        pytest.param([((0, 0, 30, 50), 4, 0.8), ((20, 0, 5, 50), 1, 0.99)], [4], id="the stem of a 4"),
        pytest.param(
            [((0, 0, 50, 40), 6, 0.7), ((0, 0, 22, 40), 2, 0.99), ((24, 0, 26, 40), 0, 0.99)],
            [0, 2],
            id="two that touch, surer apart",
        ),
        pytest.param(
            [((0, 0, 30, 40), 5, 0.999), ((0, 0, 20, 40), 5, 0.998), ((12, 0, 18, 40), 5, 0.998)],
            [5],
            id="two halves of one that overlap",
        ),
        pytest.param([ZERO, ((18, 30, 20, 30), 7, 0.95)], [0, 7], id="free inside a larger one"),
        pytest.param([ZERO, ((0, 40, 20, 30), 1, 0.95)], [0], id="a part of a larger one"),
        pytest.param([((0, 0, 30, 40), 3, 0.9), ((26, 4, 30, 40), 2, 0.9)], [2, 3], id="slanted neighbours"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_which_stand(some: list[Reading], standing: list[int]) -> None:
    assert sorted(resolve(readings(some)).classes.tolist()) == standing


def test_a_counter_read_as_light_ink_does_not_stand_in_its_digit() -> None:
    inside = readings([ZERO, ((18, 20, 24, 50), 1, 0.95)], dark=[True, False])
    assert resolve(inside).classes.tolist() == [0]


boxes = st.tuples(*[st.floats(0, 60, width=32)] * 2, *[st.floats(4, 60, width=32)] * 2)


@given(st.lists(st.tuples(boxes, st.integers(0, 9), st.floats(0.5, 1, width=32)), max_size=12))
def test_what_stands_was_there_and_nothing_of_one_colour_lies_on_another(some: list[Reading]) -> None:
    stands = resolve(readings(some))
    left = list(zip(stands.boxes.tolist(), stands.scores.tolist(), strict=True))
    assert bool(left) == bool(some)
    assert all(any(np.allclose(box, given_box) for given_box, _, _ in some) for box, _ in left)
    for i, (a, _) in enumerate(left):
        for b, _ in left[i + 1 :]:
            shared = np.prod(
                [max(min(a[k] + a[k + 2], b[k] + b[k + 2]) - max(a[k], b[k]), 0) for k in (0, 1)]
            )
            smaller = min(a[2] * a[3], b[2] * b[3])
            nested = shared >= 0.99 * smaller
            assert nested or shared <= SHARED * smaller * 1.001


def test_the_order_of_readings_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    some: list[Reading] = [
        (
            (*rng.uniform(0, 100, 2).tolist(), *rng.uniform(8, 40, 2).tolist()),
            int(rng.integers(10)),
            float(score),
        )
        for score in rng.uniform(0.5, 1, 40)
    ]
    forth, back = resolve(readings(some)), resolve(readings(some[::-1]))
    assert forth.boxes.tolist() == back.boxes.tolist()
