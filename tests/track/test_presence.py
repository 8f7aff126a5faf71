"""Who is there, and what is told of it: visits that outlast tracks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from crowd import PEOPLE
from house import House, face
from hypothesis import given, settings
from hypothesis import strategies as st
from script import BEGUN, Script, assert_in_order

from edge.records import UNKNOWN, Description, Target
from edge.track.settings import EventSettings, TrackingSettings


def test_what_is_told_of_a_visit() -> None:
    house = House({100: "ada"})
    house.stand(3, 100)
    new = house.script.told("new")[0]
    assert new.fields == {
        "name": "ada",
        "margin": pytest.approx(0.25),
        "quality": pytest.approx(0.8),
        "since": BEGUN + timedelta(seconds=0.1),
        "seen": new.wall,
    }
    assert new.score == pytest.approx(0.9)
    assert house.state == {
        "present": [
            {"name": "ada", "since": BEGUN + timedelta(seconds=0.1), "track": new.track, "score": 0.9}
        ],
        "unknown": 0,
        "unsure": 0,
    }
    house.stand(12)
    assert house.told == [("new", "ada"), ("end", "ada")]
    (end,) = house.script.told("end")
    assert end.track == new.track
    assert end.fields["since"] == new.fields["since"]
    assert end.fields["seen"] == BEGUN + timedelta(seconds=3)
    assert end.wall - end.fields["seen"] == pytest.approx(timedelta(seconds=10.1), abs=timedelta(seconds=0.1))
    assert house.state["present"] == []


def test_the_first_state_tells_that_nobody_is_there_and_none_repeats() -> None:
    house = House({})
    house.stand(5)
    assert [state.fields for state in house.script.states] == [{"present": [], "unknown": 0, "unsure": 0}]
    assert house.script.states[0].topic == "faces/state"


@pytest.mark.parametrize("absent", [0.2, 1.0, 1.4, 3.0, 9.0])
@pytest.mark.parametrize("back", [100, 400])
def test_out_and_back_within_the_cooldown_is_one_visit(absent: float, back: float) -> None:
    house = House({100: "ada", 400: "ada"})
    house.stand(3, 100)
    track, since = house.state["present"][0]["track"], house.state["present"][0]["since"]
    for _ in range(3):
        house.stand(absent)
        assert house.present == ["ada"], "presence ends by time"
        house.stand(3, back)
        house.stand(absent)
        house.stand(3, 100)
    assert {kind for kind, _ in house.told} - {"update"} == {"new"}
    assert [(i["name"], i["track"], i["since"]) for i in house.state["present"]] == [("ada", track, since)]
    house.stand(20)
    assert [event.track for event in house.script.told("end")] == [track]
    assert_in_order(house.script.events)


def test_after_the_cooldown_it_is_another_visit() -> None:
    house = House({100: "ada"})
    for _ in range(3):
        house.stand(3, 100)
        house.stand(12)
    assert house.told == [("new", "ada"), ("end", "ada")] * 3
    assert len({event.track for event in house.script.events}) == 3
    assert_in_order(house.script.events)


def test_presence_and_visit_end_at_times_of_their_own() -> None:
    """Somebody is told of once an hour at most, and is not present who was not seen for three seconds."""
    house = House({100: "ada"}, away=3.0, cooldown=3600.0)
    house.stand(2, 100)
    house.stand(2.5)
    assert house.present == ["ada"]
    house.stand(1)
    assert house.present == []
    house.stand(60)
    house.stand(2, 100)
    assert house.present == ["ada"]
    assert house.told == [("new", "ada")]
    house.script.idle(3700, step=10)
    assert house.told == [("new", "ada"), ("end", "ada")]


def test_a_long_presence_outlasts_a_short_cooldown() -> None:
    house = House({100: "ada"}, away=6.0, cooldown=0.0)
    house.stand(2, 100)
    house.stand(5)
    house.stand(2, 100)
    assert house.told == [("new", "ada")]
    house.stand(7)
    assert house.told == [("new", "ada"), ("end", "ada")]


def test_visits_end_without_frames_too() -> None:
    house = House({100: "ada"})
    house.stand(2, 100)
    house.script.idle(9)
    assert house.present == ["ada"]
    house.script.idle(2)
    assert house.told == [("new", "ada"), ("end", "ada")]
    assert house.present == []


def test_less_sure_than_the_threshold_is_unsure() -> None:
    house = House({100: "ada"}, score=0.7)
    house.script.tracker.threshold = 0.8
    house.stand(5, 100)
    assert house.told == []
    assert house.state == {"present": [], "unknown": 0, "unsure": 1}
    house.script.tracker.threshold = 0.6
    house.stand(1, 100)
    assert house.told == [("new", "ada")]


def test_visits_are_bounded_and_the_oldest_end_early() -> None:
    house = House({100: UNKNOWN, 300: UNKNOWN, 500: UNKNOWN}, max_remembered=1, cooldown=600)
    for place in (100, 300, 500):
        house.stand(3, place)
        house.stand(2)
    house.stand(1)
    assert [kind for kind, _ in house.told] == ["new", "end", "new", "end", "new"]
    assert house.script.tracker.counters()["visits_cut_short"] == 2
    assert_in_order(house.script.events)


def test_too_many_events_wait() -> None:
    house = House({100: "ada", 300: "bob", 500: "eve"}, max_per_minute=2)
    house.stand(3, 100, 300, 500)
    assert len(house.told) == 2
    assert len(house.present) == 3, "the state tells at once"
    house.stand(60, 100, 300, 500)
    assert sorted(house.told) == [("new", "ada"), ("new", "bob"), ("new", "eve")]


def test_the_end_of_all_is_told() -> None:
    house = House({100: "ada", 300: UNKNOWN})
    house.stand(3, 100, 300)
    house.stand(2, 300)
    events, states = house.script.tracker.close(house.script.now)
    assert sorted((event.event_type, event.fields["name"]) for event in events) == [
        ("end", "ada"),
        ("end", UNKNOWN),
    ]
    assert states[-1].fields == {"present": [], "unknown": 0, "unsure": 0}
    assert house.script.tracker.close(house.script.now) == ([], [])
    house.stand(3, 100)
    assert house.told[-1] == ("new", "ada")


def test_a_score_that_changes_much_is_told() -> None:
    house = House({100: "ada"}, score=0.95)
    house.stand(3, 100)
    house.scores["ada"] = 0.6
    house.stand(60, 100)
    assert house.state["present"][0]["score"] == pytest.approx(0.6, abs=0.1)
    assert len(house.script.states) < 10
    json.dumps(house.state, default=str)


def scenes(chance: random.Random) -> Callable[[Sequence[Target]], list[Description]]:
    def describe(targets: Sequence[Target]) -> list[Description]:
        names = ["ada", "bob", UNKNOWN, None]
        return [
            Description(t.track, chance.choice(names), chance.random(), chance.random())
            for t in targets
            if chance.random() < 0.9
        ]

    return describe


@given(seed=st.integers(0, 2**32 - 1), steps=st.lists(st.floats(0.02, 1.5), min_size=20, max_size=80))
@settings(max_examples=15, deadline=None)
def test_whatever_is_seen_visits_are_in_order(seed: int, steps: list[float]) -> None:
    chance = random.Random(seed)
    telling = EventSettings(
        max_per_minute=chance.choice([3, 100]),
        cooldown=chance.choice([0, 3, 10]),
        max_remembered=chance.choice([1, 100]),
    )
    tracking = TrackingSettings.model_validate(
        {
            "presence": {
                "away": chance.choice([0.0, 2.0]),
                "confirm_votes": 0.4,
                "unknown_votes": 0.5,
                "change_votes": 1,
            }
        }
    )
    script, describe = Script(behaviour=PEOPLE, tracking=tracking, telling=telling), scenes(chance)
    for step in steps:
        places = [chance.choice([50, 120, 300, 420]) + chance.gauss(0, 5) for _ in range(chance.randrange(5))]
        script.see([face(x) for x in places], step, describe)
        if chance.random() < 0.1:
            script.tracker.reconsider()
        numbers = [track.id for track in script.tracker.tracks()]
        assert len(numbers) == len(set(numbers))
        names = [item["name"] for item in script.states[-1].fields["present"]]
        assert len(names) == len(set(names))
        assert UNKNOWN not in names
    script.idle(15)
    assert_in_order(script.events)
    assert len(script.told("end")) == len(script.told("new")), "each visit that was told has ended"
    assert script.states[-1].fields == {"present": [], "unknown": 0, "unsure": 0}
