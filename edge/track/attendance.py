"""The state of people: who is present, and how many have no name, told when something about that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.records import UNKNOWN, State
from edge.track.behaviour import Behaviour
from edge.track.visit import Visit

_MEANINGFUL = 0.1
"""A score that changed by less is the same."""


@dataclass(frozen=True, slots=True)
class _Present:
    """Visits of names with their scores; how many in view are unknown, and how many not known yet."""

    visits: tuple[tuple[Visit, float], ...]
    unknown: int
    unsure: int

    def differs(self, now: _Present) -> bool:
        """Whether ``now`` is worth telling."""
        if (self.unknown, self.unsure, len(self.visits)) != (now.unknown, now.unsure, len(now.visits)):
            return True
        pairs = zip(self.visits, now.visits, strict=True)
        return any(
            told is not visit or abs(before - score) >= _MEANINGFUL
            for (told, before), (visit, score) in pairs
        )


class Attendance:
    """The last state that was told, and whether another one is worth telling."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._told: _Present | None = None

    def tell(self, present: Sequence[Visit], in_view: Sequence[Visit | None], wall: datetime) -> State | None:
        """The state, or None where it says what the last one said; the first call always tells.

        present: visits that have not been away for too long. in_view: those of the faces in view, None of who
        is on none.
        """
        named = [(visit, visit.newest.score) for visit in present if visit.label != UNKNOWN]
        named.sort(key=lambda one: (one[0].since, one[0].label))
        unknown = sum(visit is not None and visit.label == UNKNOWN for visit in in_view)
        now = _Present(tuple(named), unknown, sum(visit is None for visit in in_view))
        if self._told is not None and not self._told.differs(now):
            return None
        self._told = now
        items = [
            {
                self._behaviour.label: self._behaviour.value(visit.label),
                "since": visit.since,
                "track": visit.number,
                "score": round(score, 3),
            }
            for visit, score in named
        ]
        fields = {self._behaviour.items: items, "unknown": now.unknown, "unsure": now.unsure}
        return State(f"{self._behaviour.recognizer}/state", fields, wall)
