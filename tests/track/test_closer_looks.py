"""Things that only a closer look names, as faces are: who is asked for, and how often."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from script import FACES, Script

from edge.records import Box, Description, Detection, Target


class Gallery:
    """Names faces by where they are, and remembers which targets it was given."""

    def __init__(self, names: dict[float, str | None]) -> None:
        self.names = names
        self.asked: list[list[Target]] = []

    def __call__(self, targets: Sequence[Target]) -> list[Description]:
        self.asked.append(list(targets))
        return [Description(t.track, self.names[round(t.box.x, -2)], 0.9, quality=0.8) for t in targets]


def face(x: float, score: float = 0.9) -> Detection:
    return Detection(Box(x, 100, 80, 100), None, score)


def test_faces_are_named_by_closer_looks_and_then_left_alone() -> None:
    script, gallery = Script(behaviour=FACES), Gallery({100: "ada", 300: None})
    for _ in range(100):
        script.see([face(300, 0.8), face(100)], describe=gallery)
    assert [(event.event_type, event.fields["name"]) for event in script.events] == [("new", "ada")]
    first, last = gallery.asked[0], gallery.asked[-1]
    assert [(target.track, target.reason) for target in first] == [(1, "new"), (2, "new")]
    assert [(target.track, target.reason) for target in last] == [(2, "unsure")]
    asked_of_ada = [t.reason for targets in gallery.asked for t in targets if t.track == 1]
    named = ["new", "unsure", "unsure", "unsure"]
    assert asked_of_ada == [*named, "due"], "four looks at quality 0.8 name her, then one every five seconds"


def test_a_person_who_returns_within_the_cooldown_is_not_told_again_anywhere() -> None:
    script, gallery = Script(behaviour=FACES), Gallery({100: "ada", 300: "ada"})
    for second in range(10):
        for _ in range(20):
            script.see([face(100 if second % 4 == 0 else 300)] if second % 2 == 0 else [], describe=gallery)
    assert [event.event_type for event in script.events] == ["new", "end"]


def test_a_person_lost_and_found_elsewhere_keeps_the_identity() -> None:
    script, gallery = Script(behaviour=FACES), Gallery({100: "ada", 300: "ada"})
    for _ in range(10):
        script.see([face(100)], describe=gallery)
    for _ in range(30):
        script.see([face(300)], describe=gallery)
    (track,) = script.tracker.tracks()
    assert track.id == script.told("new")[0].track
    assert not script.told("end")
    assert len(script.told("new")) == 1
    assert script.told("update")[-1].box.x == pytest.approx(300)
