"""One bounded tick: from a frame to events and states. The stages are handed in.

::

    detections     = recognizer.detect(frame)                     what is where
    targets        = tracker.associate(frame, detections, now)    which tracks want a closer look
    descriptions   = recognizer.describe(frame, targets, budget)  what they are
    events, states = tracker.absorb(descriptions, now)            votes, hysteresis, numbers
    events and states go to the sinks

*When* to look closer is the tracker's policy; *how* is the recognizer's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge.records import Description, Detection, Event, Frame, State, Target


class Recognizer(Protocol):
    """The part of a recognizer that a tick calls."""

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """What is where."""
        ...

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """What the targets are, within ``budget`` seconds."""
        ...


class Tracker(Protocol):
    """The part of a tracker that a tick calls; ``now`` is monotonic seconds."""

    def associate(self, frame: Frame, detections: Sequence[Detection], now: float) -> Sequence[Target]:
        """Joins detections to tracks; gives the tracks that want a closer look, best first."""
        ...

    def absorb(
        self, descriptions: Sequence[Description], now: float
    ) -> tuple[Sequence[Event], Sequence[State]]:
        """Votes and decides: the events that happened and the states that changed."""
        ...

    def close(self, now: float) -> tuple[Sequence[Event], Sequence[State]]:
        """Ends all that is followed: the events and states that say so."""
        ...


class Sink(Protocol):
    """Takes what a tick found. Neither call waits for a network."""

    def put(self, events: Sequence[Event]) -> None:
        """Commits events for delivery."""
        ...

    def post(self, states: Sequence[State]) -> None:
        """Replaces the states of their topics."""
        ...


@dataclass(frozen=True, slots=True)
class Lane:
    """A recognizer with the tracker of its detections."""

    recognizer: Recognizer
    tracker: Tracker


Stopwatch = Callable[[str, float], None]
"""Takes a stage's name and the seconds that one pass took."""


class Pipeline:
    """All lanes over one frame, then the sinks. Owned by the loop's thread."""

    def __init__(
        self, lanes: Sequence[Lane], sinks: Sequence[Sink], *, stopwatch: Stopwatch, budget: float
    ) -> None:
        """``budget``: seconds that closer looks may take in one tick, all lanes together."""
        self._lanes = tuple(lanes)
        self._sinks = tuple(sinks)
        self._stopwatch = stopwatch
        self._budget = budget
        self.resting = False
        """Whether recognizers are shown nothing; trackers learn then that nothing is there."""
        self.newest: Frame | None = None

    def rest(self, resting: bool, now: float) -> None:
        """Between two ticks: has recognizers rest, or look again. What was in view ends in order."""
        self.resting = resting
        if resting:
            for lane in self._lanes:
                self._hand_on(*lane.tracker.close(now))

    def tick(self, frame: Frame) -> int:
        """Processes one frame; gives the number of events that it caused."""
        clock = time.perf_counter
        now = frame.captured / 1e9
        self.newest = frame
        left = self._budget
        events: list[Event] = []
        states: list[State] = []
        for lane in self._lanes:
            begun = clock()
            detections = () if self.resting else lane.recognizer.detect(frame)
            detected = clock()
            targets = lane.tracker.associate(frame, detections, now)
            associated = clock()
            descriptions = lane.recognizer.describe(frame, targets, max(left, 0.0)) if targets else ()
            described = clock()
            lane_events, lane_states = lane.tracker.absorb(descriptions, now)
            absorbed = clock()
            left -= described - associated
            events += lane_events
            states += lane_states
            self._stopwatch("recognize", detected - begun + described - associated)
            self._stopwatch("track", associated - detected + absorbed - described)
        begun = clock()
        self._hand_on(events, states)
        self._stopwatch("transmit", clock() - begun)
        return len(events)

    def change(self, lanes: Sequence[Lane], budget: float, now: float) -> int:
        """Other lanes from the next tick on. A tracker that is in none of them any more ends what it follows;
        gives the number of events that this caused."""
        kept = {id(lane.tracker) for lane in lanes}
        count = 0
        for lane in self._lanes:
            if id(lane.tracker) not in kept:
                events, states = lane.tracker.close(now)
                self._hand_on(events, states)
                count += len(events)
        self._lanes = tuple(lanes)
        self._budget = budget
        return count

    def idle(self, now: float) -> int:
        """Lets tracks age while no frame comes, so that what is gone ends too; gives the number of events."""
        count = 0
        for lane in self._lanes:
            events, states = lane.tracker.absorb((), now)
            self._hand_on(events, states)
            count += len(events)
        return count

    def _hand_on(self, events: Sequence[Event], states: Sequence[State]) -> None:
        for sink in self._sinks:
            if events:
                sink.put(events)
            if states:
                sink.post(states)
