"""Things that only a closer look names, as faces are: who is asked for, how often, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from crowd import PEOPLE, landmarks
from script import Script

from edge.records import UNKNOWN, Box, Description, Detection, Target
from edge.track.crops import frontality, promise
from edge.track.settings import TrackingSettings


class Gallery:
    """Names faces by where they are, and remembers which targets it was given."""

    def __init__(self, names: dict[float, str | None], quality: float = 0.8, budget: int = 99) -> None:
        self.names = names
        self.quality = quality
        self.budget = budget
        self.asked: list[list[Target]] = []

    def __call__(self, targets: Sequence[Target]) -> list[Description]:
        self.asked.append(list(targets))
        return [
            Description(t.track, self.names[round(t.box.x, -2)], 0.9, quality=self.quality)
            for t in targets[: self.budget]
        ]

    def reasons(self, track: int) -> list[str]:
        return [target.reason for targets in self.asked for target in targets if target.track == track]


def face(x: float, score: float = 0.9, size: float = 100, turned: float = 0.0) -> Detection:
    box = Box(x, 100, 0.8 * size, size)
    return Detection(box, None, score, landmarks(box, turned))


def test_faces_are_named_by_closer_looks_and_then_left_alone() -> None:
    script, gallery = Script(behaviour=PEOPLE), Gallery({100: "ada", 300: None})
    for _ in range(100):
        script.see([face(300, 0.8), face(100)], describe=gallery)
    assert [(event.event_type, event.fields["name"]) for event in script.events] == [("new", "ada")]
    assert [target.reason for target in gallery.asked[0]] == ["new", "new"]
    assert gallery.reasons(1) == ["new", "unsure", "due"], (
        "two good looks name her, then one every five seconds"
    )
    assert set(gallery.reasons(2)[1:]) == {"unsure"}


def test_looks_at_who_stays_unsure_are_bounded_and_grow_rarer() -> None:
    """At 30 frames a second: every 0.3 s at first, and hardly more than when due after a minute."""
    script, gallery = Script(behaviour=PEOPLE), Gallery({300: None})
    looks: list[int] = []
    for _ in range(6):
        before = len(gallery.reasons(1))
        for _ in range(300):
            script.see([face(300)], 1 / 30, describe=gallery)
        looks.append(len(gallery.reasons(1)) - before)
    assert 10 <= looks[0] <= 10 / 0.3, "ten seconds"
    assert looks == sorted(looks, reverse=True)
    assert looks[-1] <= 4


def test_a_much_better_crop_of_an_unknown_person_is_looked_at_at_once() -> None:
    script, gallery = Script(behaviour=PEOPLE), Gallery({300: UNKNOWN})
    for _ in range(60):
        script.see([face(300, size=40)], describe=gallery)
    assert script.states[-1].fields["unknown"] == 1
    before = len(gallery.reasons(1))
    for _ in range(4):
        script.see([face(300, size=60)], describe=gallery)
    assert gallery.reasons(1)[before:] == ["unsure"]
    for _ in range(20):
        script.see([face(300, size=60)], describe=gallery)
    assert len(gallery.reasons(1)) == before + 1, "no better than the one before"


def test_the_best_crop_comes_first_and_nobody_starves() -> None:
    """One look a frame for eight people who stay unsure."""
    script = Script(behaviour=PEOPLE)
    faces = [face(100 * i, score=0.5 + 0.05 * i, size=30 + 8 * i, turned=0.4 - 0.05 * i) for i in range(8)]
    gallery = Gallery({100.0 * i: None for i in range(8)}, budget=1)
    taken: dict[int, int] = {}
    for _ in range(300):
        for target in script.see(faces, describe=gallery)[:1]:
            taken[round(target.box.x)] = taken.get(round(target.box.x), 0) + 1
    first = [round(target.box.x) for target in gallery.asked[0]]
    assert first == sorted(first, reverse=True), "the likely best crop is the first"
    assert set(taken) == {100 * i for i in range(8)}
    assert taken[700] > taken[0], "good crops more often"


def test_nothing_told_of_a_look_asks_again_only_after_a_while() -> None:
    script, gallery = Script(behaviour=PEOPLE), Gallery({100: None}, quality=0.0)
    for _ in range(30):
        script.see([face(100)], 1 / 30, describe=gallery)
    assert len(gallery.reasons(1)) <= 4


def test_without_an_answer_a_new_face_is_asked_for_again_and_again() -> None:
    script, gallery = Script(behaviour=PEOPLE), Gallery({100: "ada"}, budget=0)
    for _ in range(10):
        script.see([face(100)], describe=gallery)
    assert gallery.reasons(1) == ["new"] * 10


def test_other_names_after_a_command_are_looked_for_at_once() -> None:
    """Somebody unknown is enrolled; later that name is denied. Neither waits for the look that is due."""
    script, gallery = Script(behaviour=PEOPLE), Gallery({100: UNKNOWN})
    for _ in range(60):
        script.see([face(100)], describe=gallery)
    assert [event.fields["name"] for event in script.events] == [UNKNOWN]
    gallery.names[100] = "ada"
    script.tracker.reconsider()
    for _ in range(10):
        script.see([face(100)], describe=gallery)
    assert [(event.event_type, event.fields["name"]) for event in script.events[1:]] == [("update", "ada")]
    for answer in (None, UNKNOWN):
        gallery.names[100] = answer
        script.tracker.reconsider()
        for _ in range(30):
            script.see([face(100)], describe=gallery)
        carried = {path.id for path in script.tracker.tracks() if path.label == "ada"}
        assert not carried, "nobody in view is Ada any more"
        gallery.names[100] = "ada"
        for _ in range(30):
            script.see([face(100)], describe=gallery)


def test_settings_of_looks_hold() -> None:
    tracking = TrackingSettings.model_validate({"due": 2.0, "presence": {"again": 1.0}})
    script, gallery = Script(behaviour=PEOPLE, tracking=tracking), Gallery({100: "ada", 300: None})
    for _ in range(100):
        script.see([face(300, 0.8), face(100)], describe=gallery)
    assert len(gallery.reasons(1)) == 2 + 4
    assert len(gallery.reasons(2)) <= 10


@pytest.mark.parametrize(
    "better_first",
    [
        (face(0), face(0, size=40)),
        (face(0), face(0, score=0.5)),
        (face(0), face(0, turned=0.6)),
        (face(0, turned=-0.2), face(0, turned=-0.9)),
        (face(0, size=90), Detection(Box(0, 0, 80, 100), None, 0.9)),
    ],
)
def test_a_crop_that_promises_more(better_first: tuple[Detection, Detection]) -> None:
    better, worse = (promise(each) for each in better_first)
    assert 0 <= worse < better <= 1


@pytest.mark.parametrize("angle", [0, 20, -45, 90, 180])
def test_a_tilted_head_is_as_frontal(angle: float) -> None:
    turn = np.radians(angle)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    points = landmarks(Box(50, 50, 80, 100), 0.3)
    assert frontality(points @ spin.T) == pytest.approx(frontality(points), abs=1e-4)


@pytest.mark.parametrize(
    "points",
    [np.zeros((5, 2)), np.full((5, 2), np.nan), np.full((5, 2), np.inf), np.zeros((0, 2)), np.zeros((2, 2))],
)
def test_landmarks_that_are_none_promise_little(points: np.ndarray) -> None:
    assert 0 < frontality(points.astype(np.float32)) < 0.5
