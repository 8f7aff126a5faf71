"""When a lost source is tried again, and what is said of one that comes and goes."""

from __future__ import annotations

import logging

import pytest

from edge.capture.backoff import PROMPT, STEADY, Backoff
from edge.capture.damped import BURST, CALM, WINDOW, Damped


def outage(backoff: Backoff, begun: float, seconds: float) -> list[float]:
    """The waits until the outage is over, each try failing at once."""
    now, waits = begun, []
    while now < begun + seconds:
        waits.append(backoff.failed(now))
        now += waits[-1]
    return waits


def test_a_short_outage_is_over_within_ten_seconds_of_its_end() -> None:
    for begun in range(200):
        waits = outage(Backoff(1.0, 30.0), begun, 60.0)
        assert min(waits) >= 1.0
        assert max(waits) <= PROMPT < 10


def test_a_long_one_is_tried_ever_more_rarely_up_to_the_bound() -> None:
    waits = outage(Backoff(1.0, 30.0), 0.0, 3600.0)
    assert 20 < max(waits) <= 30
    assert waits[0] == 1.0
    assert max(waits[:4]) <= PROMPT
    assert len(waits) < 400


def test_the_bounds_are_those_of_the_settings() -> None:
    assert max(outage(Backoff(0.05, 0.2), 0.0, 60.0)) <= 0.2
    assert set(outage(Backoff(60.0, 60.0), 0.0, 300.0)) == {60.0}


def test_a_source_that_comes_and_goes_is_not_tried_ever_faster() -> None:
    backoff, now, waits = Backoff(1.0, 30.0), 0.0, []
    for _ in range(300):
        waits.append(backoff.failed(now))
        now += waits[-1]
        backoff.opened(now)
        backoff.frame(now)
        backoff.frame(now + 0.5)
        now += 0.5
    assert backoff.failures == 300
    assert sum(waits[:10]) / 10 < sum(waits[-10:]) / 10
    backoff.opened(now)
    backoff.frame(now + STEADY)
    assert backoff.failures == 0
    assert backoff.failed(now + STEADY) == 1.0


@pytest.fixture
def damped(caplog: pytest.LogCaptureFixture) -> Damped:
    caplog.set_level(logging.INFO, "test.damped")
    return Damped(logging.getLogger("test.damped"))


def test_what_changes_twice_a_second_writes_few_lines(
    damped: Damped, caplog: pytest.LogCaptureFixture
) -> None:
    for turn in range(2 * 3600 * 2):
        damped.say(logging.WARNING, ("lost", "back")[turn % 2], turn / 2)
        damped.rest(turn / 2)
    assert len(caplog.records) <= 2 * (BURST + 1) * 3600 / WINDOW
    assert [record.message for record in caplog.records[:2]] == ["lost", "back"]
    told = sum(int(record.message.split()[2]) for record in caplog.records if "after" in record.message)
    assert told + len(caplog.records) >= 2 * 3600 * 2 - 2 * WINDOW


def test_how_it_ended_up_is_said_once_it_is_calm(damped: Damped, caplog: pytest.LogCaptureFixture) -> None:
    for turn in range(2 * BURST):
        damped.say(logging.WARNING, f"change {turn}", float(turn))
    last = float(2 * BURST - 1)
    damped.rest(last + CALM - 1)
    assert len(caplog.records) == BURST
    damped.rest(last + CALM)
    assert caplog.records[-1].message == f"change {2 * BURST - 1} (after {BURST} changes that were not told)"
    damped.rest(last + 2 * CALM)
    assert len(caplog.records) == BURST + 1


def test_what_changes_now_and_then_is_always_said(damped: Damped, caplog: pytest.LogCaptureFixture) -> None:
    for turn in range(20):
        damped.say(logging.INFO, f"change {turn}", turn * WINDOW / BURST)
    assert [record.message for record in caplog.records] == [f"change {turn}" for turn in range(20)]
