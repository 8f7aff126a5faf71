"""What is told of somebody who is enrolled, and how much is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept at most: people, embeddings and denied ones of each, and from which similarity on two
    of a person's are nearly the same."""

    people: int
    embeddings: int
    denied: int
    duplicate: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is enrolled. ``count``: embeddings that can be compared; ``spread``: root of the mean
    squared distance of these from the template, None of fewer than two; ``enrolled``: UTC; ``usable``: False
    where only another embedder's are there: enrol again."""

    name: str
    count: int
    negatives: int
    spread: float | None
    enrolled: datetime
    usable: bool
