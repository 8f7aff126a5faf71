"""The newest state of each topic, until its turn comes; in memory, since older ones are worth nothing."""

from __future__ import annotations

import threading
from dataclasses import dataclass

INTERVAL = 1.0
"""Seconds between two sendings of the same topic at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Posted:
    """What hangs on the board: a state's relative topic and its payload."""

    topic: str
    payload: bytes


@dataclass(slots=True)
class _Place:
    """One topic: what was posted last, whether that was sent, and when the topic was last sent."""

    posted: Posted
    fresh: bool
    sent: float


class Board:
    """Thread-safe. As many places as there are topics, which the configuration bounds."""

    def __init__(self, heartbeat: float) -> None:
        """``heartbeat``: seconds after which a state without change is sent again."""
        self._heartbeat = heartbeat
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._replaced = 0

    def post(self, posted: Posted) -> None:
        """Replaces what its topic said."""
        with self._lock:
            place = self._places.setdefault(posted.topic, _Place(posted, fresh=False, sent=float("-inf")))
            self._replaced += place.fresh
            place.posted, place.fresh = posted, True

    def due(self, now: float) -> list[Posted]:
        """What is to be sent now: the new, at most once a second a topic, and what the heartbeat wants."""
        with self._lock:
            return [place.posted for place in self._places.values() if self._is_due(place, now)]

    def sent(self, posted: Posted, now: float) -> None:
        """``posted`` was handed to the connection; a newer one of its topic stays due."""
        with self._lock:
            place = self._places[posted.topic]
            place.sent = now
            place.fresh = place.posted is not posted

    def hurry(self) -> None:
        """What is new is due at once: this is the end, and the last word counts."""
        with self._lock:
            for place in self._places.values():
                if place.fresh:
                    place.sent = float("-inf")

    def idle(self) -> bool:
        """Whether nothing new waits."""
        with self._lock:
            return not any(place.fresh for place in self._places.values())

    def again(self) -> None:
        """All states are due at once: this is a new connection, whose broker may know none."""
        with self._lock:
            for place in self._places.values():
                place.fresh, place.sent = True, float("-inf")

    def counters(self) -> dict[str, int]:
        """``states_replaced``: states that a newer one replaced before they were sent."""
        return {"states_replaced": self._replaced}

    def _is_due(self, place: _Place, now: float) -> bool:
        return now - place.sent >= (INTERVAL if place.fresh else self._heartbeat)
