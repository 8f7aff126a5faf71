"""The tick: who is asked in which order, what reaches the sinks, and what a fault does to the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import numpy as np
import pytest

from edge.clock import SystemClock
from edge.loop import FAULTS, FrameLoop
from edge.pipeline import Lane, Pipeline
from edge.records import Box, Description, Detection, Event, Frame, State, Target

WALL = datetime(2026, 1, 2, tzinfo=timezone.utc)


def frame(sequence: int = 0) -> Frame:
    return Frame(np.zeros((4, 4, 3), np.uint8), sequence, 2_000_000_000, WALL)


class Stage:
    """Recognizer, tracker and sink in one, writing down the calls."""

    def __init__(self, targets: int = 1, broken: bool = False) -> None:
        self.calls: list[str] = []
        self.targets = targets
        self.broken = broken
        self.budgets: list[float] = []
        self.events: list[Event] = []
        self.states: list[State] = []

    def detect(self, frame: Frame) -> Sequence[Detection]:
        if self.broken:
            raise ValueError("no such picture")
        self.calls.append("detect")
        return [Detection(Box(0, 0, 2, 2), "7", 0.9)]

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        self.calls.append("describe")
        self.budgets.append(budget)
        return [Description(target.track, "7", 0.9) for target in targets]

    def associate(self, frame: Frame, detections: Sequence[Detection], now: float) -> Sequence[Target]:
        assert now == 2.0
        self.calls.append("associate")
        return [Target(1, item.box, "new") for item in detections][: self.targets]

    def absorb(
        self, descriptions: Sequence[Description], now: float
    ) -> tuple[Sequence[Event], Sequence[State]]:
        self.calls.append(f"absorb {len(descriptions)}")
        event = Event("digits", "new", WALL, 0, 1, 0.9, Box(0, 0, 2, 2), 0, (4, 4), {"digit": 7})
        return [event], [State("digits/state", {}, WALL)]

    def close(self, now: float) -> tuple[Sequence[Event], Sequence[State]]:
        self.calls.append("close")
        event = Event("digits", "end", WALL, 0, 1, 0.9, Box(0, 0, 2, 2), 0, (4, 4), {"digit": 7})
        return [event], []

    def put(self, events: Sequence[Event]) -> None:
        self.events += events

    def post(self, states: Sequence[State]) -> None:
        self.states += states


def pipeline(stage: Stage, budget: float = 0.1) -> tuple[Pipeline, list[str]]:
    timed: list[str] = []
    lane = Lane(stage, stage)
    return Pipeline([lane], [stage], stopwatch=lambda name, _: timed.append(name), budget=budget), timed


def test_a_tick_goes_through_the_house_in_order() -> None:
    stage = Stage()
    tick, timed = pipeline(stage)
    assert tick.tick(frame()) == 1
    assert stage.calls == ["detect", "associate", "describe", "absorb 1"]
    assert timed == ["recognize", "track", "transmit"]
    assert len(stage.events) == len(stage.states) == 1


def test_nobody_is_described_when_nobody_wants_a_closer_look() -> None:
    stage = Stage(targets=0)
    pipeline(stage)[0].tick(frame())
    assert stage.calls == ["detect", "associate", "absorb 0"]


def test_the_budget_is_handed_down() -> None:
    stage = Stage()
    pipeline(stage, budget=0.05)[0].tick(frame())
    assert stage.budgets == [0.05]


def test_what_ends_while_no_frame_comes_reaches_the_sinks_and_is_counted() -> None:
    stage = Stage()
    assert pipeline(stage)[0].idle(2.0) == 1
    assert stage.calls == ["absorb 0"]
    assert len(stage.events) == len(stage.states) == 1


def test_other_lanes_are_taken_between_two_ticks_and_what_is_left_out_ends() -> None:
    stage, other = Stage(), Stage()
    tick, _ = pipeline(stage)
    assert tick.change([Lane(other, stage)], 0.2, 2.0) == 0, "its tracker goes on"
    assert stage.calls == []
    tick.tick(frame())
    assert (stage.calls, other.calls) == (["associate", "absorb 1"], ["detect", "describe"])
    assert other.budgets == [0.2]
    assert tick.change([Lane(other, other)], 0.2, 2.0) == 1
    assert stage.calls[-1] == "close"
    assert stage.events[-1].event_type == "end"


class Supply:
    """Gives so many frames, then has ended."""

    def __init__(self, frames: int) -> None:
        self.left = frames

    def take(self, timeout: float) -> Frame | None:
        if not self.left:
            return None
        self.left -= 1
        return frame(self.left)

    @property
    def ended(self) -> bool:
        return not self.left


def run(supply: Supply, stage: Stage) -> FrameLoop:
    loop = FrameLoop(supply, pipeline(stage)[0], SystemClock(), lambda *_: None, period=0.0)
    loop.start()
    for thread in threading.enumerate():
        if thread.name == "loop":
            thread.join(5)
    return loop


def test_the_loop_ends_with_its_source() -> None:
    loop = run(Supply(7), Stage())
    assert loop.finished
    assert loop.counters() == {"frames": 7, "events": 7, "faults": 0}


def test_frames_that_fail_are_counted_and_many_in_a_row_are_a_fault() -> None:
    few = run(Supply(FAULTS - 1), Stage(broken=True))
    assert few.finished
    assert few.faults == FAULTS - 1
    assert few.fault is None
    many = run(Supply(FAULTS + 5), Stage(broken=True))
    assert many.fault is not None
    assert many.fault.exit_code == 70
    assert "no such picture" in str(many.fault)


class Faltering(Stage):
    """Fails at every second frame."""

    def detect(self, frame: Frame) -> Sequence[Detection]:
        self.broken = frame.sequence % 2 == 0
        return super().detect(frame)


def test_a_kind_of_fault_is_told_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    loop = run(Supply(4 * FAULTS), Faltering())
    assert loop.fault is None
    assert loop.counters() == {"frames": 2 * FAULTS, "events": 2 * FAULTS, "faults": 2 * FAULTS}
    assert len(caplog.records) == 1


class Endless:
    """Always has a frame."""

    ended = False

    def take(self, timeout: float) -> Frame | None:
        return frame()


def test_between_two_rare_frames_the_loop_lives_and_obeys_and_may_be_told_to_hurry() -> None:
    turns: list[float] = []
    supply, clock = Endless(), SystemClock()
    made = pipeline(Stage())[0]
    loop = FrameLoop(supply, made, clock, lambda *_: None, period=1000.0, between=turns.append)
    loop.start()
    try:
        assert eventually(lambda: len(turns) > 5)
        assert loop.frames <= 2
        assert clock.monotonic_ns() - loop.progress() < 5e9
        loop.change(supply, 0.01)
        assert eventually(lambda: loop.frames > 20)
    finally:
        assert loop.stop(10)


def eventually(check: Callable[[], bool]) -> bool:
    until = time.monotonic() + 15
    while not (held := check()) and time.monotonic() < until:
        time.sleep(0.02)
    return held
