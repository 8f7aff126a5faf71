"""The vote on who somebody is: names, strangers, and doubt after two have met.

As ``vote``, with four differences. Strangers are told by looks as well: ``UNKNOWN`` is voted for like a name,
needs more votes, and gives way to a name as easily as nothing does, because it claims less. A look that tells
nothing (None) votes for nobody, nor against who is held; but many good ones on end, without any that agrees,
take a name away. The score is the mean of the looks at the name alone: where another was read too, the vote
is weak, and that is for further looks to settle. And a track that may have become somebody else (``doubt``)
must be confirmed anew: until a look agrees, another name needs no more votes than a first one does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from edge.records import UNKNOWN
from edge.track.vote import Vote

_AGREED = 0.5
"""The share of a first name's votes that ends a doubt: one good look."""
_NOTHING = 2.0
"""Good looks that tell nothing must have so many times the votes of another name to take a name away."""


@dataclass(slots=True)
class NameVote(Vote):
    """The vote of one track. ``unknown_votes``: lead that ``UNKNOWN`` needs. ``doubted``: who is held may be
    somebody else by now; ``revised``: what names mean has changed since, so they are no longer evidence."""

    unknown_votes: float = math.inf
    doubted: bool = False
    revised: bool = False
    _agreed: float = 0.0
    _nothing: float = 0.0

    @property
    def score(self) -> float:
        """How sure the looks at the label are, 0..1; 0 while there is none."""
        return self._held.votes / self._held.weight if self.label is not None and self._held.weight else 0.0

    @property
    def agreed(self) -> bool:
        """Whether there is a label that the looks by and large agree on."""
        return self.label is not None and self._held.score >= self.settings.sure

    @property
    def unsure(self) -> bool:
        """Whether further looks pay."""
        return (
            not self.agreed
            or bool(self._challengers)
            or self.doubted
            or self._nothing >= self.settings.confirm_votes
        )

    @property
    def extras(self) -> Mapping[str, float]:
        """Means of what the looks at the label measured besides, weighted as its score."""
        return (self._held.extras or {}) if self.label is not None else {}

    def doubt(self, *, revised: bool = False) -> None:
        """It may have become somebody else. Before it has a name, votes that were for one count half."""
        if self.label is None:
            for pool in self._challengers.values():
                pool.lead /= 2
            return
        self.doubted = True
        self.revised |= revised
        self._agreed = self._nothing = 0.0

    def drop(self) -> None:
        """Nobody is held any more, and nothing speaks for anybody."""
        self.label, self.doubted, self._nothing = None, False, 0.0
        self._held = type(self._held)()
        self._challengers.clear()

    def look_closer(
        self, label: str | None, score: float, quality: float, measured: Mapping[str, float], now: float
    ) -> None:
        """Counts one closer look; ``measured``: what it told besides."""
        if label is None:
            self._count_nothing(quality * self._fade(now))
            return
        before = self.label
        self.look(label, score, quality, now)
        votes = quality * self._share * score
        if votes <= 0:
            return
        self._measure(label, votes, measured)
        if self.label != before:
            self.doubted, self._nothing = False, 0.0
            self.revised &= before != UNKNOWN
        elif label == before:
            self._nothing = max(self._nothing - votes, 0.0)
            self._agreed += votes
            if self.doubted and self._agreed >= _AGREED * self.settings.confirm_votes:
                self.doubted = self.revised = False

    def _count_nothing(self, weight: float) -> None:
        if self.label in (None, UNKNOWN):
            return
        self._nothing += weight
        if self._nothing >= self._enough_nothing:
            self.drop()

    @property
    def _enough_nothing(self) -> float:
        if self.doubted:
            return self.settings.confirm_votes if self.revised else self.unknown_votes
        return _NOTHING * self.settings.change_votes

    def _measure(self, label: str, votes: float, measured: Mapping[str, float]) -> None:
        pool = self._held if label == self.label else self._challengers.get(label)
        if pool is None or pool.votes <= 0:
            return
        if pool.extras is None:
            pool.extras = {}
        share = min(votes / pool.votes, 1.0)
        for name, value in measured.items():
            mean = pool.extras.get(name, value)
            pool.extras[name] = mean + share * (value - mean)

    @property
    def _first(self) -> bool:
        return self.label is None or self.label == UNKNOWN or self.doubted

    def _needed(self, label: str) -> float:
        if self.revised or (label != UNKNOWN and self._first):
            return self.settings.confirm_votes
        if label == UNKNOWN:
            return self.unknown_votes if self._first else max(self.unknown_votes, self.settings.change_votes)
        return self.settings.change_votes
