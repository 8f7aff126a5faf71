"""Float TFLite to smaller kinds, and the proof of what that costs.

    python -m tools.quantize models/digits-cnn/float.tflite --data mnist-train --out out/int8
    python -m tools.quantize NET.tflite --data PICTURES/ --scheme all --keep-worst 2 --out out/net

writes the quantized files, ``report.md`` with its plots, and a card. Takes any float ``.tflite`` with one
input of a fixed shape; needs neither PyTorch nor TensorFlow.
"""

from __future__ import annotations

from tools.quantize.graph import float_operations, operations
from tools.quantize.samples import Calibration
from tools.quantize.schemes import Report, quantize

__all__ = ["Calibration", "Report", "float_operations", "operations", "quantize"]
