"""Judges what was told of the face of the scene: right, wrong, and for how much of the time by its name."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from edge.capture.scene import Person, Visit
from edge.clock import from_rfc3339
from edge.demo.truth import SAME_PLACE, SEEN_FOR, Verdict
from edge.geometry import iou
from edge.records import Box

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """``shown``: visits of the face to the picture, ``missed``: those of them in which it was never told.
    ``named``: for how much of the time in which something made it hard to see it was told to be present,
    0..1 by what that was. ``others``: how often somebody else was told to be."""

    shown: int
    missed: int
    named: Mapping[str, float]
    others: int


class FaceJudge:
    """Knows the story of the portrait. Frame ``n`` is second ``n / fps``."""

    def __init__(self, visit: Visit, fps: float) -> None:
        self._visit = visit
        self._fps = fps

    def judge(self, event: Payload) -> Verdict | None:
        """Of an event's payload: ``new`` and ``update`` are judged, by the frame that they name.

        A name where there is no face is wrong, and so is that nobody knows her; ``unclear`` is the latter
        while she comes or goes.
        """
        if event["event_type"] not in ("new", "update"):
            return None
        person = self.truth(event["frame"]["sequence"])
        if person is None or iou(person.box, Box(*event["box"])) < SAME_PLACE:
            return "wrong"
        if event["name"] == person.name:
            return "right"
        return "unclear" if person.phase is None else "wrong"

    def truth(self, sequence: int) -> Person | None:
        """Whose face is to be seen in a frame."""
        return self._visit.truth(sequence / self._fps)

    def told(self, frames: int, states: Sequence[Payload], anchors: Sequence[tuple[datetime, int]]) -> Named:
        """What ``faces/state`` said in the first ``frames`` frames. ``anchors``: times of some frames."""
        moments = [_sequence(from_rfc3339(state["time"]), anchors, self._fps) for state in states]
        there: Counter[str] = Counter()
        named: Counter[str] = Counter()
        visits: list[tuple[int, bool]] = []
        for sequence in range(frames):
            person = self.truth(sequence)
            if person is None or person.phase is None:
                visits.append((0, False))
                continue
            at = bisect_right(moments, sequence) - 1
            is_told = at >= 0 and person.name in _present(states[at])
            there[person.phase] += 1
            named[person.phase] += is_told
            length, before = visits[-1] if visits else (0, False)
            visits.append((length + 1, before or is_told))
        ends = [
            visit
            for visit, after in zip(visits, [*visits[1:], (0, False)], strict=True)
            if visit[0] > SEEN_FOR * self._fps and not after[0]
        ]
        own = {self._visit.name}
        return Named(
            shown=len(ends),
            missed=sum(not was_told for _, was_told in ends),
            named={phase: round(named[phase] / count, 3) for phase, count in there.items()},
            others=sum(bool(_present(state) - own) for state in states),
        )


def _present(state: Payload) -> set[str]:
    return {str(person["name"]) for person in state.get("present", ())}


def _sequence(moment: datetime, anchors: Sequence[tuple[datetime, int]], fps: float) -> float:
    """The frame of a time, between the frames whose times are known."""
    if not anchors:
        return 0.0
    begin = anchors[0][0]
    seconds = [(at - begin).total_seconds() for at, _ in anchors]
    numbers = [number for _, number in anchors]
    here = (moment - begin).total_seconds()
    if here <= seconds[0]:
        return numbers[0] + (here - seconds[0]) * fps
    if here >= seconds[-1]:
        return numbers[-1] + (here - seconds[-1]) * fps
    return float(np.interp(here, seconds, numbers))
