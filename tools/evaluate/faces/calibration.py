"""What a similarity means: how many strangers reach it, and how likely it is that two faces are one person's.

The recognizer compares the mean of a track's looks with the mean of what is enrolled of somebody. Here that
is done with people who are no part of any test: of each, several tracks and several templates of ``SIZES``
looks are drawn, never sharing a picture, and all are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.similarity import Distance, Vectors, comparable, freed, resultant, similarity

RATES = {"one-in-100": 1e-2, "one-in-1000": 1e-3, "one-in-10000": 1e-4}
"""Names of the card's thresholds, and the share of comparisons of two persons that reach them."""
SIZES = (1, 2, 3, 5)
"""Looks of a track or a template."""
DRAWN = 8
"""Tracks and templates of each person."""
BOOTSTRAPS = 200
"""Draws of persons, with replacement, for the interval of a threshold."""
FEWEST_PERSONS = 5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Similarities of tracks (T,) with templates (M,): ``alike`` (T, M); whose each is, as whole numbers; and
    which comparisons are ``counted`` (T, M): each once, and none that has a picture on both sides."""

    alike: Floats
    tracks: NDArray[np.intp]
    templates: NDArray[np.intp]
    counted: NDArray[np.bool_]

    @property
    def same(self) -> NDArray[np.bool_]:
        """(T, M): whether track and template are of one person."""
        return np.asarray(self.tracks[:, None] == self.templates[None])

    @property
    def impostors(self) -> Floats:
        """(N,) similarities of two persons."""
        return np.asarray(self.alike[~self.same & self.counted], np.float32)

    @property
    def genuine(self) -> Floats:
        """(N,) similarities of one person."""
        return np.asarray(self.alike[self.same & self.counted], np.float32)


def compared(
    vectors: Mapping[str, Vectors], distance: Distance, common: float = 0.0, seed: int = 1
) -> Compared:
    """Tracks and templates drawn of each person's embeddings (N, D), compared as the recognizer does.

    ``common``: as ``common_of`` gives it.
    """
    generator = np.random.default_rng(seed)
    tracks, templates, used = [], [], []
    whose = []
    for person, name in enumerate(sorted(vectors)):
        looks = comparable(vectors[name], distance)
        for _ in range(DRAWN):
            order = generator.permutation(len(looks))
            first = int(min(generator.choice(SIZES), max(len(looks) - 1, 1)))
            second = int(min(generator.choice(SIZES), max(len(looks) - first, 1)))
            one, other = order[:first], order[-second:]
            tracks.append(looks[one].mean(axis=0))
            templates.append(looks[other].mean(axis=0))
            used.append((set(one.tolist()), set(other.tolist())))
            whose.append(person)
    people = np.array(whose, np.intp)
    counted = np.array(
        [
            [mine != yours or not (one[0] & other[1]) for yours, other in zip(whose, used, strict=True)]
            for mine, one in zip(whose, used, strict=True)
        ]
    )
    own, others = np.stack(tracks), np.stack(templates)
    found = similarity(own, others, distance)
    freely = freed(found, resultant(own, distance)[:, None], resultant(others, distance), common)
    return Compared(freely, people, people, counted)


def common_of(vectors: Mapping[str, Vectors], distance: Distance) -> float:
    """The mean cosine of a look at one person and one at another, everybody weighing alike; 0 for Euclid's
    distance, whose means need no freeing."""
    if distance == "euclidean":
        return 0.0
    means = np.stack([comparable(some, distance).mean(axis=0) for some in vectors.values()])
    products = means @ means.T
    return float(products[~np.eye(len(means), dtype=bool)].mean())


def single(vectors: Mapping[str, Vectors], distance: Distance) -> Compared:
    """Every look compared with every other one, once.

    The lower half of the matrix is the upper one again."""
    names = sorted(vectors)
    looks = np.concatenate([vectors[name] for name in names])
    people = np.repeat(np.arange(len(names)), [len(vectors[name]) for name in names])
    other = np.triu(np.ones((len(looks), len(looks)), bool), 1)
    return Compared(similarity(looks, looks, distance), people, people, other)


def threshold_at(impostors: Floats, rate: float) -> float:
    """The lowest similarity that at most this share of the comparisons of two persons (N,) reaches."""
    falling = np.sort(impostors)[::-1]
    return float(
        np.nextafter(falling[min(int(rate * len(falling) + 1e-9), len(falling) - 1)], np.float32(np.inf))
    )


def interval(found: Compared, rate: float, seed: int = 1) -> tuple[float, float]:
    """Where the threshold would lie in nine of ten draws of other persons, by the bootstrap over persons."""
    generator = np.random.default_rng(seed)
    different = ~found.same & found.counted
    order = np.argsort(-found.alike[different], kind="stable")
    falling = found.alike[different][order]
    rows, columns = (some[order] for some in np.nonzero(different))
    rows, columns = found.tracks[rows], found.templates[columns]
    people = int(found.tracks.max()) + 1
    drawn = []
    for _ in range(BOOTSTRAPS):
        weights = np.bincount(generator.integers(0, people, people), minlength=people).astype(np.float32)
        mass = np.cumsum(weights[rows] * weights[columns])
        drawn.append(
            float(falling[min(int(np.searchsorted(mass, rate * mass[-1], "right")), len(falling) - 1)])
        )
    low, high = np.quantile(drawn, (0.05, 0.95))
    return float(low), float(high)


def logistic(genuine: Floats, impostors: Floats) -> tuple[float, float]:
    """Slope and offset of ``1 / (1 + exp(-(slope * similarity + offset)))``, one person's and two persons'
    comparisons weighing alike (Platt 1999, with the targets and the Newton steps of Lin, Lin and Weng 2007,
    "A note on Platt's probabilistic outputs for support vector machines").
    """
    values = np.concatenate([genuine, impostors]).astype(np.float64)
    targets = np.concatenate(
        [
            np.full(len(genuine), (len(genuine) + 1) / (len(genuine) + 2)),
            np.full(len(impostors), 1 / (len(impostors) + 2)),
        ]
    )
    weights = np.concatenate(
        [np.full(len(genuine), 0.5 / len(genuine)), np.full(len(impostors), 0.5 / len(impostors))]
    )
    centre, spread = float(values.mean()), float(max(values.std(), 1e-9))
    scaled = np.stack([(values - centre) / spread, np.ones_like(values)])
    found = np.zeros(2)
    for _ in range(100):
        odds = found @ scaled
        shares = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
        slope = scaled @ (weights * (shares - targets))
        bend = (scaled * (weights * shares * (1 - shares))) @ scaled.T + 1e-9 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        size, before = 1.0, _loss(odds, targets, weights)
        while size > 1e-6 and _loss((found - size * step) @ scaled, targets, weights) > before:
            size /= 2
        found = found - size * step
        if np.abs(step).max() < 1e-8:
            break
    return float(found[0] / spread), float(found[1] - found[0] * centre / spread)


def _loss(odds: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    return float((weights * (np.logaddexp(0, odds) - targets * odds)).sum())


def grouped(vectors: Vectors, people: Sequence[str] | NDArray[np.str_]) -> dict[str, Vectors]:
    """The embeddings (N, D) of each person."""
    names = np.asarray(people)
    return {str(name): vectors[names == name] for name in np.unique(names)}
