"""How alike two faces are: one number for each pair of embeddings, by a single matrix product."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Distance = Literal["cosine", "euclidean"]

Vectors = NDArray[np.float32]
"""Embeddings, (N, D)."""


LARGEST = 1e6
"""No value of an embedding is larger: its square, and sums of these, are still numbers in float32."""


def is_embedding(vector: NDArray[Any]) -> bool:
    """Whether ``vector`` (D,) can be compared: finite, not too large, not all 0."""
    return bool((np.abs(vector) <= LARGEST).all() and vector.any())


def comparable(vectors: Vectors, distance: Distance) -> Vectors:
    """(N, D) as ``alike`` takes them: of length 1 where the angle counts; a zero stays one."""
    if distance == "euclidean":
        return vectors
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def alike(a: Vectors, b: Vectors, distance: Distance, squares: Vectors | None = None) -> Vectors:
    """(N, M): similarities of ``comparable`` vectors (N, D) and (M, D), larger for more alike.

    The cosine, -1..1; or minus the squared Euclidean distance, at most 0. ``squares`` (M,): squared lengths
    of ``b`` where they are known already.
    """
    products = a @ b.T
    if distance == "cosine":
        return np.asarray(products, np.float32)
    products *= 2
    products -= np.einsum("nd,nd->n", a, a)[:, None]
    products -= np.einsum("md,md->m", b, b) if squares is None else squares
    return np.asarray(np.minimum(products, 0), np.float32)


def similarity(a: Vectors, b: Vectors, distance: Distance) -> Vectors:
    """(N, M): similarities of any embeddings (N, D) and (M, D): see ``alike``."""
    return alike(comparable(a, distance), comparable(b, distance), distance)
