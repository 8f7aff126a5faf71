"""The judge of the demo's face, on events and states made from the portrait's own story."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fakes import BEGUN

from edge.capture.scene.page import PERIOD
from edge.capture.scene.portrait import NAME
from edge.capture.scene.source import visit
from edge.capture.scene.visit import PHASES
from edge.clock import rfc3339
from edge.demo.faces import FaceJudge

FPS = 15.0
JUDGE = FaceJudge(visit(1, (640, 480)), FPS)
FRAMES = round(PERIOD * FPS)
MOVED = next(n for n in range(FRAMES) if (person := JUDGE.truth(n)) and person.phase == "moved")
COMING = MOVED - 2
ANCHORS = [(BEGUN, 0)]


def event(sequence: int, name: str = NAME, *, shift: float = 0.0, event_type: str = "new") -> dict[str, Any]:
    person = JUDGE.truth(sequence)
    box = list(person.box) if person else [700.0, 100.0, 90.0, 110.0]
    box[0] += shift
    return {"event_type": event_type, "name": name, "box": box, "frame": {"sequence": sequence}}


def state(sequence: float, *names: str) -> dict[str, Any]:
    return {"time": rfc3339(moment(sequence)), "present": [{"name": name} for name in names]}


def moment(sequence: float) -> datetime:
    return BEGUN + timedelta(seconds=sequence / FPS)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (event(MOVED), "right"),
        (event(MOVED, event_type="update"), "right"),
        (event(MOVED, event_type="end"), None),
        (event(MOVED, "Somebody Else"), "wrong"),
        (event(MOVED, "unknown"), "wrong"),
        (event(COMING, "unknown"), "unclear"),
        (event(COMING), "right"),
        (event(MOVED, shift=90), "wrong"),
        (event(0), "wrong"),
    ],
)
def test_a_name_is_right_where_her_face_is(told: dict[str, Any], verdict: str | None) -> None:
    assert JUDGE.judge(told) == verdict


def test_it_counts_for_how_much_of_the_time_she_had_her_name() -> None:
    always = JUDGE.told(FRAMES, [state(0, NAME)], ANCHORS)
    assert dict(always.named) == dict.fromkeys(PHASES, 1.0)
    assert (always.shown, always.missed, always.others) == (1, 0, 0)
    never = JUDGE.told(FRAMES, [state(0), state(50, "Somebody Else"), state(60)], ANCHORS)
    assert set(never.named.values()) == {0.0}
    assert (never.shown, never.missed, never.others) == (1, 1, 1)


def test_two_visits_are_two() -> None:
    late = JUDGE.told(2 * FRAMES, [state(0), state(FRAMES + 10, NAME)], ANCHORS)
    assert (late.shown, late.missed) == (2, 1)
    assert late.named == pytest.approx(dict.fromkeys(PHASES, 0.5), abs=0.02)


def test_before_she_was_there_nothing_is_missed() -> None:
    early = JUDGE.told(MOVED, [state(0)], ANCHORS)
    assert (early.shown, early.missed, dict(early.named)) == (0, 0, {})


def test_times_are_those_of_frames_though_the_service_was_slow() -> None:
    """Frames that came at half the pace: a state at twice the time is of the same frame."""
    slow = [(BEGUN, 0), (BEGUN + timedelta(seconds=2 * FRAMES / FPS), FRAMES)]
    half = FRAMES // 2
    told = {"time": rfc3339(moment(2 * half)), "present": [{"name": NAME}]}
    named = JUDGE.told(FRAMES, [state(0), told], slow).named
    straight = JUDGE.told(FRAMES, [state(0), state(half, NAME)], ANCHORS).named
    assert named == pytest.approx(straight, abs=0.05)
    assert 0 < sum(named.values()) < len(named)
