"""The newest state of each topic, until its turn comes; in memory, since older ones are worth nothing. And
letters, which are sent once: answers to commands, pictures that were asked for.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from edge.transmit.topics import Rule

INTERVAL = 1.0
"""Seconds between two sendings of the same topic at least."""

OUTSIDE = 16
"""Topics outside of the device's own that can be announced at most: discovery needs one."""

LETTERS = 64
"""Letters that wait at most; commands come at a bounded rate, so only a long loss of the broker fills it."""


@dataclass(frozen=True, slots=True, eq=False)
class Posted:
    """What hangs on the board: a state's topic and its payload.

    ``outside``: None, and ``topic`` is relative to the device; or how it is sent, and ``topic`` is whole.
    """

    topic: str
    payload: bytes
    outside: Rule | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Letter:
    """What is sent once. ``topic`` is whole. ``correlation``: what the asker gave to know the answer by."""

    topic: str
    payload: bytes
    how: Rule
    correlation: bytes | None = None


@dataclass(slots=True)
class _Place:
    """One topic: what was posted last, whether that was sent, and when the topic was last sent."""

    posted: Posted
    fresh: bool
    sent: float


class Board:
    """Thread-safe. As many places as there are topics, which the configuration and ``OUTSIDE`` bound."""

    def __init__(self, heartbeat: float) -> None:
        """``heartbeat``: seconds after which a state without change is sent again."""
        self._heartbeat = heartbeat
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._letters: deque[Letter] = deque()
        self._counts = {"states_replaced": 0, "announcements_dropped": 0, "letters_dropped": 0}

    def change(self, heartbeat: float) -> None:
        """Another heartbeat from here on."""
        with self._lock:
            self._heartbeat = heartbeat

    def post(self, posted: Posted) -> None:
        """Replaces what its topic said; a new topic outside beyond ``OUTSIDE`` is dropped and counted."""
        with self._lock:
            if posted.outside and posted.topic not in self._places and self._outside() >= OUTSIDE:
                self._counts["announcements_dropped"] += 1
                return
            place = self._places.setdefault(posted.topic, _Place(posted, fresh=False, sent=float("-inf")))
            self._counts["states_replaced"] += place.fresh
            place.posted, place.fresh = posted, True

    def write(self, letter: Letter) -> None:
        """Lays a letter down; at the bound the oldest goes. One without QoS replaces those of its topic."""
        with self._lock:
            if not letter.how.qos:
                self._letters = deque(each for each in self._letters if each.topic != letter.topic)
            if len(self._letters) >= LETTERS:
                self._letters.popleft()
                self._counts["letters_dropped"] += 1
            self._letters.append(letter)

    def fetch(self) -> Letter | None:
        """The oldest letter, which is in flight from now on."""
        with self._lock:
            return self._letters.popleft() if self._letters else None

    def recall(self, letters: Iterable[Letter]) -> None:
        """Letters in flight wait again, in front, in the given order."""
        with self._lock:
            self._letters.extendleft(reversed(list(letters)))

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
            return not (self._letters or any(place.fresh for place in self._places.values()))

    def again(self) -> None:
        """All states are due at once: this is a new connection, whose broker may know none.

        Letters without QoS are dropped: a picture that was asked for before the loss is an old one.
        """
        with self._lock:
            for place in self._places.values():
                place.fresh, place.sent = True, float("-inf")
            kept = deque(letter for letter in self._letters if letter.how.qos)
            self._counts["letters_dropped"] += len(self._letters) - len(kept)
            self._letters = kept

    def counters(self) -> dict[str, int]:
        """``states_replaced``: states that a newer one replaced before they were sent. ``letters_dropped``:
        answers and pictures dropped at the bound or outdated. ``announcements_dropped``: beyond the bound."""
        with self._lock:
            return dict(self._counts)

    def _outside(self) -> int:
        return sum(place.posted.outside is not None for place in self._places.values())

    def _is_due(self, place: _Place, now: float) -> bool:
        if place.fresh:
            return now - place.sent >= INTERVAL
        # What is announced outside is retained for others to find: it changes rarely and is large.
        return place.posted.outside is None and now - place.sent >= self._heartbeat
