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

DIGITS = 0.3
"""Share of digits in what is handed out; in the shards they are rarer."""


class Mined:
    """All shards of a folder in memory; hands out digits and rejects by chance."""

    def __init__(self, folder: Path) -> None:
        """Raises InputError where there is no shard of training crops, or one is damaged."""
        shards = sorted(folder.glob("train-*.npz"))
        if not shards:
            raise InputError(f"{folder} holds no train-*.npz", "python -m tools.compose.mining makes them")
        loaded = [_shard(path) for path in shards]
        self._crops = np.concatenate([crops for crops, _ in loaded])
        self._labels = np.concatenate([labels for _, labels in loaded])
        self._digits = np.flatnonzero(self._labels < REJECT)
        self._rejects = np.flatnonzero(self._labels == REJECT)
        if not len(self._digits) or not len(self._rejects):
            raise InputError(f"{folder} holds only digits or only rejects", "mine more scenes")

    def __len__(self) -> int:
        return len(self._labels)

    def sample(self, rng: np.random.Generator, crops: Image, labels: NDArray[np.uint8]) -> None:
        """Fills crops (N, 32, 32) uint8 and labels (N,) uint8."""
        digits = rng.choice(self._digits, len(labels))
        rejects = rng.choice(self._rejects, len(labels))
        chosen = np.where(rng.random(len(labels)) < DIGITS, digits, rejects)
        crops[:], labels[:] = self._crops[chosen], self._labels[chosen]


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
