"""Which tracks want a closer look, why, and in which order."""

from __future__ import annotations

import math
from collections.abc import Iterable

from edge.records import UNKNOWN, Reason, Target
from edge.track.path import Path
from edge.track.settings import TrackingSettings

_URGENCY: dict[Reason, int] = {"new": 0, "unsure": 1, "due": 2}

_VAIN = 6
"""After so many looks that left somebody unsure the time between two doubles, up to ``due``, and so on."""
_BETTER = 1.25
"""A crop that promises so much more than all before is looked at again: the others could not tell."""
_HEAD_START = 0.1
"""Seconds that what has just come has waited."""


def wanted(paths: Iterable[Path], settings: TrackingSettings, now: float) -> list[Target]:
    """By urgency; among equals the one that waited longest, then the better detection."""
    found: list[tuple[int, float, float, Target]] = []
    for path in paths:
        reason = _reason(path, settings, now)
        if path.detection is not None and reason is not None:
            last = -math.inf if path.vote.last is None else path.vote.last
            found.append((_URGENCY[reason], last, -path.detection.score, _target(path, reason)))
    return [target for *_, target in sorted(found, key=lambda entry: entry[:3])]


def paying(paths: Iterable[Path], settings: TrackingSettings, now: float) -> list[Target]:
    """Of people, whose looks are dear: by urgency, and among equals the best crop, weighed by how long it has
    waited, so that poor ones have their turn too.

    Nobody is looked at more often than ``presence.again`` allows, and who stays known only when ``due``.
    """
    found: list[tuple[int, float, Target]] = []
    for path in paths:
        if path.detection is None:
            continue
        reason = _paying_reason(path, settings, now)
        if reason is not None:
            waited = now - (path.since if path.vote.last is None else path.vote.last) + _HEAD_START
            found.append((_URGENCY[reason], -path.promise * waited, _target(path, reason)))
    return [target for *_, target in sorted(found, key=lambda entry: entry[:2])]


def looked(path: Path) -> None:
    """A closer look at ``path`` was counted."""
    path.best = path.promise if path.afresh else max(path.best, path.promise)
    path.vain = path.vain + 1 if path.vote.unsure else 0
    path.afresh = False


def _target(path: Path, reason: Reason) -> Target:
    assert path.detection is not None
    return Target(path.id, path.detection.box, reason, path.detection.landmarks, path.afresh)


def _reason(path: Path, settings: TrackingSettings, now: float) -> Reason | None:
    vote = path.vote
    if vote.last is None:
        return "new"
    if vote.unsure:
        return "unsure"
    return "due" if now - vote.last >= settings.due else None


def _paying_reason(path: Path, settings: TrackingSettings, now: float) -> Reason | None:
    vote, again = path.vote, settings.presence.again
    if vote.last is None:
        return "new"
    waited = now - vote.last
    if waited < again:
        return None
    if vote.label in (None, UNKNOWN) and path.promise > _BETTER * path.best:
        return "unsure"
    if vote.unsure and waited >= min(again * 2.0 ** min(path.vain // _VAIN, 16), max(settings.due, again)):
        return "unsure"
    return "due" if waited >= settings.due else None
