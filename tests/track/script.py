"""Plays scripted looks into a real tracker and keeps what it tells."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import numpy as np

from edge.records import Box, Description, Detection, Event, Frame, State, Target
from edge.track.behaviour import Behaviour
from edge.track.settings import EventSettings, TrackingSettings
from edge.track.tracker import Tracker

DIGITS = Behaviour("digits", "digit", "integer", "digits", "place", numbers=True)
FACES = Behaviour("faces", "name", "string", "present", "label", named_by="describe")
OBJECTS = Behaviour("objects", "label", "string", "objects", "place")
BEGUN = datetime(2026, 11, 21, 9, 0, tzinfo=timezone.utc)

_IMAGE = np.zeros((480, 640, 3), np.uint8)


def digit(
    label: int | None, x: float, y: float = 100, *, w: float = 24, h: float = 40, score: float = 0.98
) -> Detection:
    """A detection of a digit; x and y are its left upper corner."""
    return Detection(Box(x, y, w, h), None if label is None else str(label), score)


ROW = tuple(digit(d, 60 + 40 * d) for d in range(10))


def jittered(detections: Sequence[Detection], chance: random.Random, pixels: float = 1.0) -> list[Detection]:
    """The same with noise on every side, as detectors have it."""
    return [
        Detection(
            Box(
                d.box.x + chance.gauss(0, pixels),
                d.box.y + chance.gauss(0, pixels),
                d.box.w + chance.gauss(0, pixels),
                d.box.h + chance.gauss(0, pixels),
            ),
            d.label,
            d.score,
        )
        for d in detections
    ]


@dataclass
class Script:
    """A tracker with its frames: ``play`` shows what a function of time sees, at regular steps."""

    behaviour: Behaviour = DIGITS
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    telling: EventSettings = field(default_factory=EventSettings)
    events: list[Event] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    now: float = 1000.0
    sequence: int = 0

    def __post_init__(self) -> None:
        self.tracker = Tracker(self.behaviour, self.tracking, self.telling)

    def see(
        self,
        detections: Sequence[Detection],
        step: float = 0.1,
        describe: Callable[[Sequence[Target]], Iterable[Description]] = lambda targets: (),
    ) -> list[Target]:
        """One frame, ``step`` seconds after the last one."""
        self.now += step
        self.sequence += 1
        wall = BEGUN + timedelta(seconds=self.now - 1000)
        frame = Frame(_IMAGE, self.sequence, round(self.now * 1e9), wall)
        targets = self.tracker.associate(frame, detections, self.now)
        self._keep(self.tracker.absorb(list(describe(targets)), self.now))
        return targets

    def play(self, seconds: float, scene: Callable[[float], Sequence[Detection]], step: float = 0.1) -> None:
        """``scene`` gets the seconds since the beginning of this play."""
        begun = self.now
        for _ in range(round(seconds / step)):
            self.see(scene(self.now + step - begun), step)

    def idle(self, seconds: float, step: float = 0.5) -> None:
        """Time goes by and no frame comes."""
        for _ in range(round(seconds / step)):
            self.now += step
            self._keep(self.tracker.absorb((), self.now))

    def told(self, event_type: str) -> list[Event]:
        return [event for event in self.events if event.event_type == event_type]

    def digits_told(self) -> list[tuple[str, int]]:
        return [(event.event_type, event.fields["digit"]) for event in self.events]

    def _keep(self, news: tuple[list[Event], list[State]]) -> None:
        self.events += news[0]
        self.states += news[1]


def assert_in_order(events: Sequence[Event]) -> None:
    """For each track at most one ``new``, then its updates, then at most one ``end``; times never go back."""
    seen: Counter[int] = Counter()
    ended: set[int] = set()
    for event in events:
        assert event.track not in ended, "nothing is told of a track that ended"
        assert (event.event_type == "new") == (seen[event.track] == 0), "the first and only the first is new"
        seen[event.track] += 1
        if event.event_type == "end":
            ended.add(event.track)
    walls = [event.wall for event in events]
    assert walls == sorted(walls)
