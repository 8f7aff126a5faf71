"""Scanned digits to learn from: MNIST's, and those of other schools drawn as if scanned with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tools.data import Labelled
from tools.ink.alphabet import scans_of
from tools.ink.page import Style, write
from tools.ink.schools import taught

OTHERS = 14_000
"""Digits of other schools beside MNIST's 55 000."""

_SIDE, _HIGH = 28, 20.0
"""Of a picture, and of the digit in it, as in MNIST."""

_SEED = 11
_PLAIN = Style(size=_HIGH, pen=2.0, turn=0.0, slant=0.0, aspect=1.0, dark_ink=False, opacity=1.0)


def scans(root: Path, others: int = OTHERS) -> Labelled:
    """Pictures (N, 28, 28) uint8, ink bright, and their digits (N,) uint8. Raises InputError."""
    known = scans_of(root, "train")
    drawn = _drawn(np.random.default_rng(_SEED), others)
    return Labelled(
        np.concatenate([known.pictures, drawn.pictures]), np.concatenate([known.digits, drawn.digits])
    )


def _drawn(rng: np.random.Generator, count: int) -> Labelled:
    shapes = taught(rng, count)
    pictures = np.empty((count, _SIDE, _SIDE), np.uint8)
    middle = (_SIDE - 1) / 2
    for shape, picture in zip(shapes.maps, pictures, strict=True):
        canvas = np.zeros((_SIDE, _SIDE), np.float32)
        hand = replace(
            _PLAIN,
            pen=_HIGH * rng.uniform(0.06, 0.17),
            aspect=float(np.exp(np.clip(rng.normal(0, 0.15), -0.4, 0.25))),
        )
        write(canvas, shape, hand, (middle, middle))
        picture[:] = canvas * 255
    return Labelled(pictures, shapes.labels.astype(np.uint8))
