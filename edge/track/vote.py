"""The vote on a track's label: what it is held to be, and how sure that is.

Looks at one thing share its ink, light and blur, so their errors are not independent and
their likelihoods must not be multiplied. Two simple rules stand on that:

*Score*: the linear opinion pool (Stone 1961), a weighted mean of the looks' calibrated
scores in which a look at another label, or one that gave none, counts as 0::

    score(label) = sum of w_i * s_i over looks at label  /  sum of w_i over all looks
    w_i = quality * min(1, seconds since the look before / spacing) * exp(-age / memory)

A pool of calibrated scores is at most underconfident (Ranjan and Gneiting 2010): the safe side.

*Change*: a one-sided cumulative sum for each challenger (Page 1954), with votes in place of
log-likelihoods because a vote is bounded, so that no single overconfident look decides::

    lead(challenger) = max(0, lead + w_i * s_i)   for a look at the challenger
    lead(challenger) = max(0, lead - w_i * s_i)   for a look at any other label

A challenger whose lead reaches ``change_votes`` takes over; the first label needs ``confirm_votes``.
Where its lead last left zero is the usual estimate of when the thing changed, so its score counts
looks from there on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edge.track.settings import TrackingSettings


@dataclass(slots=True)
class _Pool:
    """The looks at one label: its votes, what these would be with a score of 1, all votes of the same time,
    and the lead over other labels."""

    votes: float = 0.0
    weight: float = 0.0
    mass: float = 0.0
    lead: float = 0.0
    looks: int = 0
    extras: dict[str, float] | None = None

    @property
    def score(self) -> float:
        return self.votes / self.mass if self.mass > 0 else 0.0


@dataclass(slots=True)
class Vote:
    """The vote of one track. ``last`` is the time of the newest look, None before it."""

    settings: TrackingSettings
    label: str | None = None
    last: float | None = None
    _share: float = 1.0
    _held: _Pool = field(default_factory=_Pool)
    _challengers: dict[str, _Pool] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """How sure the label is, 0..1; 0 while there is none."""
        return self._held.score if self.label is not None else 0.0

    @property
    def unsure(self) -> bool:
        """No label yet, a weak one, or one that the newest looks contradict."""
        return self.label is None or self.score < self.settings.sure or bool(self._challengers)

    def look(self, label: str | None, score: float, quality: float, now: float) -> None:
        """Counts one look: ``label`` None tells that it named nothing, which is doubt and no challenge."""
        weight = quality * self._fade(now)
        self._held.mass += weight
        for pool in self._challengers.values():
            pool.mass += weight
        if label is None or weight <= 0:
            return
        self._count(label, weight, weight * score)
        self._decide()

    def _fade(self, now: float) -> float:
        """Lets the votes fade to ``now``; gives the share of a vote that each look of this moment has."""
        if self.last is not None and now > self.last:
            elapsed = now - self.last
            kept = math.exp(-elapsed / self.settings.memory)
            for pool in (self._held, *self._challengers.values()):
                pool.votes *= kept
                pool.weight *= kept
                pool.mass *= kept
            self._share = min(1.0, elapsed / self.settings.spacing) if self.settings.spacing > 0 else 1.0
        self.last = now
        return self._share

    def _count(self, label: str, weight: float, votes: float) -> None:
        for other, pool in list(self._challengers.items()):
            if other != label:
                pool.lead -= votes
                if pool.lead <= 0:
                    del self._challengers[other]
        if label == self.label:
            pool = self._held
        else:
            pool = self._challengers.setdefault(label, _Pool(mass=weight))
            pool.lead += votes
        pool.votes += votes
        pool.weight += weight
        pool.looks += 1

    def _decide(self) -> None:
        if not self._challengers:
            return
        label, best = max(self._challengers.items(), key=lambda item: item[1].lead)
        sure = best.score >= self.settings.sure or not self._first
        if best.lead >= self._needed(label) and sure and best.looks >= self.settings.confirm_looks:
            self.label, self._held = label, best
            self._challengers.clear()

    @property
    def _first(self) -> bool:
        """Whether nothing is held that a challenger must take the place of."""
        return self.label is None

    def _needed(self, label: str) -> float:
        """The lead that ``label`` needs."""
        return self.settings.confirm_votes if self._first else self.settings.change_votes
