"""Identities over frames: detections become tracks, looks become votes, and both become news."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from edge.geometry import clip, size_of
from edge.records import Description, Detection, Event, Frame, State, Target, Track
from edge.track.assign import Floats, common_motion, pairs, widened
from edge.track.behaviour import Behaviour
from edge.track.crops import promise
from edge.track.events import Announcer, Occasion
from edge.track.looks import looked, paying, wanted
from edge.track.meetings import (
    doubt_who_met,
    doubt_who_parted,
    doubt_who_was_lost,
    doubt_who_was_mixed_up,
)
from edge.track.motion import Drift, Motion
from edge.track.naming import NameVote
from edge.track.path import Path
from edge.track.presence import Presence
from edge.track.settings import EventSettings, TrackingSettings
from edge.track.state import InView
from edge.track.vote import Vote

_MARKING = 0.25
"""How much a new look at a decimal mark counts: three sure ones in a row make one, or unmake it; of a mark of
0.6 it takes seven."""
_STROLL = 1.0
"""Seconds over which somebody unseen is expected to stop: people walk on behind what hides them."""


class Tracker:
    """The tracks of one recognizer. One thread; ``now`` is monotonic seconds and never goes back."""

    def __init__(self, behaviour: Behaviour, tracking: TrackingSettings, events: EventSettings) -> None:
        self._behaviour = behaviour
        self._settings = tracking.of_people() if behaviour.presence else tracking
        self._announcer = Announcer(behaviour, events)
        self._in_view = InView(behaviour)
        self._presence: Presence | None = None
        if behaviour.presence:
            self._presence = Presence(behaviour, self._settings, events, self._announcer, self._number)
        self._paths: dict[int, Path] = {}
        self._next = 1
        self._occasion: Occasion | None = None
        self.threshold = 0.0
        """Lowest score that is told, 0..1, besides ``sure``; may be set between two frames."""
        self._counts = {"tracks": 0, "tracks_refused": 0}

    def associate(self, frame: Frame, detections: Sequence[Detection], now: float) -> list[Target]:
        """Joins detections to tracks, begins new ones; gives those that want a closer look, best first."""
        elapsed = 0.0 if self._occasion is None else max(now - self._occasion.now, 0.0)
        self._occasion = Occasion(now, frame.wall, frame.captured, frame.sequence, size_of(frame.image))
        paths = list(self._paths.values())
        people = self._presence is not None
        drift = Drift([] if people else [path.motion for path in paths])
        for path in paths:
            path.motion.predict(elapsed)
        if people:
            joined = self._join_people(paths, detections, now)
        else:
            joined = self._join(paths, detections, elapsed)
        for path in paths:
            path.detection = None
        for row, column in joined:
            self._see(paths[row], detections[column], elapsed, now)
        unseen = [row for row, path in enumerate(paths) if path.detection is None]
        if people:
            for row in unseen:
                paths[row].motion.coast(elapsed, _STROLL)
            doubt_who_met(paths, _boxes([path.motion.box for path in paths]))
        else:
            drift.follow([row for row, _ in joined], unseen, elapsed)
        self._drop_flashes([paths[row] for row in unseen], now)
        taken = {column for _, column in joined}
        self._begin([detection for i, detection in enumerate(detections) if i not in taken], now)
        choose = paying if self._presence else wanted
        return choose(self._paths.values(), self._settings, now)

    def absorb(self, descriptions: Sequence[Description], now: float) -> tuple[list[Event], list[State]]:
        """Counts the closer looks, ends what is gone, and tells what changed.

        Also without an ``associate`` before it, when no frame comes. Nothing is told before
        the first frame. Descriptions of tracks that have ended are ignored.
        """
        for description in descriptions:
            path = self._paths.get(description.track)
            if path is not None:
                self._look_closer(path, description, now)
        if self._occasion is None:
            return [], []
        ended = [path for path in self._paths.values() if now - path.seen > self._settings.patience]
        for path in ended:
            del self._paths[path.id]
        occasion = _later(self._occasion, now)
        lowest = max(self._settings.sure, self.threshold)
        if self._presence is not None:
            return self._tell_of_people(self._presence, occasion, lowest)
        tracks = [track for track in self.tracks() if track.confirmed and track.label is not None]
        events = self._announcer.tell(tracks, [path.record() for path in ended], occasion, lowest)
        # What was told stays in view until it ends, though its score may fall for a while.
        shown = [
            track
            for track in tracks
            if (track.score >= lowest or self._announcer.knows(track.id)) and not _gone(track, occasion.size)
        ]
        state = self._in_view.tell(shown, occasion.size, occasion.wall)
        return events, [] if state is None else [state]

    def change(self, tracking: TrackingSettings, events: EventSettings) -> None:
        """Other settings from here on; what is followed stays what it is."""
        self._settings = tracking.of_people() if self._presence else tracking
        self._announcer.change(events)
        if self._presence is not None:
            self._presence.change(self._settings, events)
        for path in self._paths.values():
            path.vote.settings = self._settings
            if isinstance(path.vote, NameVote):
                path.vote.unknown_votes = self._settings.presence.unknown_votes

    def reconsider(self, known: Collection[str] | None = None) -> None:
        """What names mean has changed (somebody was enrolled, denied, forgotten): looks at all again soon,
        and believes the new looks as if they were the first ones.

        known: the names that there are now, where that is known; who has none of them is nobody from here on.
        """
        for path in self._paths.values():
            path.revise(known)
        if self._presence is not None and known is not None:
            self._presence.forget_all_but(known)

    def close(self, now: float) -> tuple[list[Event], list[State]]:
        """Nothing is looked for any more: ends all that is followed, and tells that nothing is in view."""
        if self._occasion is None:
            return [], []
        ended = [path.record() for path in self._paths.values()]
        self._paths.clear()
        occasion = _later(self._occasion, now)
        if self._presence is not None:
            events, state = self._presence.close(occasion)
            return events, [] if state is None else [state]
        state = self._in_view.tell([], occasion.size, occasion.wall)
        return self._announcer.tell([], ended, occasion), [] if state is None else [state]

    def tracks(self) -> list[Track]:
        """All tracks by id, also those that are not confirmed yet."""
        return [path.record() for path in self._paths.values()]

    def counters(self) -> dict[str, int]:
        """Totals since the start: those of ``Announcer`` and ``Presence``, tracks begun, and tracks refused
        at the bound."""
        visits = self._presence.counters() if self._presence else {}
        return self._counts | self._announcer.counters() | visits

    def _vote(self) -> Vote:
        if self._presence is None:
            return Vote(self._settings)
        return NameVote(self._settings, unknown_votes=self._settings.presence.unknown_votes)

    def _number(self) -> int:
        """One that no track has had."""
        self._next += 1
        return self._next - 1

    def _look_closer(self, path: Path, description: Description, now: float) -> None:
        if isinstance(path.vote, NameVote):
            measured = {"quality": description.quality, **description.extras}
            path.vote.look_closer(description.label, description.score, description.quality, measured, now)
            looked(path)
        else:
            path.vote.look(description.label, description.score, description.quality, now)

    def _tell_of_people(
        self, presence: Presence, occasion: Occasion, lowest: float
    ) -> tuple[list[Event], list[State]]:
        paths = list(self._paths.values())
        left = presence.settle(paths, occasion, lowest)
        paths = [path for path in paths if path not in left]
        self._paths = {path.id: path for path in paths}
        events, state = presence.tell(paths, occasion)
        return events, [] if state is None else [state]

    def _join(
        self, paths: Sequence[Path], detections: Sequence[Detection], elapsed: float
    ) -> list[tuple[int, int]]:
        expected = _boxes([path.motion.box for path in paths])
        found = _boxes([detection.box for detection in detections])
        agree = _agreement([path.label for path in paths], [detection.label for detection in detections])
        dx, dy = common_motion(expected, found, agree, self._settings.reach)
        if dx or dy:
            expected[:, :2] += dx, dy
            for path in paths:
                path.motion.carry(float(dx), float(dy), elapsed)
        return pairs(expected, found, agree, self._settings.reach)

    def _join_people(
        self, paths: Sequence[Path], detections: Sequence[Detection], now: float
    ) -> list[tuple[int, int]]:
        """As ``_join``, but each goes a way of their own, and who may have been mixed up is doubted."""
        expected = _boxes([path.motion.box for path in paths])
        found = _boxes([detection.box for detection in detections])
        unseen = np.array([now - path.seen for path in paths], np.float64)
        agree = np.ones((len(paths), len(detections)), np.bool_)
        joined = pairs(expected, found, agree, widened(self._settings.reach, unseen))
        doubt_who_was_mixed_up(paths, expected, found, joined)
        return joined

    def _see(self, path: Path, detection: Detection, elapsed: float, now: float) -> None:
        if self._presence is not None:
            doubt_who_was_lost(path, now)
            path.promise = promise(detection)
        path.motion.correct(detection.box, elapsed, self._settings.smoothing)
        path.detection = detection
        path.marked += _MARKING * (detection.mark - path.marked)
        path.seen = now
        path.sightings += 1
        enough = path.sightings >= self._settings.confirm_looks
        path.confirmed |= enough and now - path.since >= self._settings.confirm
        if detection.label is not None:
            path.vote.look(detection.label, detection.score, 1.0, now)

    def _drop_flashes(self, unseen: Sequence[Path], now: float) -> None:
        """What flashes up now and then in noise must not gather looks until it is confirmed."""
        for path in unseen:
            if not path.confirmed and now - path.seen > self._settings.confirm:
                del self._paths[path.id]

    def _begin(self, detections: Sequence[Detection], now: float) -> None:
        named_at_once = self._behaviour.named_by == "detect"
        candidates = [d for d in detections if d.label is not None or not named_at_once]
        for detection in sorted(candidates, key=lambda d: -d.score):
            if len(self._paths) >= self._settings.max_tracks:
                self._counts["tracks_refused"] += 1
                continue
            path = Path(self._number(), Motion.of(detection.box), self._vote(), now, now, detection)
            if self._presence is not None:
                doubt_who_parted(self._paths.values(), detection.box)
                path.promise = promise(detection)
            if detection.label is not None:
                path.vote.look(detection.label, detection.score, 1.0, now)
            self._paths[path.id] = path
            self._counts["tracks"] += 1


def _later(occasion: Occasion, now: float) -> Occasion:
    """The same frame, ``now``: its own time in its tick, later while no frame comes."""
    elapsed = max(now - occasion.now, 0.0)
    return Occasion(
        max(now, occasion.now),
        occasion.wall + timedelta(seconds=elapsed),
        occasion.captured + round(elapsed * 1e9),
        occasion.sequence,
        occasion.size,
    )


def _boxes(boxes: Sequence[tuple[float, float, float, float]]) -> Floats:
    return np.array(boxes, np.float64).reshape(-1, 4)


def _agreement(tracks: Sequence[str | None], detections: Sequence[str | None]) -> NDArray[np.bool_]:
    """(N, M): True where the labels are equal, or one of them says nothing."""
    numbers = {label: i for i, label in enumerate({*tracks, *detections} - {None})}
    rows = np.array([-1 if label is None else numbers[label] for label in tracks], np.int64)[:, None]
    columns = np.array([-1 if label is None else numbers[label] for label in detections], np.int64)[None, :]
    return np.asarray((rows == columns) | (rows < 0) | (columns < 0), np.bool_)


def _gone(track: Track, size: tuple[int, int]) -> bool:
    """Whether it has moved out of the picture: it may come back, but is not in view."""
    left = clip(track.box, *size)
    return left.w <= 0 or left.h <= 0
