"""Whether a picture says anything: the same as the one before, or black."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.records import Image

GRID = 64
"""Points each way at which pictures are compared; the noise of a real sensor changes some of them always."""

DARK = 24
"""Level of 255. A sensor in the dark has noise below it; so has video black."""

LIT = 0.001
"""The share of the grid that may be brighter, hot pixels, in a picture that counts as black. A lit display in
the dark is more."""


class Looks:
    """Looks at each picture of a live source, before masks. Owned by one thread."""

    def __init__(self) -> None:
        self._sample: NDArray[np.uint8] | None = None
        self._whole: int | None = None

    def at(self, image: Image) -> tuple[bool, bool]:
        """Whether it is the same as the one before, to the byte, and whether it is black."""
        height, width = image.shape[:2]
        sample = image[:: max(height // GRID, 1), :: max(width // GRID, 1)]
        lit = int(np.count_nonzero(sample > DARK))
        return self._repeated(image, sample), lit <= LIT * sample.size

    def _repeated(self, image: Image, sample: NDArray[Any]) -> bool:
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._whole = sample.copy(), None
            return False
        # Only now all of it is read: a drawn picture may change between the points of the grid.
        before, self._whole = self._whole, zlib.crc32(np.ascontiguousarray(image).data)
        return before == self._whole
