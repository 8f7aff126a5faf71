"""What the numbers that come out of a model mean, by the name that its card gives.

A decoding takes the dequantized tensors by their names on the card and gives the arrays that
recognizers read. It is pure, and new kinds of models add a row to ``DECODINGS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edge.infer.quantize import Real

Tensors = dict[str, Real]
"""Float32 arrays by name, without the axis of the batch."""

SCORES = "scores"


@dataclass(frozen=True, slots=True)
class Decoding:
    """One way to read outputs.

    ``tensors`` must be named on the card; ``per_label``: those with one value for each label
    on their last axis. ``decode`` takes the tensors and the card's temperature.
    """

    meaning: str
    decode: Callable[[Tensors, float], Tensors]
    tensors: tuple[str, ...] = ()
    per_label: tuple[str, ...] = ()


def softmax(logits: Real, temperature: float) -> Real:
    """Probabilities over the last axis: ``exp(logits / temperature)``, normalised.

    The temperature, fitted on held-out data, makes them honest (Guo et al., 2017, "On
    calibration of modern neural networks"); 1 leaves the logits alone.
    """
    powers: Real = logits - logits.max(axis=-1, keepdims=True)  # exp of at most 0 cannot overflow
    powers /= np.float32(temperature)
    np.exp(powers, out=powers)
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def _softmax(tensors: Tensors, temperature: float) -> Tensors:
    return {**tensors, SCORES: softmax(tensors[SCORES], temperature)}


def sigmoid(logits: Real, temperature: float) -> Real:
    """Probabilities one by one: ``1 / (1 + exp(-logits / temperature))``."""
    # Half the hyperbolic tangent of the half: nothing overflows however large the logit.
    return np.asarray(0.5 + 0.5 * np.tanh(logits / np.float32(2 * temperature)), np.float32)


def _places(tensors: Tensors, temperature: float) -> Tensors:
    return {**tensors, SCORES: sigmoid(tensors[SCORES], temperature)}


def _unchanged(tensors: Tensors, temperature: float) -> Tensors:
    return tensors


DECODINGS: Mapping[str, Decoding] = {
    "softmax": Decoding("scores are logits; they become probabilities", _softmax, (SCORES,), (SCORES,)),
    "probabilities": Decoding("scores are probabilities already", _unchanged, (SCORES,), (SCORES,)),
    "raw": Decoding("real values, as they come", _unchanged),
    "places": Decoding(
        "a score, a box and five points for each place; scores are logits, they become probabilities",
        _places,
        (SCORES, "boxes", "points"),
    ),
}
