"""Who is there: visits of people with a name, and of strangers, whose tracks come and go.

A visit begins when a track is first believed to be somebody, and outlasts the track: somebody who comes back
within the cooldown, anywhere in the picture, is on the same visit. It keeps its number, which the new
track takes over. What holds then:

- each ``new`` is followed by one ``end`` with the same track, after the visit is over, and not before;
- nobody is on two visits at once. A second face of the same name (somebody alike, a photograph) is told of as
  nobody and counted as unsure, unless it is clearly the surer one: then it takes the visit over;
- a visit of somebody unknown may become that of a name, once (``update``), or end at once where that name is
  on a visit already. A visit of a name stays that name's: a track that turns out to be somebody else leaves
  it and gets a number of its own;
- a stranger has no name to be known again by: who is unknown near to where somebody unknown went, within the
  cooldown, is taken for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

from edge.geometry import clip
from edge.records import UNKNOWN, Event, State, Track
from edge.track.attendance import Attendance
from edge.track.behaviour import Behaviour
from edge.track.events import Announcer, Occasion, same_place
from edge.track.naming import NameVote
from edge.track.path import Path
from edge.track.settings import EventSettings, TrackingSettings
from edge.track.visit import Visit

_SURER = 0.15
"""By so much more score a second face of the same name takes the place of the first."""


class Presence:
    """The visits of one recognizer. One thread; ``now`` is monotonic seconds."""

    def __init__(
        self,
        behaviour: Behaviour,
        tracking: TrackingSettings,
        events: EventSettings,
        announcer: Announcer,
        number: Callable[[], int],
    ) -> None:
        """``number`` gives one that no track has had."""
        self._behaviour = behaviour
        self._tracking = tracking
        self._events = events
        self._announcer = announcer
        self._number = number
        self._visits: dict[int, Visit] = {}
        self._twice: set[int] = set()
        self._attendance = Attendance(behaviour)
        self._counts = {
            "visits": 0,
            "visits_resumed": 0,
            "visits_cut_short": 0,
            "names_corrected": 0,
            "names_twice": 0,
        }

    def change(self, tracking: TrackingSettings, events: EventSettings) -> None:
        """Other settings from here on."""
        self._tracking, self._events = tracking, events

    def forget_all_but(self, known: Collection[str]) -> None:
        """Other names than these are nobody's any more: their visits end at once."""
        for visit in self._visits.values():
            visit.mistaken |= visit.label not in {*known, UNKNOWN}

    def counters(self) -> dict[str, int]:
        """Totals since the start.

        visits: begun. visits_resumed: tracks that were somebody come back. visits_cut_short: ended before
        their time at the bound (events.max_remembered). names_corrected: tracks that turned out to be
        somebody else. names_twice: second faces of a name that somebody in view has already.
        """
        return dict(self._counts)

    def settle(self, paths: Sequence[Path], occasion: Occasion, lowest: float) -> list[Path]:
        """Brings visits and tracks together: begins visits, resumes them, corrects those that went wrong.

        May change the number of a path. Gives those that nothing is to be followed of any more: the old
        track of somebody who was found elsewhere. lowest: score that a name needs to be told.
        """
        left: list[Path] = []
        twice, self._twice = self._twice, set()
        for path in paths:
            visit = self._visits.get(path.id)
            if visit and visit.label not in (path.vote.label, UNKNOWN):
                path.id = self._number()
                self._counts["names_corrected"] += 1
                visit.mistaken |= isinstance(path.vote, NameVote) and path.vote.revised
            if isinstance(path.vote, NameVote):
                path.vote.revised &= path.vote.doubted
        by_number = {path.id: path for path in paths}
        ready = [path for path in paths if path.confirmed and _is_believed(path, lowest)]
        for path in sorted(ready, key=lambda p: (-p.vote.score, p.id)):
            if path not in left:
                left += self._enter(path, by_number, occasion)
        for path in paths:
            visit = self._visits.get(path.id)
            if visit and path not in left:
                visit.newest = path.record()
                if isinstance(path.vote, NameVote):
                    visit.extras = path.vote.extras
        self._counts["names_twice"] += len(self._twice - twice)
        return left

    def tell(self, paths: Sequence[Path], occasion: Occasion) -> tuple[list[Event], State | None]:
        """What happened, and who is there if that is news. ``paths`` as ``settle`` has left them."""
        carried = {path.id for path in paths}
        over = [
            visit
            for visit in self._visits.values()
            if visit.mistaken or (visit.number not in carried and self._is_over(visit, occasion.now))
        ]
        over += self._beyond_bound(carried, len(over))
        over = list({visit.number: visit for visit in over}.values())  # one may be both
        for visit in over:
            del self._visits[visit.number]
        here = [self._record(v, occasion) for v in self._visits.values() if v.number in carried]
        gone = [self._record(visit, occasion) for visit in over]
        events = self._announcer.tell(here, gone, occasion)
        return events, self._attend(paths, occasion)

    def close(self, occasion: Occasion) -> tuple[list[Event], State | None]:
        """Nobody is looked for any more: all visits are over."""
        gone = [self._record(visit, occasion) for visit in self._visits.values()]
        self._visits.clear()
        return self._announcer.tell([], gone, occasion), self._attend([], occasion)

    def _enter(self, path: Path, paths: dict[int, Path], occasion: Occasion) -> list[Path]:
        """A path that is believed to be somebody finds its visit."""
        label = path.vote.label
        assert label is not None
        own = self._visits.get(path.id)
        if own and own.label == label:
            return []
        visit = self._stranger(path, paths) if label == UNKNOWN else self._named(label)
        if visit is None and own is None:
            since = occasion.wall - timedelta(seconds=max(occasion.now - path.since, 0.0))
            self._visits[path.id] = Visit(path.id, label, since, path.record(), {})
            self._counts["visits"] += 1
            return []
        if visit is None:
            assert own is not None, "a stranger got a name"
            own.label = label
            return []
        holder = paths.get(visit.number)
        if holder is None:
            self._counts["visits_resumed"] += 1
            self._take(path, visit, paths)
            self._announcer.moved_on(visit.number, path.motion.box, occasion.now)
            return []
        if not self._outdoes(path, holder, occasion.now):
            self._twice.add(path.id)
            return []
        # One that was lost before the other came is the same somebody: there is nothing more to follow.
        is_same = holder.detection is None and path.since > holder.seen
        self._counts["visits_resumed" if is_same else "names_corrected"] += 1
        self._take(path, visit, paths)
        holder.id = self._number()
        paths[holder.id] = holder
        holder.doubt()
        return [holder] if is_same else []

    def _take(self, path: Path, visit: Visit, paths: dict[int, Path]) -> None:
        """``path`` goes on with ``visit``; what it was told to be before was a mistake."""
        before = self._visits.get(path.id)
        if before is not None:
            before.mistaken = True
        paths.pop(path.id, None)
        path.id, path.afresh = visit.number, True
        paths[path.id] = path

    def _named(self, label: str) -> Visit | None:
        same = (visit for visit in self._visits.values() if visit.label == label and not visit.mistaken)
        return next(same, None)

    def _stranger(self, path: Path, paths: Mapping[int, Path]) -> Visit | None:
        """The visit of somebody unknown who went from here."""
        box, share = path.motion.box, self._tracking.presence.place
        for visit in reversed(self._visits.values()):
            free = visit.label == UNKNOWN and visit.number not in paths and not visit.mistaken
            if free and same_place(visit.newest.box, box, share):
                return visit
        return None

    def _outdoes(self, path: Path, holder: Path, now: float) -> bool:
        """Whether ``path`` is rather who ``holder`` was held to be."""
        if path.detection is None:
            return False
        if holder.detection is None:
            return now - holder.seen > self._tracking.confirm
        doubted = [isinstance(p.vote, NameVote) and p.vote.doubted for p in (path, holder)]
        if doubted[0] != doubted[1]:
            return doubted[1]
        return path.vote.score > holder.vote.score + _SURER

    def _is_over(self, visit: Visit, now: float) -> bool:
        away = self._tracking.patience if visit.label == UNKNOWN else self._tracking.presence.away
        return now - visit.newest.seen > max(away, self._events.cooldown)

    def _beyond_bound(self, carried: set[int], ending: int) -> list[Visit]:
        """Those that must end early, longest unseen first: memory is bounded."""
        spare = len(self._visits) - ending - self._events.max_remembered
        if spare <= 0:
            return []
        unseen = sorted(
            (visit for visit in self._visits.values() if visit.number not in carried),
            key=lambda visit: visit.newest.seen,
        )[:spare]
        self._counts["visits_cut_short"] += len(unseen)
        return unseen

    def _attend(self, paths: Sequence[Path], occasion: Occasion) -> State | None:
        away, carried = self._tracking.presence.away, {path.id for path in paths}
        present = [
            visit
            for visit in self._visits.values()
            if visit.number in carried or occasion.now - visit.newest.seen <= away
        ]
        shown = [path for path in paths if path.confirmed and _is_inside(path, occasion.size)]
        return self._attendance.tell(present, [self._visits.get(path.id) for path in shown], occasion.wall)

    def _record(self, visit: Visit, occasion: Occasion) -> Track:
        """A visit as events tell it."""
        measured = {name: visit.extras.get(name) for name in self._behaviour.extras}
        unseen = timedelta(seconds=max(occasion.now - visit.newest.seen, 0.0))
        extras = {**measured, "since": visit.since, "seen": occasion.wall - unseen}
        newest = visit.newest
        return Track(
            visit.number,
            newest.box,
            visit.label,
            newest.score,
            newest.since,
            newest.seen,
            newest.confirmed,
            extras=extras,
        )


def _is_believed(path: Path, lowest: float) -> bool:
    """Whether looks agree on who it is. A name needs the score ``lowest``: to be a stranger claims less."""
    vote = path.vote
    if not (isinstance(vote, NameVote) and vote.agreed):
        return False
    return vote.label == UNKNOWN or vote.score >= lowest


def _is_inside(path: Path, size: tuple[int, int]) -> bool:
    left = clip(path.motion.box, *size)
    return left.w > 0 and left.h > 0
