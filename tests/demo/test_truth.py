"""The judge of the demo, on events made from the scene's own story."""

from __future__ import annotations

from typing import Any

import pytest

from edge.capture.scene import Story, Written
from edge.capture.scene.page import PERIOD, REWRITTEN
from edge.demo.truth import SEEN_FOR, Judge
from edge.records import Box

FPS = 15.0
SIZE = (640, 480)
RESTING = 30
"""A frame in which nothing moves."""


def judge(seed: int = 1, cooldown: float = 11.5) -> Judge:
    return Judge(Story(seed, SIZE), FPS, cooldown)


def event(written: Written, sequence: int, **changes: Any) -> dict[str, Any]:
    told = {
        "event_type": "new",
        "digit": written.digit,
        "box": list(written.box),
        "frame": {"sequence": sequence},
    }
    return {**told, **changes}


def tell_all(judging: Judge, frames: range, *, but: int | None = None) -> None:
    for sequence in frames[::6]:
        for written in judging.truth(sequence).digits:
            if written.mark != but:
                assert judging.judge(event(written, sequence)) == "right"


def test_a_digit_is_right_where_it_stands() -> None:
    judging = judge()
    for written in judging.truth(RESTING).digits:
        assert judging.judge(event(written, RESTING)) == "right"
        assert judging.judge(event(written, RESTING, event_type="update")) == "right"


def test_another_digit_is_wrong() -> None:
    judging = judge()
    for written in judging.truth(RESTING).digits:
        assert judging.judge(event(written, RESTING, digit=(written.digit + 1) % 10)) == "wrong"


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.2, "right"), (0.45, "right"), (0.65, "wrong"), (1.2, "wrong")]
)
def test_the_place_counts(shift: float, verdict: str) -> None:
    # Shifted by s of its width, a box shares (1 - s) / (1 + s) with itself: 0.3 at s = 0.54.
    judging = judge()
    written = judging.truth(RESTING).digits[0]
    box = written.box
    moved = [box.x, box.y - shift * box.h, box.w, box.h]
    assert judging.judge(event(written, RESTING, box=moved)) == verdict


def test_a_bare_stroke_may_be_found_as_itself_or_in_the_width_of_a_digit() -> None:
    judging = judge(seed=1)
    stroke = next(written for written in judging.truth(RESTING).digits if written.box.w < 8)
    x, y, w, h = stroke.box
    assert judging.judge(event(stroke, RESTING)) == "right"
    assert judging.judge(event(stroke, RESTING, box=[x + w / 2 - h / 4, y, h / 2, h])) == "right"
    assert judging.judge(event(stroke, RESTING, box=[x - h, y, h, h])) == "wrong"


def test_a_digit_where_none_is_told_wrong() -> None:
    judging = judge()
    written = judging.truth(RESTING).digits[0]
    assert judging.judge(event(written, RESTING, box=[2.0, 400.0, 20.0, 30.0])) == "wrong"


def test_the_end_of_a_digit_is_not_judged() -> None:
    judging = judge()
    written = judging.truth(RESTING).digits[0]
    assert judging.judge(event(written, RESTING, event_type="end", box=[0.0, 0.0, 9.0, 9.0])) is None


def test_half_a_digit_is_nobodys_fault() -> None:
    judging = judge()
    frames = range(int(REWRITTEN * FPS), int((REWRITTEN + 3) * FPS))
    sequence, place = next((sequence, box) for sequence in frames for box in judging.truth(sequence).unclear)
    written = judging.truth(RESTING).digits[0]
    assert judging.judge(event(written, sequence, box=list(place))) == "unclear"


def test_nothing_told_misses_all_that_stood() -> None:
    judging = judge()
    shown = judging.shown(60)
    standing = {written.mark for sequence in range(30, 60) for written in judging.truth(sequence).digits}
    assert shown.digits == shown.missed == len(judging.truth(RESTING).digits)
    assert shown.digits <= len(standing)


def test_all_told_misses_nothing() -> None:
    judging = judge()
    frames = range(int(PERIOD * FPS))
    tell_all(judging, frames)
    assert judging.shown(len(frames)).missed == 0
    assert judging.shown(len(frames)).digits > 25


def test_one_not_told_is_missed() -> None:
    judging = judge()
    silent = judging.truth(RESTING).digits[2].mark
    tell_all(judging, range(60), but=silent)
    assert judging.shown(60).missed == 1


def test_what_is_told_wrong_is_not_missed_besides() -> None:
    judging = judge()
    silent = judging.truth(RESTING).digits[2]
    tell_all(judging, range(60), but=silent.mark)
    judging.judge(event(silent, RESTING, digit=(silent.digit + 1) % 10))
    assert judging.shown(60).missed == 0


def test_a_glimpse_need_not_be_told() -> None:
    assert judge().shown(int(SEEN_FOR * FPS)).digits == 0


class Repeating(Story):
    """A 7 that is rubbed out after two seconds and written again at the same place after one more."""

    def truth(self, t: float) -> Any:
        from edge.capture.scene import Truth

        box = Box(100, 100, 30, 50)
        first = (Written(7, box, 1, 1),) if t < 2 else ()
        again = (Written(7, box, 1, 2),) if t >= 3 else ()
        return Truth(first + again, (), ())


@pytest.mark.parametrize(("cooldown", "missed"), [(10.0, 0), (0.5, 1)])
def test_the_same_again_within_the_cooldown_is_no_news(cooldown: float, missed: int) -> None:
    judging = Judge(Repeating(), FPS, cooldown)
    judging.judge(event(judging.truth(0).digits[0], 0))
    shown = judging.shown(round(6 * FPS))
    assert (shown.digits, shown.missed) == (2, missed)
