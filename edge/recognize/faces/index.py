"""Everybody who is enrolled as one matrix, so that a face is compared with all of them in one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.gallery_file import Entry
from edge.recognize.faces.similarity import Distance, Vectors, alike, comparable, freed, resultant

WORST = 0.05
"""Weight of a look without any quality: what was enrolled counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """How like everybody a face is: similarities (P,) in the index's order. ``persons``: to their templates,
    by which they are told, and ``resultants`` of these; ``nearest``: to the most similar of their embeddings;
    ``denied``: to what they are said not to be, minus infinity where there is nothing."""

    persons: NDArray[np.float32]
    resultants: NDArray[np.float32]
    nearest: NDArray[np.float32]
    denied: NDArray[np.float32]

    def freed(self, own: float, common: float) -> Ranking:
        """Without what averaging adds (``similarity.freed``). ``own``: the resultant of the face's looks."""
        return Ranking(
            freed(self.persons, own, self.resultants, common),
            self.resultants,
            freed(self.nearest, own, 1.0, common),
            freed(self.denied, own, 1.0, common),
        )


class Index:
    """Built once from the entries; read-only afterwards. ``names``: of those who can be recognised."""

    def __init__(self, entries: Sequence[Entry], distance: Distance, size: int) -> None:
        """``size``: values of an embedding; all vectors of ``entries`` have as many."""
        known = [entry for entry in entries if entry.looks]
        self._distance = distance
        self.names = tuple(entry.name for entry in known)
        looks = [_stacked([look.vector for look in entry.looks], distance) for entry in known]
        raw = [
            weighted(vectors, np.array([look.quality for look in entry.looks]))
            for vectors, entry in zip(looks, known, strict=True)
        ]
        means = [comparable(mean[None], distance)[0] for mean in raw]
        self._resultants = resultant(np.stack(raw) if raw else np.zeros((0, size), np.float32), distance)
        denied = [look.vector for entry in known for look in entry.denied]
        parts = [np.zeros((0, size), np.float32), *looks, *(mean[None] for mean in means)]
        if denied:
            parts.append(_stacked(denied, distance))
        self._vectors = np.concatenate(parts)
        self._squares = np.einsum("nd,nd->n", self._vectors, self._vectors)
        counts = [len(vectors) for vectors in looks]
        self._starts = np.cumsum([0, *counts[:-1]])
        self._ends = sum(counts), sum(counts) + len(known)
        self._denied_of = np.repeat(np.arange(len(known)), [len(entry.denied) for entry in known])
        self.spreads = {
            name: float(np.sqrt(((vectors - mean) ** 2).sum(axis=1).mean()))
            for name, vectors, mean in zip(self.names, looks, means, strict=True)
        }

    def __len__(self) -> int:
        """Vectors that a face is compared with."""
        return len(self._vectors)

    def rank(self, vector: NDArray[np.float32]) -> Ranking:
        """How like everybody ``vector`` (D,) is."""
        people = len(self.names)
        if not people:
            nobody = np.zeros(0, np.float32)
            return Ranking(nobody, nobody, nobody, nobody)
        probe = comparable(vector[None], self._distance)
        found = alike(probe, self._vectors, self._distance, self._squares)[0]
        looks, means = found[: self._ends[0]], found[self._ends[0] : self._ends[1]]
        nearest = np.maximum.reduceat(looks, self._starts)
        denied = np.full(people, -np.inf, np.float32)
        np.maximum.at(denied, self._denied_of, found[self._ends[1] :])
        return Ranking(means, self._resultants, nearest, denied)


def weighted(vectors: Vectors, qualities: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """The mean (D,) of ``comparable`` vectors (N, D), weighted by ``qualities`` (N,)."""
    weights = np.maximum(qualities, WORST)
    return np.asarray(weights @ vectors / weights.sum(), np.float32)


def _stacked(vectors: Sequence[NDArray[np.float32]], distance: Distance) -> Vectors:
    return comparable(np.stack(vectors), distance)
