"""The arithmetic of 8-bit tensors, pure: real values to whole numbers and back.

A quantized tensor holds integers ``q`` and stands for ``real = (q - zero_point) * scale``
(Jacob et al., 2018, "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", equation 1). Two traps are kept in this one place: ``q``
is widened before the zero point goes off it (100 - -128 is no int8), and what lies beyond the
type's ends stays at its ends instead of wrapping round.

The way in is short: a pixel has 256 possible values, so the whole chain pixel -> real value
-> integer is one table, made once, and a picture enters its tensor by ``cv2.LUT``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float32]
Array = NDArray[Any]

INTEGERS = (np.dtype(np.int8), np.dtype(np.uint8))
FLOAT = np.dtype(np.float32)


@dataclass(frozen=True, slots=True)
class Quantization:
    """How a tensor's integers stand for real values: int8 or uint8, one scale for all of it."""

    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    def quantize(self, real: NDArray[np.floating[Any]]) -> Array:
        """The nearest integers, halves away from zero as in TFLite, saturated. Any shape."""
        steps = np.asarray(real, np.float64) / self.scale
        nearest = np.copysign(np.floor(np.abs(steps) + 0.5), steps) + self.zero_point
        ends = np.iinfo(self.dtype)
        integers: Array = np.clip(nearest, ends.min, ends.max).astype(self.dtype)
        return integers

    def dequantize(self, integers: Array) -> Real:
        """The real values that ``integers`` stand for, in a new float32 array of the same shape."""
        # float32 holds every difference of two 8-bit numbers exactly: it is the widening.
        real: Real = np.subtract(integers, np.float32(self.zero_point), dtype=np.float32)
        real *= np.float32(self.scale)
        return real


def pixel_table(mean: Sequence[float], std: Sequence[float], quantization: Quantization | None) -> Array:
    """What each pixel value 0..255 becomes in the input tensor, ready for ``cv2.LUT``.

    ``real = (pixel - mean) / std``, one mean and std for all channels or one for each; then
    quantized, or float32 as it is without a quantization. Shape (256,) for one table that
    serves all channels, else (256, 1, channels); of the tensor's type.
    """
    pixels = np.arange(256, dtype=np.float64)[:, None]
    real = (pixels - np.asarray(mean, np.float64)) / np.asarray(std, np.float64)
    table = real.astype(FLOAT) if quantization is None else quantization.quantize(real)
    same = (table == table[:, :1]).all()
    return np.ascontiguousarray(table[:, 0] if same else table[:, None, :])
