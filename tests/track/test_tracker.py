"""Identities and labels over scripted scenes, through the tracker's two calls."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from script import ROW, Script, digit, jittered

from edge.records import Detection
from edge.track.settings import EventSettings, TrackingSettings


def test_a_still_scene_tells_each_digit_once() -> None:
    script, chance = Script(), random.Random(1)
    script.play(100, lambda t: jittered(ROW, chance))
    assert sorted(script.digits_told()) == [("new", d) for d in range(10)]
    assert len(script.states) == 2, "nothing in view, then all that is"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("same", [True, False])
def test_flicker_tells_nothing_wrong(seed: int, same: bool) -> None:
    """30 % missed; 10 % of what is seen read wrong and fairly surely so, always alike or not."""
    chance = random.Random(seed)

    def scene(_: float) -> list[Detection]:
        seen = []
        for d, whole in enumerate(ROW):
            if chance.random() < 0.3:
                continue
            wrong = chance.random() < 0.1
            other = (d + 1 if same else d + chance.randrange(1, 10)) % 10
            seen.append(Detection(whole.box, str(other), 0.8) if wrong else whole)
        return jittered(seen, chance)

    script = Script()
    script.play(30, scene)
    assert sorted(script.digits_told()) == [("new", d) for d in range(10)]


@given(
    steps=st.lists(st.floats(0.03, 0.7), min_size=40, max_size=80),
    missed=st.randoms(use_true_random=False),
)
@settings(max_examples=15, deadline=None)
def test_irregular_steps_of_time_change_nothing(steps: list[float], missed: random.Random) -> None:
    """Dropped frames are no clock: slow and fast ones mixed, a digit missed now and then, never twice."""
    script, gone = Script(), set[int]()
    for step in steps:
        gone = {d for d in range(10) if d not in gone and missed.random() < 0.2}
        script.see([d for i, d in enumerate(ROW) if i not in gone], step)
    script.see(ROW)
    script.see(ROW)
    assert not script.told("end")
    assert not script.told("update")
    assert len(script.told("new")) == len({event.fields["digit"] for event in script.events})


@pytest.mark.parametrize("speed", [120.0, -120.0, 60.0])
@pytest.mark.parametrize("equal", [True, False])
def test_a_moving_row_keeps_its_identities(speed: float, equal: bool) -> None:
    """Half a digit's width a frame, from rest, to rest, and back: neighbours must not be swapped."""
    script, chance = Script(), random.Random(4)
    row = [digit(1 if equal else d, 200 + 36 * d) for d in range(10)]

    def place(t: float) -> float:
        return speed * (min(max(t - 1, 0), 1) - min(max(t - 2.5, 0), 1))

    def scene(t: float) -> list[Detection]:
        moved = [digit(int(d.label or 0), d.box.x + place(t)) for d in row]
        seen = [d for d in jittered(moved, chance) if chance.random() > 0.1]
        chance.shuffle(seen)
        return seen

    script.play(5, scene)
    assert len(script.told("new")) == 10
    assert not script.told("end")
    assert script.tracker.counters()["tracks"] == 10
    begun = sorted(script.told("new"), key=lambda event: event.box.x)
    left_to_right = sorted(script.tracker.tracks(), key=lambda track: track.box.x)
    assert [track.id for track in left_to_right] == [event.track for event in begun]


def test_digits_hidden_while_the_sheet_moves_are_found_again() -> None:
    """A hand covers three of ten equal digits for a second; the sheet moves on by three of them."""
    script = Script()

    def scene(t: float) -> list[Detection]:
        moved = 110 * min(max(t - 1.2, 0), 1)
        return [digit(1, 60 + 36 * d + moved) for d in range(10) if not (d in (3, 4, 5) and 1.3 < t < 2.4)]

    script.play(5, scene)
    assert script.tracker.counters()["tracks"] == 10
    assert not script.told("end")


def test_two_sheets_of_which_one_moves() -> None:
    script = Script()
    still = [digit(3, 60 + 36 * d, 60) for d in range(6)]
    script.play(
        3, lambda t: still + [digit(3, 60 + 36 * d + 90 * min(max(t - 1, 0), 1), 300) for d in range(6)]
    )
    assert script.tracker.counters()["tracks"] == 12
    assert not script.told("end")


def test_flashes_in_noise_are_never_told() -> None:
    """A place that looks like a digit in one frame of seven gathers looks, but is never confirmed."""
    script = Script()
    script.play(60, lambda t: [digit(1, 300)] if round(t * 10) % 7 == 0 else [])
    assert not script.events


def test_more_than_the_bound_is_counted_and_the_best_are_kept() -> None:
    script = Script(tracking=TrackingSettings(max_tracks=4))
    row = [digit(d, 60 + 40 * d, score=0.5 + 0.05 * d) for d in range(10)]
    script.play(1, lambda t: row)
    assert sorted(script.digits_told()) == [("new", d) for d in range(6, 10)]
    assert script.tracker.counters()["tracks_refused"] == 6 * 10
    assert len(script.tracker.tracks()) == 4


def test_detections_without_a_label_keep_a_track_alive_but_begin_none() -> None:
    script = Script()
    script.play(1, lambda t: [digit(3, 100), digit(None, 300)])
    script.play(10, lambda t: [digit(None, 100), digit(None, 300)])
    assert script.digits_told() == [("new", 3)]
    assert script.tracker.counters()["tracks"] == 1


def test_two_hundred_digits_in_view_cost_little() -> None:
    """The aim is 5 ms of the processor to associate; the bound is generous, for a slow machine."""
    script, chance = Script(), random.Random(0)
    page = [digit(chance.randrange(10), 30 * (i % 20), 46 * (i // 20)) for i in range(200)]
    script.play(1, lambda t: jittered(page, chance))
    begun = time.process_time()
    script.play(1, lambda t: jittered(page, chance))
    assert (time.process_time() - begun) / 10 < 0.1
    assert script.tracker.counters()["tracks"] == 200


def test_other_settings_change_no_identity_and_the_end_of_all_is_told() -> None:
    script = Script()
    script.play(1.0, lambda _: ROW)
    news = {event.track for event in script.events if event.event_type == "new"}
    assert len(news) == len(ROW)
    script.tracker.change(TrackingSettings(patience=9), EventSettings(cooldown=0))
    script.play(5.0, lambda _: [])
    assert script.told("end") == [], "the patience is the new one"
    events, states = script.tracker.close(script.now)
    assert {event.track for event in events} == news
    assert {event.event_type for event in events} == {"end"}
    assert states[-1].fields["digits"] == []
    assert script.tracker.tracks() == []
    assert script.tracker.close(script.now) == ([], [])


def test_a_decimal_mark_is_told_once_it_was_seen_again_and_again() -> None:
    script = Script()
    seen = [replace(digit(1, 100), mark=1.0), digit(2, 150)]
    bare = [replace(one, mark=0.0) for one in seen]

    def texts() -> list[str]:
        return [number["text"] for number in script.states[-1].fields["numbers"]]

    script.play(2, lambda t: seen)
    assert texts() == ["1.2"]
    script.play(0.1, lambda t: bare)
    assert texts() == ["1.2"]
    script.play(2, lambda t: bare)
    assert texts() == ["12"]
