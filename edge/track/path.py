"""A track as the tracker keeps it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edge.records import UNKNOWN, Detection, Track
from edge.track.motion import Motion
from edge.track.naming import NameVote
from edge.track.vote import Vote


@dataclass(slots=True, eq=False)
class Path:
    """A track as it is kept. ``detection`` is that of the newest frame, None where it was not seen there.

    Of closer looks: ``promise`` of the crop at hand, ``best`` promise that was looked at, ``vain`` looks one
    after the other that left it unsure, ``afresh`` until a look has told who it is now.
    Of meetings: ``near`` while it covers another track or is covered, ``covers`` while that one is not seen.
    """

    id: int
    motion: Motion
    vote: Vote
    since: float
    seen: float
    detection: Detection | None
    sightings: int = 1
    marked: float = 0.0
    confirmed: bool = False
    promise: float = 0.0
    best: float = 0.0
    vain: int = 0
    afresh: bool = False
    near: bool = False
    covers: bool = False

    @property
    def label(self) -> str | None:
        """What it is held to be; before that, what the last detection said, if anything."""
        if self.vote.label is not None or self.detection is None:
            return self.vote.label
        return self.detection.label

    def doubt(self) -> None:
        """It may have become another thing: who it is must be confirmed anew, by new looks alone."""
        if isinstance(self.vote, NameVote):
            self.vote.doubt()
            self.afresh = True
            self.vain = 0

    def revise(self, known: Collection[str] | None) -> None:
        """What names mean has changed; ``known``: those that there are now, None: unknown."""
        vote = self.vote
        if isinstance(vote, NameVote):
            vote.doubt(revised=True)
            if known is not None and vote.label is not None and vote.label not in {*known, UNKNOWN}:
                vote.drop()
            self.vain = 0

    def record(self) -> Track:
        """As others may see it."""
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
