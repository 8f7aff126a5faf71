"""Scores that mean what they say: temperature, calibration error, the threshold of acceptance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Labels = NDArray[np.uint8]

REJECT = 10
"""The label of what is no digit."""


class Acceptance(NamedTuple):
    """What a threshold means: shares of the accepted that are right, of all digits that are read right."""

    value: float
    right: float
    read: float
    rejects_accepted: float

    @property
    def meaning(self) -> str:
        """In words, for the card."""
        return (
            f"of places proposed in composed validation scenes and named a digit at this score or higher "
            f"{self.right:.1%} were right; {self.read:.1%} of the places on digits were read right so, "
            f"{self.rejects_accepted:.1%} of those on no digit passed"
        )


class Honesty(NamedTuple):
    """What makes scores honest: ``doubt`` added to the reject's logit, then all over ``temperature``."""

    temperature: float
    doubt: float


def honest(logits: Scores, labels: Labels) -> Honesty:
    """Temperature (Guo et al. 2017) and doubt with the least negative log likelihood, by a grid.

    The doubt makes up for how much rarer digits are among these crops than among those of the training.
    """
    best, found = np.inf, Honesty(1.0, 0.0)
    for doubt in np.round(np.arange(-1.0, 3.01, 0.1), 1):
        raised = logits + doubt * (np.arange(logits.shape[1]) == REJECT)
        for temperature in np.round(np.exp(np.linspace(np.log(0.5), np.log(4), 40)), 2):
            loss = _loss(raised / temperature, labels)
            if loss < best:
                best, found = loss, Honesty(float(temperature), float(doubt))
    return found


def _loss(logits: Scores, labels: Labels) -> float:
    top = logits.max(1)
    whole = np.log(np.exp(logits - top[:, None]).sum(1)) + top
    return float((whole - logits[np.arange(len(labels)), labels]).mean())


def calibration_error(scores: Scores, labels: Labels, bins: int = 15) -> float:
    """The expected calibration error of the best label's score: mean gap between score and share right."""
    best, top = scores.max(1), scores.argmax(1) == labels
    places = np.minimum((best * bins).astype(int), bins - 1)
    gaps = [abs(float(best[places == b].sum() - top[places == b].sum())) for b in range(bins)]
    return sum(gaps) / len(labels)


def acceptance(scores: Scores, labels: Labels, value: float) -> Acceptance:
    """What accepting digits that score at least ``value`` means on these crops."""
    best, top = scores[:, :REJECT].max(1), scores[:, :REJECT].argmax(1)
    accepted = (best >= value) & (scores.argmax(1) != REJECT)
    right = accepted & (top == labels)
    digits, others = labels < REJECT, labels == REJECT
    return Acceptance(
        value,
        float(right.sum() / max(accepted.sum(), 1)),
        float(right.sum() / max(digits.sum(), 1)),
        float((accepted & others).sum() / max(others.sum(), 1)),
    )


def choose_acceptance(scores: Scores, labels: Labels, wanted: float) -> Acceptance:
    """The lowest threshold, from 0.5 up, at which a share ``wanted`` of what is accepted is right."""
    choices = [
        acceptance(scores, labels, value) for value in np.round(np.arange(0.5, 0.991, 0.01), 2).tolist()
    ]
    return next((choice for choice in choices if choice.right >= wanted), choices[-1])
