"""What the demo keeps of what arrives, and how it shows it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from fakes import BEGUN, FakeClock
from rich.console import Console

from edge.capture.scene import Story
from edge.clock import rfc3339
from edge.demo.picture import picture
from edge.demo.received import Received
from edge.demo.summary import summarise
from edge.demo.table import table
from edge.demo.truth import Judge
from edge.errors import FaultError

STORY = Story(0)
FPS = 15.0


def event(
    sequence: int = 30, *, identity: str = "a", event_type: str = "new", place: int = 0
) -> dict[str, Any]:
    """A right event about a digit of the scene, made 40 ms ago."""
    written = STORY.truth(sequence / FPS).digits[place]
    return {
        "id": identity,
        "event_type": event_type,
        "time": rfc3339(BEGUN - timedelta(milliseconds=40)),
        "digit": written.digit,
        "score": 0.97,
        "box": list(written.box),
        "frame": {"sequence": sequence, "size": [640, 480]},
    }


def stats(fps: float = 14.9) -> dict[str, Any]:
    stage = {"p50": 1.0, "p99": 2.0}
    return {
        "camera": {"frames": 60, "dropped": 2},
        "loop": {"frames": 58, "fps": fps},
        "outbox": {"committed": 3},
        "latency_ms": {
            "capture": stage,
            "recognize": stage,
            "track": stage,
            "transmit": stage,
            "total": stage,
        },
    }


def view(sequence: int, *, since: int = 30) -> dict[str, Any]:
    """The state that tells all of a frame, seen by whoever saw frame ``since`` 40 ms ago."""
    moment = BEGUN + timedelta(milliseconds=-40, seconds=(sequence - since) / FPS)
    digits = [
        {"digit": each.digit, "score": 0.9, "box": list(each.box)}
        for each in STORY.truth(sequence / FPS).digits
    ]
    number = {"text": "[bold]7", "score": 0.9, "box": [10, 10, 40, 40]}
    return {"time": rfc3339(moment), "digits": digits, "numbers": [number]}


def received(*messages: tuple[str, dict[str, Any]], judged: bool = True) -> Received:
    kept = Received("edge/demo", FakeClock(), Judge(STORY, FPS, 10.0) if judged else None)
    for topic, payload in messages:
        kept.take(f"edge/demo/{topic}", json.dumps(payload).encode(), False)
    return kept


def test_a_repeat_is_counted_once() -> None:
    kept = received(
        ("digits/event", event()), ("digits/event", event()), ("digits/event", event(identity="b", place=1))
    )
    assert kept.delivered == 2
    assert kept.verdicts == {"right": 2, "wrong": 0, "unclear": 0}
    assert [told.event["id"] for told in kept.events] == ["b", "a"]


def test_the_way_of_an_event_is_measured_to_its_arrival() -> None:
    assert received(("digits/event", event())).delays_ms == [pytest.approx(40)]


def test_the_last_statistics_do_not_hide_the_rate() -> None:
    kept = received(("stats", stats(14.9)), ("stats", stats(0.0)))
    assert kept.fps == 14.9


def test_availability_is_no_json() -> None:
    kept = received()
    kept.take("edge/demo/availability", b"online", True)
    assert kept.available == "online"


def test_a_summary_counts_what_was_said_and_what_arrived() -> None:
    kept = received(
        ("digits/event", event()), ("digits/event", event(identity="b", event_type="end")), ("stats", stats())
    )
    summary = summarise(kept, Judge(STORY, FPS, 10.0), 4.0)
    assert (summary.frames, summary.dropped, summary.events, summary.delivered) == (58, 2, 3, 2)
    assert (summary.right, summary.wrong) == (1, 0)
    assert summary.shown == summary.missed == len(STORY.truth(2.0).digits)
    assert list(summary.latency_ms) == ["capture", "recognize", "track", "transmit", "total", "publish"]
    assert json.loads(json.dumps(summary.record()))["latency_ms"]["publish"] == {"p50": 40.0, "p99": 40.0}


def test_without_a_truth_nothing_is_right_or_wrong() -> None:
    kept = received(("digits/event", event()), ("stats", stats()), judged=False)
    summary = summarise(kept, None, 4.0)
    assert (summary.right, summary.wrong, summary.missed, summary.shown) == (None, None, None, None)


def shown(kept: Received) -> str:
    console = Console(width=80)
    with console.capture() as printed:
        console.print(table(kept, "127.0.0.1:1883", 7.6))
    return printed.get()


def test_the_table_shows_what_has_arrived() -> None:
    camera = {"state": "ok", "reason": None, "size": [640, 480]}
    kept = received(
        ("camera/status", camera), ("digits/event", event()), ("digits/state", view(30)), ("stats", stats())
    )
    lines = shown(kept)
    for word in ("127.0.0.1:1883", "ok", "640 x 480", "new", "0.97", "40", "1 right", "8 s left"):
        assert word in lines
    # What comes over the wire is text, never markup.
    assert "[bold]7" in lines


def test_the_table_keeps_its_height() -> None:
    full = received(*(("digits/event", event(identity=str(number))) for number in range(30)))
    lines = shown(full).splitlines()
    assert len(lines) == len(shown(received()).splitlines())
    assert len(lines) < 24


def test_a_lost_camera_is_seen_in_the_table() -> None:
    assert "lost (no frames)" in shown(received(("camera/status", {"state": "lost", "reason": "no frames"})))


def test_the_picture_is_a_view_at_rest() -> None:
    # At frame 105 a line is being written anew, at frame 30 nothing has changed for a second.
    kept = received(("digits/event", event()), ("digits/state", view(105)), ("digits/state", view(30)))
    drawn = picture(kept, STORY, FPS)
    only = received(("digits/event", event()), ("digits/state", view(30)))
    assert (drawn == picture(only, STORY, FPS)).all()


def test_no_picture_of_nothing() -> None:
    with pytest.raises(FaultError, match="nothing to draw"):
        picture(received(), STORY, FPS)
