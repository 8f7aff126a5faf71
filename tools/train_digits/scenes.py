"""Everything that the recognizer looks at in composed scenes: scores are made honest, and judged, on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.compose.mining import Crops, mined
from tools.compose.scene import Parts, compose
from tools.ink.alphabet import Part, alphabet


def scene_set(root: Path, part: Part, scenes: int, seed: int) -> Crops:
    """All places of ``scenes`` composed scenes of a part: mostly no digit, as in photographs.

    The same for the same seed and fonts. Raises InputError, UnavailableError.
    """
    parts, rng = Parts.of(part, alphabet(root, part)), np.random.default_rng(seed)
    found = [mined(rng, compose(parts, seed, index), None) for index in range(scenes)]
    return Crops(*(np.concatenate(some) for some in zip(*found, strict=True)))
