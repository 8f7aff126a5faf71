"""What commands change: at once, in real lanes, told on the topic settings, kept for the next process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BEGUN, FakeClock

from edge.control.changes import FILE, ChangesFile, read
from edge.control.dials import Dials
from edge.pipeline import Lane, Pipeline
from edge.records import Box, Description, Detection, Event, Frame, Reply, Request, State, Target
from edge.track.behaviour import Behaviour
from edge.track.settings import EventSettings, TrackingSettings
from edge.track.tracker import Tracker

DIGITS = Behaviour("digits", "digit", "integer", "digits", "place", numbers=True)
PICTURE = np.zeros((480, 640, 3), np.uint8)


@dataclass
class Seen:
    """A recognizer that sees a 7 with a given score, by its threshold; counts how often it was asked."""

    threshold: float = 0.6
    score: float = 0.8
    asked: int = 0

    def detect(self, _frame: Frame) -> Sequence[Detection]:
        self.asked += 1
        box = Box(100, 100, 24, 40)
        return [Detection(box, "7", self.score)] if self.score >= self.threshold else []

    def describe(self, _frame: Frame, _targets: Sequence[Target], _budget: float) -> Sequence[Description]:
        return ()


@dataclass
class Bench:
    """A pipeline with one lane and the dials that change it."""

    folder: Path
    recognizer: Seen = field(default_factory=Seen)
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[Event] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracker = Tracker(DIGITS, TrackingSettings(), EventSettings())
        lanes = [Lane(self.recognizer, self.tracker)]
        self.pipeline = Pipeline(lanes, [self], stopwatch=lambda *_: None, budget=0.1)
        self.file = ChangesFile(self.folder / FILE)
        self.dials = Dials(
            self.pipeline, {"digits": self.recognizer}, {"digits": self.tracker},
            file=self.file, post=lambda state: self.post([state]), clock=self.clock,
        )  # fmt: skip

    def put(self, events: Sequence[Event]) -> None:
        self.events += events

    def post(self, states: Sequence[State]) -> None:
        self.states += states

    def look(self, seconds: float = 1.0) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.now += 0.1
            wall = BEGUN + timedelta(seconds=self.clock.now)
            self.pipeline.tick(Frame(PICTURE, round(self.clock.now * 10), self.clock.monotonic_ns(), wall))

    def command(self, name: str, **fields: Any) -> Reply:
        """Gives the reply, which may come only once it is on disk."""
        request = Request(name, fields, None, self.replies.append)
        reply = getattr(self.dials, name)(fields, request, self.clock.now)
        self.file.tend(self.clock.now)
        return reply or self.replies.pop()

    def in_view(self) -> list[int]:
        told = [state for state in self.states if state.topic == "digits/state"]
        return [item["digit"] for item in told[-1].fields["digits"]]

    def settings(self) -> dict[str, Any]:
        return dict([state for state in self.states if state.topic == "settings"][-1].fields)

    def told(self) -> list[str]:
        return [event.event_type for event in self.events]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_off_ends_what_was_in_view_at_once_and_rests(bench: Bench) -> None:
    bench.look()
    assert (bench.told(), bench.in_view()) == (["new"], [7])
    reply = bench.command("detect", on=False)
    assert (reply.ok, reply.data) == (True, {"detect": False, "kept": True})
    assert (bench.told(), bench.in_view()) == (["new", "end"], [])
    assert bench.settings() == {"detect": False, "thresholds": {"digits": 0.6}, "changed": ["detect"]}
    asked = bench.recognizer.asked
    bench.look(20)
    assert bench.recognizer.asked == asked
    assert bench.told() == ["new", "end"]
    assert bench.command("detect", on=True).ok
    bench.look()
    assert (bench.told(), bench.in_view()) == (["new", "end", "new"], [7])
    assert bench.settings()["changed"] == []
    assert not (bench.folder / FILE).exists()


def test_a_process_that_begins_resting_says_that_nothing_is_in_view(bench: Bench) -> None:
    bench.command("detect", on=False)
    again = Bench(bench.folder)
    again.dials.tell()
    again.look()
    assert again.recognizer.asked == 0
    assert again.in_view() == [], "or what an earlier one retained would stand for ever"
    assert again.settings()["detect"] is False


def test_a_threshold_is_in_force_from_the_next_frame_on(bench: Bench) -> None:
    bench.look()
    reply = bench.command("threshold", recognizer="digits", value=0.9)
    assert reply.data == {"recognizer": "digits", "value": 0.9, "kept": True}
    assert bench.recognizer.threshold == bench.tracker.threshold == 0.9
    bench.look(5)
    assert (bench.told(), bench.in_view()) == (["new", "end"], [])
    bench.command("threshold", recognizer="digits", value=0.3)
    bench.recognizer.score = 0.55
    bench.look(30)
    assert bench.in_view() == [7], "also below the one of the model"
    assert bench.settings()["thresholds"] == {"digits": 0.3}


def test_nothing_is_told_with_less_than_the_threshold(bench: Bench) -> None:
    """What the recognizer lets through may still be less sure as a track: that is what is published."""
    bench.tracker.threshold = 0.9
    bench.look(5)
    assert (bench.told(), bench.in_view()) == ([], [])
    bench.tracker.threshold = 0.7
    bench.look()
    assert (bench.told(), bench.in_view()) == (["new"], [7])


def test_the_values_of_the_file_are_no_change(bench: Bench) -> None:
    bench.command("threshold", recognizer="digits", value=0.9)
    assert read(bench.folder / FILE).names() == ["thresholds.digits"]
    reply = bench.command("threshold", recognizer="digits", value=0.6)
    assert reply.ok
    assert bench.settings()["changed"] == []
    assert not (bench.folder / FILE).exists()


def test_a_recognizer_that_is_not_there_is_refused(bench: Bench) -> None:
    reply = bench.command("threshold", recognizer="faces", value=0.9)
    assert reply.error == "no-such-recognizer"
    assert "digits" in reply.message
    assert not (bench.folder / FILE).exists()


def test_what_is_changed_of_others_is_kept_for_their_return(bench: Bench) -> None:
    (bench.folder / FILE).write_text('{"schema": 1, "thresholds": {"faces": 0.8, "digits": 0.9}}')
    again = Bench(bench.folder)
    again.dials.tell()
    assert again.settings()["changed"] == ["thresholds.digits"]
    again.command("threshold", recognizer="digits", value=0.95)
    assert read(bench.folder / FILE).thresholds == {"faces": 0.8, "digits": 0.95}


def test_others_that_take_over_get_what_commands_have_changed(bench: Bench) -> None:
    bench.command("threshold", recognizer="digits", value=0.9)
    other = Seen(threshold=0.5)
    bench.dials.take_up({"digits": other}, {"digits": bench.tracker}, bench.clock.now)
    assert other.threshold == bench.tracker.threshold == 0.9
    bench.dials.reset(bench.clock.now)
    bench.file.tend(bench.clock.now)
    assert other.threshold == bench.tracker.threshold == 0.5, "as the new settings have it"
    assert bench.settings() == {"detect": True, "thresholds": {"digits": 0.5}, "changed": []}
    assert not (bench.folder / FILE).exists()


def test_where_the_disk_does_not_take_it_the_reply_says_so(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"")
    bench = Bench(tmp_path / "state")
    reply = bench.command("detect", on=False)
    assert (reply.ok, reply.data["kept"]) == (True, False)
    assert "a restart may forget it" in reply.message
    assert bench.pipeline.resting
