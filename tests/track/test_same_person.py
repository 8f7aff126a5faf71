"""Who somebody is, where that is not plain: strangers, faces that look alike, mistakes that are corrected."""

from __future__ import annotations

import pytest
from house import House
from script import assert_in_order

from edge.records import UNKNOWN, Box, Description


def test_an_unknown_person_is_an_event_and_becomes_a_name_by_an_update() -> None:
    house = House({100: UNKNOWN})
    house.stand(0.6, 100)
    assert house.told == [], "not before enough good looks"
    assert house.state == {"present": [], "unknown": 0, "unsure": 1}
    house.stand(2, 100)
    assert house.told == [("new", UNKNOWN)]
    assert house.state == {"present": [], "unknown": 1, "unsure": 0}
    house.names[100] = "ada"
    house.stand(8, 100)
    assert house.told == [("new", UNKNOWN), ("update", "ada")]
    assert house.present == ["ada"]
    house.stand(15)
    assert house.told[2:] == [("end", "ada")]
    assert len({event.track for event in house.script.events}) == 1
    assert_in_order(house.script.events)


def test_who_is_on_a_visit_and_first_taken_for_unknown_ends_that_mistake() -> None:
    house = House({100: "ada", 400: UNKNOWN})
    house.stand(2, 100)
    house.stand(2)
    house.stand(2, 400)
    assert house.told == [("new", "ada"), ("new", UNKNOWN)]
    house.names[400] = "ada"
    house.stand(8, 400)
    assert house.told == [("new", "ada"), ("new", UNKNOWN), ("end", UNKNOWN)]
    assert house.state["unknown"] == 0
    assert house.present == ["ada"]
    house.stand(15)
    assert house.told[3:] == [("end", "ada")]
    assert_in_order(house.script.events)


def test_a_stranger_who_flickers_is_one_visit_and_another_place_another() -> None:
    house = House({100: UNKNOWN, 500: UNKNOWN})
    for _ in range(8):
        house.stand(3, 100)
        house.stand(3)
    assert house.told == [("new", UNKNOWN)]
    house.stand(3, 100, 500)
    assert house.told == [("new", UNKNOWN)] * 2
    assert house.state["unknown"] == 2
    house.stand(20)
    assert house.told[2:] == [("end", UNKNOWN)] * 2
    assert_in_order(house.script.events)


def test_two_strangers_side_by_side_are_two() -> None:
    house = House({100: UNKNOWN, 200: UNKNOWN})
    house.stand(3, 100, 205)
    assert house.told == [("new", UNKNOWN)] * 2
    assert house.state["unknown"] == 2


def test_one_name_on_two_faces_is_one_presence() -> None:
    """Ada, and her photograph, which is as surely Ada."""
    house = House({100: "ada", 400: "ada"})
    house.stand(2, 100)
    house.stand(10, 100, 400)
    assert house.told == [("new", "ada")]
    assert house.present == ["ada"]
    assert house.state["unsure"] == 1, "the other one"
    assert house.script.tracker.counters()["names_twice"] == 1
    house.stand(5, 400)
    assert house.present == ["ada"], "the photograph is taken for her when she has gone"
    assert house.state["unsure"] == 0
    house.stand(15)
    assert house.told == [("new", "ada"), ("update", "ada"), ("end", "ada")]


def test_the_surer_face_of_a_name_has_it() -> None:
    house = House({100: "ada", 400: "ada"}, score=0.6)
    house.stand(2, 100)
    box = Box(400, 100, 80, 100)
    sure = house.look
    house.look = lambda targets: [  # type: ignore[method-assign]
        Description(d.track, d.label, 0.95 if t.box.x > 300 else 0.6, 0.8)
        for t, d in zip(targets, sure(targets), strict=True)
    ]
    house.stand(3, 100, box.x)
    assert [event.box.x for event in house.script.told("update")] == [pytest.approx(400)]
    assert house.present == ["ada"]


def test_a_track_that_turns_out_to_be_somebody_else_is_another_visit() -> None:
    """Bob takes Ada's place within a frame: her visit goes on by itself and ends; his begins."""
    house = House({100: "ada"})
    house.stand(3, 100)
    house.names[100] = "bob"
    house.stand(12, 100)
    assert house.told[:2] == [("new", "ada"), ("new", "bob")]
    assert house.present[-1] == "bob"
    house.stand(8, 100)
    assert house.told == [("new", "ada"), ("new", "bob"), ("end", "ada")]
    assert house.script.tracker.counters()["names_corrected"] == 1
    assert_in_order(house.script.events)


def test_two_who_changed_places_unseen_keep_their_visits() -> None:
    house = House({100: "ada", 400: "bob"})
    house.stand(3, 100, 400)
    before = {item["name"]: item["track"] for item in house.state["present"]}
    house.names.update({100: "bob", 400: "ada"})
    house.stand(12, 100, 400)
    assert {item["name"]: item["track"] for item in house.state["present"]} == before
    tracks = {track.id: track for track in house.script.tracker.tracks()}
    assert tracks[before["ada"]].box.x == pytest.approx(400)
    assert tracks[before["bob"]].box.x == pytest.approx(100)
    assert [kind for kind, _ in house.told].count("new") == 2
    assert not house.script.told("end")


def test_who_is_forgotten_is_gone_at_once_and_nobody_else() -> None:
    house = House({100: "ada", 300: "bob", 500: "eve"})
    house.stand(3, 100, 300, 500)
    house.stand(2, 100, 500)
    house.names[100] = UNKNOWN
    house.script.tracker.reconsider({"eve"})
    house.stand(0.1, 100, 500)
    assert house.present == ["eve"]
    assert sorted(house.told[3:]) == [("end", "ada"), ("end", "bob")]
    house.stand(2, 100, 500)
    assert house.told[5:] == [("new", UNKNOWN)]
    assert_in_order(house.script.events)


def test_a_name_that_is_denied_ends_its_visit_and_does_not_wait() -> None:
    for answer in (UNKNOWN, None, "bob"):
        house = House({100: "ada"})
        house.stand(3, 100)
        house.names[100] = answer
        house.script.tracker.reconsider({"ada", "bob"})
        house.stand(1, 100)
        assert "ada" not in house.present
        assert ("end", "ada") in house.told
        assert_in_order(house.script.events)


def test_who_is_confirmed_anew_stays_on_the_visit() -> None:
    house = House({100: "ada"})
    house.stand(3, 100)
    house.script.tracker.reconsider({"ada", "bob"})
    house.stand(3, 100)
    assert house.told == [("new", "ada")]
    house.names[100] = "bob"
    house.stand(12, 100)
    assert house.told == [("new", "ada"), ("new", "bob")], "the command is long ago"
