"""Whose face it is, or nobody's that is known, or that it cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.recognize.faces.calibration import Calibration
from edge.recognize.faces.index import Ranking
from edge.recognize.faces.settings import FacesSettings
from edge.records import UNKNOWN

DOUBT = 100
"""One in so many strangers is as like somebody as a face must be that is not called unknown: between that and
the threshold nobody can tell."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``label``: a name, ``UNKNOWN``, or None where it lies between. ``score``: probability, 0..1, that the
    label is right; of None: that it is the most similar person. ``likeness``: the similarity to that person,
    ``lead``: by how much it is greater than to the second; None where there is nobody."""

    label: str | None
    score: float
    likeness: float | None = None
    lead: float | None = None


class Decision:
    """One threshold, a lead over the second, and what a person has denied. ``threshold``: the lowest score of
    a name, 0..1; may be set."""

    def __init__(self, settings: FacesSettings, calibration: Calibration) -> None:
        self._calibration = calibration
        self._margin = settings.margin
        own = calibration.score(calibration.threshold(settings.strangers))
        self.threshold = own if settings.threshold is None else settings.threshold

    def decide(self, names: Sequence[str], ranking: Ranking, resultant: float = 1.0) -> Verdict:
        """The verdict on a face that is as like the people ``names`` as ``ranking`` says; ``resultant``: of
        its looks."""
        likeness = self._allowed(ranking.freed(resultant, self._calibration.common))
        if not len(likeness):
            return Verdict(UNKNOWN, 1.0)  # where nobody is enrolled, everybody is a stranger
        first = int(likeness.argmax())
        best = float(likeness[first])
        if not np.isfinite(best):
            return Verdict(UNKNOWN, 1.0)
        second = float(np.delete(likeness, first).max(initial=-np.inf))
        lead = best - second if np.isfinite(second) else None
        score = self._calibration.score(best)
        if score >= self.threshold:
            clear = lead is None or self._calibration.odds(lead) >= self._margin
            return Verdict(names[first] if clear else None, score, best, lead)
        if best < min(self._calibration.threshold(DOUBT), self._calibration.similarity(self.threshold)):
            return Verdict(UNKNOWN, 1 - score, best, lead)
        return Verdict(None, score, best, lead)

    def _allowed(self, ranking: Ranking) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
        """The similarities, minus infinity for whom it is said not to be.

        A face is taken for one that was denied where it is nearer to that than half the way from the
        threshold to the person: a look-alike must stay off, and the person itself must not be kept off by it.
        """
        least = self._calibration.similarity(self.threshold)
        vetoed = ranking.denied >= np.minimum((ranking.persons + least) / 2, ranking.persons)
        return np.where(vetoed, np.float32(-np.inf), ranking.persons)
