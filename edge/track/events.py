"""What is told of tracks: ``new``, ``update``, ``end``, each once, and nothing of a still scene."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from edge.geometry import centre
from edge.records import Box, Event, EventType, Track
from edge.track.behaviour import Behaviour
from edge.track.settings import EventSettings


@dataclass(frozen=True, slots=True)
class Occasion:
    """When something is told: ``now`` in monotonic seconds, and the frame it was decided on.

    ``wall`` and ``captured`` are the time of the decision: the frame's own, or later when a
    track ends while no frame comes.
    """

    now: float
    wall: datetime
    captured: int
    sequence: int
    size: tuple[int, int]


@dataclass(slots=True)
class _Told:
    """What subscribers know of a track. ``published`` is False for one that came back within its cooldown."""

    label: str
    box: Box
    at: float
    published: bool


@dataclass(frozen=True, slots=True)
class _Gone:
    """A label and its last place, until ``at`` plus the cooldown."""

    label: str
    box: Box
    at: float


class Announcer:
    """Compares what tracks are with what was told of them.

    The first that is told of a track is always ``new``, and ``end`` is told only after it.
    Where events come faster than allowed, ``new`` and ``update`` wait for a later frame, and tell what is
    so then; ``end`` never waits, since each follows a ``new`` that was allowed. A thing that is less sure
    than ``lowest`` waits in the same way until it is sure enough.
    """

    def __init__(self, behaviour: Behaviour, settings: EventSettings) -> None:
        self._behaviour = behaviour
        self._settings = settings
        self._told: dict[int, _Told] = {}
        self._gone: deque[_Gone] = deque()
        self._allowance = float(settings.max_per_minute)
        self._refilled: float | None = None
        self._counts = {"events": 0, "events_silenced": 0, "events_delayed": 0, "cooldowns_dropped": 0}

    def change(self, settings: EventSettings) -> None:
        """Other settings from here on; what was told stays told."""
        self._settings = settings

    def tell(
        self, tracks: Iterable[Track], ended: Iterable[Track], occasion: Occasion, lowest: float = 0.0
    ) -> list[Event]:
        """Events for ``tracks`` (confirmed and named, as they are now) and for those that ``ended``.

        In this order: ``end``, then the others, each by track. ``lowest``: score that ``new`` and ``update``
        need.
        """
        self._refill(occasion.now)
        self._forget(occasion.now)
        events = [event for track in ended for event in self._end(track, occasion)]
        events += [event for track in tracks for event in self._follow(track, occasion, lowest)]
        self._counts["events"] += len(events)
        return events

    def counters(self) -> dict[str, int]:
        """Totals since the start.

        events: told. events_silenced: kept back by a cooldown. events_delayed: looks at which
        one had to wait for its allowance. cooldowns_dropped: forgotten at the bound.
        """
        return dict(self._counts)

    def knows(self, track: int) -> bool:
        """Whether anything was told of this track, or kept back because it is something told before."""
        return track in self._told

    def moved_on(self, track: int, box: Box, now: float) -> None:
        """It is elsewhere now, and that is no news: somebody went out of view and came back."""
        told = self._told.get(track)
        if told is not None:
            told.box, told.at = box, now

    def _follow(self, track: Track, occasion: Occasion, lowest: float) -> Sequence[Event]:
        label = track.label
        if label is None or track.score < lowest:
            return ()
        told = self._told.get(track.id)
        if told is None or (not told.published and told.label != label):
            return self._begin(track, label, occasion)
        if told.label != label or (told.published and self._moved(track, told, occasion.now)):
            return self._publish("update", track, label, occasion)
        return ()

    def _begin(self, track: Track, label: str, occasion: Occasion) -> Sequence[Event]:
        if self._is_again(track, label):
            self._told[track.id] = _Told(label, track.box, occasion.now, published=False)
            self._counts["events_silenced"] += 1
            return ()
        return self._publish("new", track, label, occasion)

    def _publish(
        self, event_type: EventType, track: Track, label: str, occasion: Occasion
    ) -> Sequence[Event]:
        if self._allowance < 1:
            self._counts["events_delayed"] += 1
            return ()
        self._allowance -= 1
        self._told[track.id] = _Told(label, track.box, occasion.now, published=True)
        return (self._event(event_type, track, label, occasion),)

    def _end(self, track: Track, occasion: Occasion) -> Sequence[Event]:
        told = self._told.pop(track.id, None)
        if told is None:
            return ()
        if not self._behaviour.presence:
            self._remember(_Gone(told.label, track.box, occasion.now))
        return (self._event("end", track, told.label, occasion),) if told.published else ()

    def _event(self, event_type: EventType, track: Track, label: str, occasion: Occasion) -> Event:
        return Event(
            recognizer=self._behaviour.recognizer,
            event_type=event_type,
            wall=occasion.wall,
            captured=occasion.captured,
            track=track.id,
            score=track.score,
            box=track.box,
            sequence=occasion.sequence,
            size=occasion.size,
            fields={self._behaviour.label: self._behaviour.value(label), **track.extras},
        )

    def _moved(self, track: Track, told: _Told, now: float) -> bool:
        # A place that is only predicted, while the thing is not seen, is no news.
        if track.seen < now or now - told.at < self._settings.move_interval:
            return False
        return displacement(told.box, track.box) > self._settings.moved

    def _is_again(self, track: Track, label: str) -> bool:
        """Whether this is something that was told and went a short while ago; then it is taken from memory.

        Of visits nothing is remembered: they last until nobody comes back to them.
        """
        for gone in self._gone:
            if gone.label == label and same_place(gone.box, track.box, self._settings.place):
                self._gone.remove(gone)
                return True
        return False

    def _remember(self, gone: _Gone) -> None:
        if len(self._gone) >= self._settings.max_remembered:
            self._gone.popleft()
            self._counts["cooldowns_dropped"] += 1
        self._gone.append(gone)

    def _forget(self, now: float) -> None:
        while self._gone and now - self._gone[0].at > self._settings.cooldown:
            self._gone.popleft()

    def _refill(self, now: float) -> None:
        """A token bucket: a minute's worth at once, refilled steadily."""
        full = float(self._settings.max_per_minute)
        elapsed = 0.0 if self._refilled is None else max(now - self._refilled, 0.0)
        self._allowance = min(full, self._allowance + elapsed * full / 60)
        self._refilled = now


def displacement(before: Box, after: Box) -> float:
    """How far the centre moved or a side grew, as a share of the longer side: 0 where nothing changed."""
    (ax, ay), (bx, by) = centre(before), centre(after)
    change = max(abs(bx - ax), abs(by - ay), abs(after.w - before.w), abs(after.h - before.h))
    return change / max(before.w, before.h, 1e-6)


def same_place(a: Box, b: Box, share: float) -> bool:
    """Whether both centres are within ``share`` of the sides; a thin 1 counts as half as wide as high."""
    (ax, ay), (bx, by) = centre(a), centre(b)
    reach_x, reach_y = max(a.w, a.h / 2), max(a.h, a.w / 2)
    return abs(ax - bx) <= share * reach_x and abs(ay - by) <= share * reach_y
