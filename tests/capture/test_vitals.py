"""How the camera is judged, with time as an argument."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from fakes import BEGUN, FakeClock

from edge.capture.vitals import TOLD_FOR, Vitals


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
    vitals.frame((320, 240), 1.0 + TOLD_FOR, 0)
    assert vitals.status(1.0 + TOLD_FOR, 0).reason is None


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


@pytest.fixture
def strict(clock: FakeClock) -> Vitals:
    return Vitals(clock, stall_after=3.0, frozen_after=4.0, black_after=6.0)


def judged(vitals: Vitals, now: float, corrupt: int = 0) -> tuple[str, str | None]:
    status = vitals.status(now, corrupt)
    return status.state, status.reason


def test_a_picture_that_never_changes_is_frozen_until_it_does(strict: Vitals) -> None:
    for tenth in range(41):
        assert judged(strict, tenth / 10)[1] != "frozen"
        strict.frame((640, 480), tenth / 10, 0, repeated=tenth > 0)
    assert judged(strict, 4.0) == ("stalled", "frozen")
    assert strict.frozen_for() == pytest.approx(4.0)
    strict.frame((640, 480), 4.1, 0)
    assert judged(strict, 4.1) == ("ok", None)
    assert strict.frozen_for() == 0


def test_black_pictures_are_told_apart_from_frozen_ones(strict: Vitals) -> None:
    for second in range(7):
        strict.frame((640, 480), float(second), 0, repeated=second > 0, black=True)
    assert judged(strict, 6.0) == ("stalled", "black")
    strict.frame((640, 480), 6.5, 0)
    assert judged(strict, 6.5) == ("ok", None)


def test_no_frames_at_all_is_worse_than_frozen_or_black(strict: Vitals) -> None:
    for second in range(9):
        strict.frame((640, 480), float(second), 0, repeated=second > 0, black=True)
    assert judged(strict, 20.0) == ("stalled", "no frames")


def test_neither_is_judged_where_it_is_not_to_be(vitals: Vitals) -> None:
    for second in range(100):
        vitals.frame((640, 480), float(second), 0, repeated=second > 0, black=True)
    assert judged(vitals, 99.0) == ("ok", None)


def test_a_frozen_camera_that_is_opened_anew_stays_frozen_until_something_moves(strict: Vitals) -> None:
    for second in range(6):
        strict.frame((640, 480), float(second), 0, repeated=second > 0)
    strict.lost("frozen")
    assert judged(strict, 6.0) == ("lost", "frozen")
    strict.frame((640, 480), 7.0, 0, repeated=True)
    assert judged(strict, 7.0) == ("stalled", "frozen")


def test_frames_that_could_not_be_used_between_others_are_told_for_a_while(strict: Vitals) -> None:
    strict.frame((640, 480), 0.0, 0)
    strict.frame((640, 480), 0.1, 2)
    assert judged(strict, 0.1, 2) == ("ok", "corrupt")
    for second in range(1, 40):
        strict.frame((640, 480), float(second), 2)
    assert judged(strict, 30.0, 2) == ("ok", "corrupt")
    assert judged(strict, 39.0, 2) == ("ok", None)


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
def test_a_wall_clock_that_is_set_by_a_day_changes_nothing_but_since(step: timedelta) -> None:
    class Stepped(FakeClock):
        offset = timedelta()

        def wall(self) -> datetime:
            return super().wall() + self.offset

    clock = Stepped()
    vitals = Vitals(clock, 3.0, 4.0, 4.0)
    before = None
    for tenth in range(200):
        clock.now = tenth / 10
        if tenth == 100:
            clock.offset = step
        vitals.frame((640, 480), clock.now, 0)
        status = vitals.status(clock.now + 0.05, 0)
        assert (status.state, status.reason) == ("ok", None)
        before = before or status.since
        assert status.since == before
    assert vitals.status(clock.now, 0).fps == pytest.approx(10)
    assert vitals.status(clock.now + 3.2, 0).state == "stalled"
    assert vitals.status(clock.now + 3.2, 0).since == BEGUN + timedelta(seconds=19.9) + step


def test_of_a_change_of_size_and_broken_frames_the_newer_is_the_reason(vitals: Vitals) -> None:
    vitals.frame((640, 480), 10.0, 0)
    vitals.frame((320, 240), 11.0, 1)  # the old stream ended in the middle of a frame
    assert judged(vitals, 11.0, 1) == ("ok", "resized")
    vitals.frame((320, 240), 12.0, 2)
    assert judged(vitals, 12.0, 2) == ("ok", "corrupt")
    vitals.frame((640, 480), 13.0, 2)
    assert judged(vitals, 13.0, 2) == ("ok", "resized")
    for second in range(14, 60):
        vitals.frame((640, 480), float(second), 2)
    assert judged(vitals, 13.0 + TOLD_FOR, 2) == ("ok", "resized")
    assert judged(vitals, 13.1 + TOLD_FOR, 2) == ("ok", None)
