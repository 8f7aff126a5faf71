"""Public digit nets of the MNIST kind, without cards, to be judged beside ours.

They take one grey picture of 28x28, ink bright, as 0..1 in float or by the tensor's own scale in 8 bits,
and give ten probabilities or logits.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError, InputError
from edge.infer.runtime import Interpreter, find_runtime
from edge.infer.settings import InferSettings
from edge.records import Image

SIDE = 28
EDGE = 2
"""Pixels cut off on every side of a 32x32 cut: what is left has MNIST's proportion, 20 of 28."""

ACCEPT = 0.9
"""Score from which a digit of theirs counts in photographs: they have no class for what is none."""


class Peer:
    """A public net as a ``Network``: ``scores`` of the ten digits for a grey cut of 32x32."""

    input_size = (SIDE + 2 * EDGE, SIDE + 2 * EDGE)
    colour: Literal["grey", "rgb", "bgr"] = "grey"
    labels = tuple("0123456789")
    thresholds: Mapping[str, float] = {"accept": ACCEPT}

    def __init__(self, interpreter: Interpreter) -> None:
        """``interpreter``: loaded and of a shape that ``fits``."""
        self._interpreter = interpreter
        self._input, self._output = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """``scores`` (10,) of ``image`` (32, 32) uint8."""
        middle = image[EDGE:-EDGE, EDGE:-EDGE]
        tensor = self._interpreter.tensor(self._input["index"])()
        tensor[...] = _quantized(middle / np.float32(255), self._input).reshape(tensor.shape)
        del tensor
        self._interpreter.reset_all_variables()  # nets with a memory must not carry it on
        self._interpreter.invoke()
        found = np.array(self._interpreter.tensor(self._output["index"])(), np.float32).ravel()
        scale, zero = self._output["quantization"]
        return {"scores": _probabilities((found - zero) * scale if scale else found)}


def load_peers(folder: Path) -> dict[str, Peer]:
    """The nets of the MNIST kind in ``folder`` and below, by file name; others are told on standard error.

    Raises ``InputError`` where there is none.
    """
    peers = {}
    for file in sorted(folder.rglob("*.tflite")):
        try:
            interpreter = find_runtime("auto").interpreter(
                file.read_bytes(), str(file), InferSettings(threads=1)
            )
            interpreter.allocate_tensors()
        except (EdgeError, OSError, RuntimeError, ValueError):
            print(f"evaluate: {file.name} cannot be loaded, left out", file=sys.stderr)
            continue
        if _fits(interpreter):
            peers[file.stem] = Peer(interpreter)
    if not peers:
        raise InputError(
            f"no net of the MNIST kind in {folder}", "it takes 1x28x28 and gives 10 values, as .tflite"
        )
    return peers


def _fits(interpreter: Interpreter) -> bool:
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    taken = inputs[0]["shape"].tolist()
    return taken in ([1, SIDE, SIDE], [1, SIDE, SIDE, 1]) and outputs[0]["shape"].tolist() == [1, 10]


def _quantized(values: NDArray[np.float32], tensor: dict[str, Any]) -> NDArray[Any]:
    scale, zero = tensor["quantization"]
    if not scale:
        return values
    limits = np.iinfo(tensor["dtype"])
    levels = np.clip(np.rint(values / scale) + zero, limits.min, limits.max)
    return np.asarray(levels, tensor["dtype"])


def _probabilities(values: NDArray[np.float32]) -> NDArray[np.float32]:
    if values.min() >= 0 and abs(values.sum() - 1) < 0.1:
        return values
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum(), np.float32)
