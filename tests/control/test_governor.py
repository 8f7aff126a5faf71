"""The governor: down when it is too much, up when there is room, and no swinging."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.control.governor import LEAST, LOWER_AFTER, RAISE_AFTER, STEP, Governor, Limits

HOT, COOL = 85.0, 60.0


def test_heat_lowers_step_by_step_and_coolness_raises_again() -> None:
    governor = Governor(Limits(temperature=80), 10.0)
    told = [governor.step(HOT, None, second) for second in range(25)]
    assert [verdict.changed for verdict in told].count(-1) == 3
    assert governor.fps == pytest.approx(10 * STEP**3)
    assert told[-1].reason == "85 \N{DEGREE SIGN}C, above 80"
    back = [governor.step(COOL, None, 25 + second) for second in range(200)]
    assert [verdict.changed for verdict in back].count(1) == 3
    assert back[-1].reason is None
    assert governor.fps == 10


def test_between_limit_and_hysteresis_nothing_moves() -> None:
    governor = Governor(Limits(temperature=80), 10.0)
    governor.step(HOT, None, 0)
    assert {governor.step(78, None, second).changed for second in range(1, 500)} == {0}
    assert governor.fps == pytest.approx(7.5)


def test_the_frame_rate_never_falls_below_the_least() -> None:
    governor = Governor(Limits(temperature=80), 10.0)
    for second in range(0, 10_000, 10):
        governor.step(HOT, None, second)
    assert governor.fps == LEAST
    slow = Governor(Limits(temperature=80), 0.2)
    assert {slow.step(HOT, None, second).fps for second in range(0, 100, 10)} == {0.2}


def test_a_load_that_grows_with_the_frames_settles_below_the_budget() -> None:
    governor = Governor(Limits(share=0.5), 20.0)
    changes = []
    for second in range(1000):
        share = 0.05 + 0.06 * governor.fps  # 1.25 at the full rate
        changes.append(governor.step(None, share, second).changed)
    assert 0.05 + 0.06 * governor.fps <= 0.5
    assert set(changes[200:]) == {0}, "it swings"


def test_what_is_not_known_limits_nothing() -> None:
    governor = Governor(Limits(temperature=80, share=0.5), 10.0)
    assert {governor.step(None, None, second).fps for second in range(100)} == {10.0}
    unlimited = Governor(Limits(), 10.0)
    assert {unlimited.step(150, 64, second).fps for second in range(100)} == {10.0}


def test_other_limits_hold_at_once_and_the_steps_come_back_by_themselves() -> None:
    governor = Governor(Limits(temperature=50), 10.0)
    governor.step(60, None, 0)
    governor.change(Limits(temperature=90), 20.0)
    assert governor.fps == 15
    assert [governor.step(60, None, second).changed for second in range(1, 200)].count(1) == 1
    assert governor.fps == 20


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-40, 150), st.none() | st.floats(0, 64), st.floats(0, 60, allow_nan=False)
        ),
        max_size=200,
    ),
    st.floats(0.1, 120),
    st.none() | st.floats(30, 120),
    st.none() | st.floats(0.05, 64),
)
def test_whatever_is_measured(
    measured: list[tuple[float | None, float | None, float]],
    fps: float,
    temperature: float | None,
    share: float | None,
) -> None:
    governor = Governor(Limits(temperature, share), fps)
    now, moved, before = 0.0, float("-inf"), fps
    for degrees, taken, elapsed in measured:
        now += elapsed
        verdict = governor.step(degrees, taken, now)
        assert min(LEAST, fps) <= verdict.fps <= fps
        assert (verdict.reason is None) == (verdict.fps == fps) or verdict.fps == fps
        if verdict.changed < 0:
            assert verdict.fps < before
            assert now - moved >= LOWER_AFTER
        elif verdict.changed > 0:
            assert verdict.fps >= before
            assert now - moved >= RAISE_AFTER
        else:
            assert verdict.fps == before
        if verdict.changed:
            moved, before = now, verdict.fps
    counted = governor.fields()
    assert counted["lowered"] >= counted["raised"]  # type: ignore[operator]
