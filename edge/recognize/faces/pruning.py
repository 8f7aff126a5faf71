"""Which embeddings of a person are worth keeping: different ones, and of two that are alike the better."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.gallery_file import Look
from edge.recognize.faces.similarity import Distance, Vectors, similarity


class Pruning:
    """How it is judged: at most ``most`` of a person, and from the similarity ``duplicate`` on two are nearly
    the same."""

    def __init__(self, most: int, duplicate: float, distance: Distance) -> None:
        self._most = most
        self._duplicate = duplicate
        self._distance = distance

    def twin(self, vector: NDArray[np.float32], looks: Sequence[Look]) -> Look | None:
        """The one of ``looks`` that is nearly the same as ``vector`` (D,), if any."""
        if not looks:
            return None
        found = similarity(vector[None], stacked(looks, len(vector)), self._distance)[0]
        at = int(found.argmax())
        return looks[at] if found[at] >= self._duplicate else None

    def surplus(self, looks: Sequence[Look]) -> list[Look]:
        """What has to go of ``looks``: of the two most alike the one of lower quality, until they are few
        enough, so that the rest stays as different as can be."""
        kept, gone = list(looks), []
        while len(kept) > self._most:
            vectors = stacked(kept, len(kept[0].vector))
            found = similarity(vectors, vectors, self._distance)
            np.fill_diagonal(found, -np.inf)
            pair = divmod(int(found.argmax()), len(kept))
            gone.append(kept.pop(min(pair, key=lambda at: kept[at].quality)))
        return gone


def stacked(looks: Sequence[Look], size: int) -> Vectors:
    """(N, D): their vectors."""
    return np.array([look.vector for look in looks], np.float32).reshape(-1, size)
