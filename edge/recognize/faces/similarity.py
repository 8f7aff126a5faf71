"""How alike two faces are: one number for each pair of embeddings, by a single matrix product."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Distance = Literal["cosine", "euclidean"]

Vectors = NDArray[np.float32]
"""Embeddings, (N, D)."""


LEAST = 0.1
"""Resultant below which nothing is made of a mean: looks that are nowhere alike are no person's."""

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


def resultant(mean: Vectors, distance: Distance) -> NDArray[np.float32]:
    """(N,): how much looks agree, of which ``mean`` (N, D) are the means: 1 where they point the same way.

    The mean resultant length of directional statistics (Mardia and Jupp 2000, "Directional statistics"); 1
    for Euclid's distance.
    """
    if distance == "euclidean":
        return np.ones(len(mean), np.float32)
    return np.asarray(np.clip(np.linalg.norm(mean, axis=-1), LEAST, 1), np.float32)


def freed(
    alike: Vectors, own: float | Vectors, others: float | Vectors, common: float
) -> NDArray[np.float32]:
    """Cosines of means without what averaging adds to those of any two people.

    Looks of one person differ by light and pose. Their mean does so less, and is nearer to everybody's mean
    by what looks have in common with all faces: a cosine ``common`` of two people's looks becomes
    ``common / (own * others)``, with the means' ``resultant``. The surplus is taken away, so that a threshold
    means the same after one look and after many, whether they differ or follow each other in a video.
    """
    return np.asarray(alike - common * (1 / (own * others) - 1), np.float32)


def similarity(a: Vectors, b: Vectors, distance: Distance) -> Vectors:
    """(N, M): similarities of any embeddings (N, D) and (M, D): see ``alike``."""
    return alike(comparable(a, distance), comparable(b, distance), distance)
