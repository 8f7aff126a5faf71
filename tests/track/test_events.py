"""What is told of scripted scenes, when, and what is not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from script import BEGUN, ROW, Script, assert_in_order, digit

from edge.track.settings import EventSettings


def test_new_comes_soon_and_not_after_one_look() -> None:
    script = Script()
    script.see([digit(7, 100)])
    assert not script.events
    script.play(0.4, lambda t: [digit(7, 100)])
    (event,) = script.events
    assert event.event_type == "new"
    assert event.fields == {"digit": 7}
    assert (event.wall - BEGUN).total_seconds() == pytest.approx(0.4)
    assert event.captured == round(1000.4 * 1e9)
    assert event.size == (640, 480)
    assert event.score == pytest.approx(0.98)


def test_a_counter_that_changes_is_updated_in_place() -> None:
    """A digit turns every second and a half; each turn is told once, after 0.3 to 0.5 seconds."""
    script = Script()
    script.play(9, lambda t: [digit(4, 60), digit(int((t - 1e-6) / 1.5) % 10, 100)])
    kinds = [
        (event.event_type, event.fields["digit"]) for event in script.events if event.fields["digit"] != 4
    ]
    assert kinds[:4] == [("new", 0), ("update", 1), ("update", 2), ("update", 3)]
    assert not script.told("end")
    updates = [event for event in script.told("update") if event.track == script.told("new")[1].track]
    for turn, event in enumerate(updates, start=1):
        late = (event.wall - BEGUN).total_seconds() - 1.5 * turn
        assert 0.25 <= late <= 0.55
        assert event.score > 0.9, "the looks before the turn do not count against it"


def test_end_comes_after_patience_and_once() -> None:
    script = Script()
    script.play(1, lambda t: [digit(7, 100)])
    script.play(1.4, lambda t: [])
    assert script.digits_told() == [("new", 7)]
    script.play(5, lambda t: [])
    assert script.digits_told() == [("new", 7), ("end", 7)]
    end = script.told("end")[0]
    assert (end.wall - BEGUN).total_seconds() == pytest.approx(2.55, abs=0.06), "when it was decided"
    assert end.sequence in (25, 26)


def test_without_frames_tracks_end_all_the_same() -> None:
    script = Script()
    script.play(1, lambda t: [digit(7, 100)])
    script.idle(1.0)
    assert not script.told("end")
    script.idle(1.0)
    (end,) = script.told("end")
    assert (end.wall - BEGUN).total_seconds() == pytest.approx(3.0)
    assert end.captured == round(1003 * 1e9)
    assert script.states[-1].fields["digits"] == []


def test_idle_before_the_first_frame_tells_nothing() -> None:
    script = Script()
    script.idle(5)
    assert not script.events
    assert not script.states


def test_what_was_never_told_never_ends() -> None:
    script = Script()
    script.see([digit(7, 100)])
    script.play(5, lambda t: [])
    assert not script.events
    assert not script.tracker.tracks()


def test_back_within_the_cooldown_is_the_same_thing() -> None:
    """Flicker slower than patience: gone for 2 s, there for 2 s, over and over."""
    script = Script()
    script.play(40, lambda t: [digit(8, 100)] if t % 4 < 2 else [])
    assert script.digits_told() == [("new", 8), ("end", 8)]
    assert script.tracker.counters()["events_silenced"] == 9


def test_after_the_cooldown_it_is_told_again() -> None:
    script = Script()
    script.play(1, lambda t: [digit(8, 100)])
    script.play(13, lambda t: [])
    script.play(1, lambda t: [digit(8, 100)])
    assert script.digits_told() == [("new", 8), ("end", 8), ("new", 8)]
    assert_in_order(script.events)


def test_a_second_1_beside_the_first_is_told() -> None:
    script = Script()
    script.play(1, lambda t: [digit(1, 100, w=8)])
    script.play(1, lambda t: [digit(1, 100, w=8), digit(1, 124, w=8)])
    assert script.digits_told() == [("new", 1), ("new", 1)]
    script.play(3, lambda t: [])
    script.play(1, lambda t: [digit(1, 148, w=8)])
    assert script.digits_told()[-1] == ("new", 1), "and a third one after both have gone"


def test_another_digit_at_the_same_place_is_news() -> None:
    script = Script()
    script.play(1, lambda t: [digit(1, 100)])
    script.play(2, lambda t: [])
    script.play(1, lambda t: [digit(2, 100)])
    assert script.digits_told() == [("new", 1), ("end", 1), ("new", 2)]


def test_a_thing_that_came_back_and_changed_is_news() -> None:
    script = Script()
    script.play(1, lambda t: [digit(1, 100)])
    script.play(2, lambda t: [])
    script.play(2, lambda t: [digit(1, 100)])
    script.play(2, lambda t: [digit(5, 100)])
    assert script.digits_told() == [("new", 1), ("end", 1), ("new", 5)]
    assert_in_order(script.events)


def test_a_slow_move_is_told_at_most_once_a_second() -> None:
    script = Script()
    script.play(1, lambda t: [digit(6, 50)])
    script.play(5, lambda t: [digit(6, 50 + 80 * t)])
    script.play(5, lambda t: [digit(6, 450)])
    assert len(script.told("new")) == 1
    assert 4 <= len(script.told("update")) <= 6
    assert script.told("update")[-1].box.x == pytest.approx(450, abs=20)
    assert_in_order(script.events)


def test_too_many_events_wait_and_are_counted() -> None:
    script = Script(telling=EventSettings(max_per_minute=6))
    script.play(1, lambda t: ROW)
    assert len(script.told("new")) == 6
    assert script.tracker.counters()["events_delayed"] > 0
    script.play(60, lambda t: ROW)
    assert sorted(script.digits_told()) == [("new", d) for d in range(10)]


def test_a_weak_label_is_not_told() -> None:
    script = Script()
    script.play(5, lambda t: [digit(3, 100, score=0.4)])
    assert not script.events


def test_a_thing_that_is_no_longer_sure_is_not_told_of_until_it_is() -> None:
    """It is told once, well seen; it is seen badly, then moves, and is told of when it is seen well again."""
    script = Script()
    script.play(2, lambda t: [digit(6, 50)])
    script.play(4, lambda t: [digit(6, 50, score=0.45)])
    script.play(6, lambda t: [digit(6, 50 + 20 * t, score=0.45)])
    assert script.digits_told() == [("new", 6)]
    assert script.states[-1].fields["digits"][0]["digit"] == 6, "it is still in view"
    script.play(2, lambda t: [digit(6, 170)])
    assert script.digits_told()[-1] == ("update", 6)
    assert script.told("update")[0].score >= 0.5
    script.play(3, lambda t: [])
    assert script.digits_told()[-1] == ("end", 6), "the end is told however sure it was"


@pytest.mark.parametrize(("threshold", "told"), [(0.0, 1), (0.9, 1), (0.99, 0)])
def test_nothing_below_the_threshold_is_told_or_in_view(threshold: float, told: int) -> None:
    script = Script()
    script.tracker.threshold = threshold
    script.play(3, lambda t: [digit(3, 100, score=0.95)])
    assert len(script.told("new")) == len(script.states[-1].fields["digits"]) == told


@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.lists(st.floats(0.03, 0.7), min_size=20, max_size=60),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_seen_the_events_are_in_order(seed: int, steps: list[float]) -> None:
    chance = random.Random(seed)
    script = Script(
        telling=EventSettings(max_per_minute=chance.choice([5, 100]), cooldown=chance.choice([0, 3]))
    )
    for step in steps:
        count = chance.randrange(6)
        script.see(
            [
                digit(chance.choice([None, 0, 1]), chance.choice([50, 60, 75, 120]), score=chance.random())
                for _ in range(count)
            ],
            step,
        )
    script.idle(4)
    assert_in_order(script.events)
    assert len(script.told("end")) == len(script.told("new")), "all that was told has ended"
    assert script.states[-1].fields["digits"] == []


def test_what_has_moved_out_of_the_picture_is_not_in_view() -> None:
    moved = Script()
    moved.play(1.0, lambda t: [digit(3, 520 + 100 * t)])
    assert [item["digit"] for item in moved.states[-1].fields["digits"]] == [3]
    moved.play(0.6, lambda _: [])
    assert moved.states[-1].fields["digits"] == [], "carried on by its motion, it has left the picture"
    assert not moved.told("end"), "yet it may come back"
