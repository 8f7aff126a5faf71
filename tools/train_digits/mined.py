"""Crops put aside by `tools.compose.mining`: where the recognizer looks in composed scenes, hard ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.records import Image
from tools.train_digits.calibrate import REJECT
from tools.train_digits.crops import SIZE
from tools.train_digits.pool import Pool

DIGITS = 0.3
"""Share of digits in what is handed out; in the shards they are rarer."""


class Mined:
    """All shards of a folder in memory; hands out digits and rejects by chance, hard ones more often."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError where there is no shard of training crops, or one is damaged."""
        self._folder = folder
        self._seen: set[Path] = set()
        self._crops: Image = np.empty((0, SIZE, SIZE), np.uint8)
        self._labels: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._kinds: tuple[tuple[NDArray[np.intp], Pool], ...] = (
            (np.empty(0, np.intp), Pool(0)),
            (np.empty(0, np.intp), Pool(0)),
        )
        self._last: list[NDArray[np.intp]] = []
        if not self.grow():
            raise InputError(f"{folder} holds no train-*.npz", "python -m tools.compose.mining makes them")
        if not all(len(places) for places, _ in self._kinds):
            raise InputError(f"{folder} holds only digits or only rejects", "mine more scenes")

    def __len__(self) -> int:
        return len(self._labels)

    def grow(self) -> bool:
        """Takes up shards that were not there before; tells whether there were any. Raises InputError."""
        fresh = [path for path in sorted(self._folder.glob("train-*.npz")) if path not in self._seen]
        loaded = [_shard(path) for path in fresh]
        self._seen.update(fresh)
        known = len(self._labels)
        self._crops = np.concatenate([self._crops, *(crops for crops, _ in loaded)])
        self._labels = np.concatenate([self._labels, *(labels for _, labels in loaded)])
        rejected = self._labels[known:] == REJECT
        added = (known + np.flatnonzero(~rejected), known + np.flatnonzero(rejected))
        for (_, pool), more in zip(self._kinds, added, strict=True):
            pool.grow(len(more))
        self._kinds = tuple(
            (np.concatenate([places, more]), pool)
            for (places, pool), more in zip(self._kinds, added, strict=True)
        )
        return bool(fresh)

    def sample(self, rng: np.random.Generator, crops: Image, labels: NDArray[np.uint8]) -> None:
        """Fills crops (N, 32, 32) uint8 and labels (N,) uint8: first the digits, then the rejects."""
        digits = round(len(labels) * DIGITS)
        counts = (digits, len(labels) - digits)
        self._last = [pool.draw(rng, count) for (_, pool), count in zip(self._kinds, counts, strict=True)]
        chosen = np.concatenate(
            [places[last] for (places, _), last in zip(self._kinds, self._last, strict=True)]
        )
        crops[:], labels[:] = self._crops[chosen], self._labels[chosen]

    def learnt(self, losses: NDArray[np.float32]) -> None:
        """Tells how well what was handed out last is known: ``losses`` (N,)."""
        digits = len(self._last[0])
        for (_, pool), last, some in zip(
            self._kinds, self._last, (losses[:digits], losses[digits:]), strict=True
        ):
            pool.learnt(last, some)


def _shard(path: Path) -> tuple[Image, NDArray[np.uint8]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            crops, labels = archive["pictures"], archive["labels"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no whole shard of crops ({error})", "mine it again") from error
    fits = crops.dtype == np.uint8 and crops.shape == (len(labels), SIZE, SIZE)
    if not fits or labels.dtype != np.uint8 or (labels > REJECT).any():
        raise InputError(f"{path} holds no crops of {SIZE}x{SIZE} with labels 0 to {REJECT}", "mine it again")
    return crops, labels
