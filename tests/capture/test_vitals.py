"""How the camera is judged, with time as an argument."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fakes import BEGUN, FakeClock

from edge.capture.vitals import RESIZED_FOR, Vitals


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def vitals(clock: FakeClock) -> Vitals:
    return Vitals(clock, stall_after=3.0)


def test_before_the_first_frame_it_is_lost(vitals: Vitals) -> None:
    status = vitals.status(1.0, 0)
    assert (status.state, status.reason, status.size, status.fps) == ("lost", "opening", None, 0.0)


def test_it_stalls_when_the_last_frame_is_too_old_and_is_well_with_the_next(vitals: Vitals) -> None:
    vitals.frame((640, 480), 10.0, 0)
    assert vitals.status(13.0, 0).state == "ok"
    late = vitals.status(13.1, 0)
    assert (late.state, late.reason) == ("stalled", "no frames")
    vitals.frame((640, 480), 14.0, 0)
    assert vitals.status(14.0, 0).state == "ok"


def test_frames_that_cannot_be_used_are_the_reason(vitals: Vitals) -> None:
    vitals.frame((640, 480), 10.0, 5)
    assert vitals.status(20.0, 5).reason == "no frames"
    assert vitals.status(20.0, 6).reason == "corrupt"


def test_what_is_lost_stays_lost_until_a_frame_comes(vitals: Vitals) -> None:
    vitals.frame((640, 480), 10.0, 0)
    vitals.lost("no camera at /dev/video0")
    status = vitals.status(10.1, 0)
    assert (status.state, status.reason) == ("lost", "no camera at /dev/video0")
    vitals.waiting(11.0)
    assert vitals.status(11.0, 0).state == "lost"
    vitals.frame((640, 480), 12.0, 0)
    assert vitals.status(12.0, 0).state == "ok"


def test_waiting_by_choice_is_no_blindness(vitals: Vitals) -> None:
    vitals.frame((640, 480), 10.0, 0)
    vitals.waiting(19.0)
    assert vitals.status(20.0, 0).state == "ok"
    assert vitals.status(23.0, 0).state == "stalled"


def test_a_change_of_size_is_told_for_a_while(vitals: Vitals) -> None:
    assert not vitals.frame((640, 480), 0.0, 0)
    assert not vitals.frame((640, 480), 0.1, 0)
    assert vitals.frame((320, 240), 0.2, 0)
    status = vitals.status(0.2, 0)
    assert (status.state, status.reason, status.size) == ("ok", "resized", (320, 240))
    vitals.frame((320, 240), 1.0 + RESIZED_FOR, 0)
    assert vitals.status(1.0 + RESIZED_FOR, 0).reason is None


def test_a_held_source_is_well_and_says_that_it_ended(vitals: Vitals) -> None:
    vitals.frame((640, 480), 0.0, 0)
    vitals.held()
    vitals.frame((640, 480), 0.1, 0)
    status = vitals.status(0.1, 0)
    assert (status.state, status.reason) == ("ok", "ended")


def test_since_is_the_time_of_the_change(vitals: Vitals, clock: FakeClock) -> None:
    clock.now = 1.0
    vitals.frame((640, 480), 1.0, 0)
    first = vitals.status(1.0, 0)
    assert first.since == BEGUN + timedelta(seconds=1)
    clock.now = 2.0
    assert vitals.status(2.0, 0).since == first.since
    clock.now = 9.0
    assert vitals.status(9.0, 0).since == BEGUN + timedelta(seconds=9)


def test_the_rate_is_that_of_the_last_seconds(vitals: Vitals) -> None:
    for number in range(100):
        vitals.frame((640, 480), number / 10, 0)
    assert vitals.status(9.9, 0).fps == pytest.approx(10)
    assert vitals.status(16.0, 0).fps == 0
