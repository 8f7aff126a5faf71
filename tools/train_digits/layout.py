"""The files of a model's folder, and crops as its float network takes them."""

from __future__ import annotations

import numpy as np

from edge.records import Image
from tools.quantize import Calibration

WEIGHTS, FLOAT, INT8 = "weights.pt", "float.tflite", "model.tflite"


def inputs(crops: Image) -> Calibration:
    """Crops (N, 32, 32) uint8 as the float model takes them: (N, 32, 32, 1) float32, 0 to 1."""
    return np.asarray(crops[..., None] / np.float32(255), np.float32)
