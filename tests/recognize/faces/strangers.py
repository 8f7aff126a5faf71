"""People who are nothing but vectors: the same numbers on every machine, as like each other as a test
wants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.embedder import Maker
from edge.recognize.faces.gallery import Gallery
from edge.recognize.faces.person import Limits
from edge.recognize.faces.similarity import Distance

SIZE = 128
LIMITS = Limits(people=50, embeddings=4, denied=3, duplicate=0.95)


def maker(sha256: str = "a" * 64, *, distance: Distance = "cosine", size: int = SIZE) -> Maker:
    """An embedder that never runs."""
    return Maker("handmade", sha256, size, distance)


def gallery(path: Path | None = None, limits: Limits = LIMITS, **changes: object) -> Gallery:
    """A gallery with small bounds. ``changes``: of ``maker``."""
    return Gallery.open(path, maker(**changes), limits)  # type: ignore[arg-type]


def vector(seed: int, near: NDArray[np.float32] | None = None, likeness: float = 0.0) -> NDArray[np.float32]:
    """(SIZE,) of length 1, random; with the cosine ``likeness`` to ``near``, where that is given."""
    random = np.random.default_rng(seed).normal(size=SIZE)
    random /= np.linalg.norm(random)
    if near is None:
        return random.astype(np.float32)
    base = near / np.linalg.norm(near)
    random -= (random @ base) * base
    random /= np.linalg.norm(random)
    return np.asarray(likeness * base + np.sqrt(1 - likeness**2) * random, np.float32)
