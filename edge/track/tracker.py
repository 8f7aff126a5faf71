"""Identities over frames: detections become tracks, looks become votes, and both become news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from edge.geometry import clip, size_of
from edge.records import Description, Detection, Event, Frame, Reason, State, Target, Track
from edge.track.assign import Floats, common_motion, pairs
from edge.track.behaviour import Behaviour
from edge.track.events import Announcer, Occasion
from edge.track.motion import Drift, Motion
from edge.track.settings import EventSettings, TrackingSettings
from edge.track.state import InView
from edge.track.vote import Vote

_URGENCY: dict[Reason, int] = {"new": 0, "unsure": 1, "due": 2}


_MARKING = 0.25
"""How much a new look at a decimal mark counts: three in a row make one, or unmake it."""


@dataclass(slots=True, eq=False)
class _Path:
    """A track as it is kept. ``detection`` is that of the newest frame, None where it was not seen there."""

    id: int
    motion: Motion
    vote: Vote
    since: float
    seen: float
    detection: Detection | None
    sightings: int = 1
    marked: float = 0.0
    confirmed: bool = False

    @property
    def label(self) -> str | None:
        """What it is held to be; before that, what the last detection said, if anything."""
        if self.vote.label is not None or self.detection is None:
            return self.vote.label
        return self.detection.label

    def record(self) -> Track:
        return Track(
            self.id,
            self.motion.box,
            self.vote.label,
            self.vote.score,
            self.since,
            self.seen,
            self.confirmed,
            mark=self.marked > 0.5,
        )


class Tracker:
    """The tracks of one recognizer. One thread; ``now`` is monotonic seconds and never goes back."""

    def __init__(self, behaviour: Behaviour, tracking: TrackingSettings, events: EventSettings) -> None:
        self._behaviour = behaviour
        self._settings = tracking
        self._announcer = Announcer(behaviour, events)
        self._in_view = InView(behaviour)
        self._paths: dict[int, _Path] = {}
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
        drift = Drift([path.motion for path in paths])
        for path in paths:
            path.motion.predict(elapsed)
        joined = self._join(paths, detections, elapsed)
        for path in paths:
            path.detection = None
        for row, column in joined:
            self._see(paths[row], detections[column], elapsed, now)
        unseen = [row for row, path in enumerate(paths) if path.detection is None]
        drift.follow([row for row, _ in joined], unseen, elapsed)
        self._drop_flashes([paths[row] for row in unseen], now)
        taken = {column for _, column in joined}
        self._begin([detection for i, detection in enumerate(detections) if i not in taken], now)
        return self._targets(now)

    def absorb(self, descriptions: Sequence[Description], now: float) -> tuple[list[Event], list[State]]:
        """Counts the closer looks, ends what is gone, and tells what changed.

        Also without an ``associate`` before it, when no frame comes. Nothing is told before
        the first frame. Descriptions of tracks that have ended are ignored.
        """
        for description in descriptions:
            path = self._paths.get(description.track)
            if path is not None:
                path.vote.look(description.label, description.score, description.quality, now)
        if self._occasion is None:
            return [], []
        if self._behaviour.cooldown == "label":
            self._rejoin()
        ended = [path for path in self._paths.values() if now - path.seen > self._settings.patience]
        for path in ended:
            del self._paths[path.id]
        tracks = [track for track in self.tracks() if track.confirmed and track.label is not None]
        occasion = _later(self._occasion, now)
        lowest = max(self._settings.sure, self.threshold)
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
        self._settings = tracking
        self._announcer.change(events)
        for path in self._paths.values():
            path.vote.settings = tracking

    def close(self, now: float) -> tuple[list[Event], list[State]]:
        """Nothing is looked for any more: ends all that is followed, and tells that nothing is in view."""
        if self._occasion is None:
            return [], []
        ended = [path.record() for path in self._paths.values()]
        self._paths.clear()
        occasion = _later(self._occasion, now)
        state = self._in_view.tell([], occasion.size, occasion.wall)
        return self._announcer.tell([], ended, occasion), [] if state is None else [state]

    def tracks(self) -> list[Track]:
        """All tracks by id, also those that are not confirmed yet."""
        return [path.record() for path in self._paths.values()]

    def counters(self) -> dict[str, int]:
        """Totals since the start: those of ``Announcer``, tracks begun, and tracks refused at the bound."""
        return self._counts | self._announcer.counters()

    def _join(
        self, paths: Sequence[_Path], detections: Sequence[Detection], elapsed: float
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

    def _see(self, path: _Path, detection: Detection, elapsed: float, now: float) -> None:
        path.motion.correct(detection.box, elapsed, self._settings.smoothing)
        path.detection = detection
        path.marked += _MARKING * (detection.mark - path.marked)
        path.seen = now
        path.sightings += 1
        enough = path.sightings >= self._settings.confirm_looks
        path.confirmed |= enough and now - path.since >= self._settings.confirm
        if detection.label is not None:
            path.vote.look(detection.label, detection.score, 1.0, now)

    def _drop_flashes(self, unseen: Sequence[_Path], now: float) -> None:
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
            path = _Path(self._next, Motion.of(detection.box), Vote(self._settings), now, now, detection)
            if detection.label is not None:
                path.vote.look(detection.label, detection.score, 1.0, now)
            self._paths[path.id] = path
            self._next += 1
            self._counts["tracks"] += 1

    def _targets(self, now: float) -> list[Target]:
        """By urgency; among equals the one that waited longest, then the better detection."""
        wanted: list[tuple[int, float, float, Target]] = []
        for path in self._paths.values():
            reason = self._reason(path, now)
            if path.detection is not None and reason is not None:
                last = -np.inf if path.vote.last is None else path.vote.last
                target = Target(path.id, path.detection.box, reason, path.detection.landmarks)
                wanted.append((_URGENCY[reason], last, -path.detection.score, target))
        return [target for *_, target in sorted(wanted, key=lambda entry: entry[:3])]

    def _reason(self, path: _Path, now: float) -> Reason | None:
        vote = path.vote
        if vote.last is None:
            return "new"
        if vote.unsure:
            return "unsure"
        return "due" if now - vote.last >= self._settings.due else None

    def _rejoin(self) -> None:
        """A name seen anew while its own track is out of sight is that track: it keeps its identity."""
        lost = {path.vote.label: path for path in self._paths.values() if path.detection is None}
        for path in list(self._paths.values()):
            old = lost.get(path.vote.label) if path.detection is not None else None
            if old is not None and old.vote.label is not None and path.since > old.seen:
                del self._paths[path.id], lost[old.vote.label]
                old.motion, old.vote, old.detection = path.motion, path.vote, path.detection
                old.seen, old.confirmed = path.seen, old.confirmed or path.confirmed


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
