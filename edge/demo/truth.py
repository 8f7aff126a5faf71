"""Judges what was told of the drawn scene: right, wrong, and what was never told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from edge.capture.scene import Story, Truth
from edge.geometry import iou
from edge.records import Box

Verdict = Literal["right", "wrong", "unclear"]

SAME_PLACE = 0.3
"""Intersection over union from which an event is about a digit of the scene."""
NARROW = 0.4
"""A bare stroke is hardly wider than the pen: it may as well be found in a box so wide, by its height."""
SEEN_FOR = 1.5
"""A digit must be told once it stood in full view for so many seconds on end."""


class Shown(NamedTuple):
    """How many digits stood in full view for long enough, and how many of those were never told."""

    digits: int
    missed: int


@dataclass(slots=True)
class _Showing:
    """A mark while it can be seen: from when on end, for how long at most, and where at first and last."""

    digit: int
    begun: float
    last: float
    first_box: Box
    last_box: Box
    longest: float = 0.0


class Judge:
    """Knows the story that the service sees. Frame ``n`` is second ``n / fps``."""

    def __init__(self, story: Story, fps: float, cooldown: float) -> None:
        """``cooldown``: seconds for which the same digit at the same place need not be told again."""
        self._story = story
        self._fps = fps
        self._cooldown = cooldown
        self._told: set[int] = set()

    def judge(self, event: Mapping[str, Any]) -> Verdict | None:
        """Of an event's payload: ``new`` and ``update`` are judged, by the frame that they name.

        ``unclear`` is what was told of a digit that is being written or erased, or is cut by the
        edge of the picture; a digit told where there is none is wrong.
        """
        if event["event_type"] not in ("new", "update"):
            return None
        box = Box(*event["box"])
        truth = self.truth(event["frame"]["sequence"])
        best = max(truth.digits, key=lambda written: _overlap(written.box, box), default=None)
        if best and _overlap(best.box, box) >= SAME_PLACE:
            self._told.add(best.mark)
            return "right" if best.digit == event["digit"] else "wrong"
        if any(iou(place, box) >= SAME_PLACE for place in truth.unclear):
            return "unclear"
        return "wrong"

    def truth(self, sequence: int) -> Truth:
        """What is to be read in a frame."""
        return self._story.truth(sequence / self._fps)

    def shown(self, frames: int) -> Shown:
        """Of the digits that could be read in the first ``frames`` frames."""
        showings = self._showings(frames)
        told = [showing for mark, showing in showings.items() if mark in self._told]
        standing = {mark: showing for mark, showing in showings.items() if showing.longest > SEEN_FOR}
        missed = [
            mark
            for mark, showing in standing.items()
            if mark not in self._told and not any(self._repeats(showing, other) for other in told)
        ]
        return Shown(len(standing), len(missed))

    def _showings(self, frames: int) -> dict[int, _Showing]:
        showings: dict[int, _Showing] = {}
        for sequence in range(frames):
            now = sequence / self._fps
            for written in self.truth(sequence).digits:
                showing = showings.setdefault(
                    written.mark, _Showing(written.digit, now, now, written.box, written.box)
                )
                if now - showing.last > 1.5 / self._fps:
                    showing.begun = now
                showing.last, showing.last_box = now, written.box
                showing.longest = max(showing.longest, now - showing.begun)
        return showings

    def _repeats(self, showing: _Showing, told: _Showing) -> bool:
        """Whether this is the same digit at the same place again, so soon that it is no news."""
        return (
            showing.digit == told.digit
            and 0 <= showing.begun - told.last < self._cooldown
            and iou(showing.first_box, told.last_box) > 0
        )


def _overlap(digit: Box, box: Box) -> float:
    """Intersection over union with a digit's ink, or with the place that a narrow digit takes."""
    spare = max(NARROW * digit.h - digit.w, 0.0)
    place = Box(digit.x - spare / 2, digit.y, digit.w + spare, digit.h)
    return max(iou(digit, box), iou(place, box))
