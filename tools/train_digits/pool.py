"""Examples that are met the more often, the worse they were known when last met."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LEAST, _MOST = 0.15, 1.2
"""Bounds of an example's weight: what is known is met still, and a wrong label not all the time."""

_FIRST = 0.4
"""Weight of an example not met so far."""

_KEPT = 0.5
"""Share of the old weight in the new one: an example is bent anew each time, and some bends are harder."""

_REFRESHED = 50
"""Draws between two sums over all weights."""


class Pool:
    """Draws places among ``count`` by weights that follow the losses (Katharopoulos and Fleuret 2018)."""

    def __init__(self, count: int) -> None:
        self._weights = np.full(count, _FIRST)
        self._until = np.cumsum(self._weights)
        self._draws = 0

    def grow(self, count: int) -> None:
        """Adds ``count`` places behind those that are there."""
        self._weights = np.concatenate([self._weights, np.full(count, _FIRST)])
        self._until = np.cumsum(self._weights)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.intp]:
        """``count`` places, some perhaps more than once."""
        self._draws += 1
        if self._draws % _REFRESHED == 0:
            self._until = np.cumsum(self._weights)
        found = np.searchsorted(self._until, rng.random(count) * self._until[-1], side="right")
        return np.asarray(found, np.intp)

    def learnt(self, places: NDArray[np.intp], losses: NDArray[np.float32]) -> None:
        """Tells how well the examples at ``places`` (N,) were known: ``losses`` (N,), 0 for certain."""
        found = np.clip(losses, _LEAST, _MOST)
        self._weights[places] = _KEPT * self._weights[places] + (1 - _KEPT) * found
