"""All shapes that pages are drawn from, in parts whose writers and families do not meet."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edge.records import Image
from tools.data import Labelled, letters, mnist
from tools.ink import fonts
from tools.ink.displays import displays
from tools.ink.schools import taught
from tools.ink.shapes import Shapes
from tools.ink.skeleton import strokes

Part = Literal["train", "validation"]

VALIDATION = 5000
"""The last pictures of MNIST's training set are never trained on: they choose and calibrate."""

_WRITERS = 20
"""Omniglot: each character drawn by twenty people, in their order."""

_BUILDS = {"train": 240, "validation": 40}

_TAUGHT = {"train": 22_000, "validation": 2000}
"""Digits as other schools teach them, beside MNIST's 55 000 and 5000."""

_SEEDS = {"train": 1, "validation": 2}
"""Of displays and schools."""


@dataclass(frozen=True, slots=True, eq=False)
class Alphabet:
    """Digits written, printed and on displays; letters and symbols that look like no digit.

    ``lit`` (builds, SIDE, SIDE) are displays with all segments on; build k shows the digits
    ``shown.maps[10 * k :][:10]``.
    """

    written: Shapes
    printed: Shapes
    shown: Shapes
    lit: Image
    letters: Shapes
    type: Shapes


def scans_of(root: Path, part: Part) -> Labelled:
    """MNIST's own pictures (N, 28, 28) of one part of its training set. Raises InputError."""
    whole = mnist(root, "train")
    chosen = slice(-VALIDATION, None) if part == "validation" else slice(0, -VALIDATION)
    return Labelled(whole.pictures[chosen], whole.digits[chosen])


@functools.lru_cache(maxsize=4)
def alphabet(root: Path, part: Part, *, limit: int | None = None) -> Alphabet:
    """The shapes of one part; ``limit`` takes fewer written ones. Raises InputError, UnavailableError."""
    pictures, labels = (some[:limit] for some in scans_of(root, part))
    drawn = letters(root)
    writer = np.arange(len(drawn)) % _WRITERS
    drawn = drawn[(writer >= 16) == (part == "validation")][:limit]
    faces = [font for font in fonts.installed() if fonts.part_of(font.family) == part]
    shown, lit = displays(np.random.default_rng(_SEEDS[part]), _BUILDS[part])
    others = taught(np.random.default_rng([_SEEDS[part], 0]), min(_TAUGHT[part], limit or _TAUGHT[part]))
    digits = fonts.printed(faces, fonts.DIGITS)
    return Alphabet(
        written=Shapes(
            np.concatenate([strokes(pictures), others.maps]),
            np.concatenate([labels.astype(np.int16), others.labels]),
            filled=False,
        ),
        printed=digits._replace(labels=digits.labels - ord("0")),
        shown=shown,
        lit=lit,
        letters=Shapes(strokes(drawn), np.full(len(drawn), -1, np.int16), filled=False),
        type=fonts.printed(faces, fonts.LETTERS + fonts.SYMBOLS),
    )
