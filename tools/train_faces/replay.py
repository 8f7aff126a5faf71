"""What the teacher's own blocks make of views, kept: the blocks after them learn from it several times."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

KEPT = 60_000
"""Views whose maps are kept, 16 KB each; the oldest goes first."""


class Replay:
    """A ring of maps (C, H, W) in half precision, and the places of the faces that they are of."""

    def __init__(self, shape: tuple[int, ...], seed: int, kept: int = KEPT) -> None:
        """``shape``: of one map."""
        self._maps = torch.empty((kept, *shape), dtype=torch.bfloat16)
        self._places = np.zeros(kept, np.intp)
        self._rng = np.random.default_rng(seed)
        self._next = self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, maps: Tensor, places: NDArray[np.intp]) -> None:
        """Takes a batch in, fewer than are kept."""
        where = (self._next + np.arange(len(places))) % len(self._places)
        self._maps[where] = maps.to(self._maps)
        self._places[where] = places
        self._next = int(where[-1] + 1) % len(self._places)
        self._count = min(self._count + len(places), len(self._places))

    def some(self, count: int) -> tuple[Tensor, NDArray[np.intp]]:
        """Maps (count, C, H, W) and their faces' places, drawn from all that is kept."""
        chosen = self._rng.integers(0, self._count, count)
        return self._maps[chosen], self._places[chosen]
