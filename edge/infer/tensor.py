"""The ends of a model: pixels into its input tensor without a copy, its output tensors as real values.

Views of a tensor's memory live only inside the functions here: while one is alive, the
runtime refuses to run, because it may move that memory.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from edge.errors import ModelError
from edge.infer.card import CHANNELS, Input
from edge.infer.quantize import FLOAT, INTEGERS, Quantization, Real, pixel_table
from edge.infer.runtime import Interpreter
from edge.records import Image


class InputTensor:
    """The one input: a picture of fixed size, a batch of one, channels last."""

    def __init__(self, interpreter: Interpreter, source: str, size: tuple[int, int], wanted: Input) -> None:
        """``size`` is (width, height) by the card. Raises ``ModelError`` where the tensor is another."""
        details = interpreter.get_input_details()
        if len(details) != 1:
            raise ModelError(
                f"{source}: has {len(details)} inputs", "a model with one picture as its input is needed"
            )
        (tensor,) = details
        width, height = size
        channels = CHANNELS[wanted.colour]
        found = tuple(int(n) for n in tensor["shape"])
        shapes = [(1, height, width, channels)] + ([(1, height, width)] if channels == 1 else [])
        if found not in shapes:
            raise ModelError(
                f"{source}: the input tensor is {list(found)}, the card says {width}x{height} {wanted.colour}"
                f" (batch, height, width, channels: {list(shapes[0])})",
                "correct variants or input.colour of the card",
            )
        self._shape = found[1:3] if channels == 1 else found[1:]
        self._view = interpreter.tensor(tensor["index"])
        self._table = pixel_table(wanted.mean, wanted.std, quantization_of(tensor, source, "the input"))

    def write(self, image: Image) -> None:
        """Puts a picture into the tensor's own memory, each pixel by the table.

        Raises ``ValueError`` for a picture that is not uint8 of exactly the tensor's size.
        """
        if image.shape != self._shape or image.dtype != np.uint8:
            raise ValueError(
                f"the picture is {image.dtype} {image.shape}, the model takes uint8 {self._shape}"
            )
        # Type and size fit, so OpenCV writes into the memory that it is given.
        cv2.LUT(image, self._table, dst=self._view().reshape(self._shape))

    def black(self) -> Image:
        """A picture that ``write`` takes, all 0."""
        return np.zeros(self._shape, np.uint8)


class OutputTensor:
    """One output by its name on the card."""

    def __init__(self, interpreter: Interpreter, source: str, name: str, index: int) -> None:
        """``index`` counts the model's outputs. Raises ``ModelError`` where there is no such output."""
        details = interpreter.get_output_details()
        if index >= len(details):
            raise ModelError(
                f"{source}: has {len(details)} outputs, the card's {name} is output {index}",
                f"correct output.tensors of the card, allowed: 0 to {len(details) - 1}",
            )
        tensor = details[index]
        self._view = interpreter.tensor(tensor["index"])
        self._quantization = quantization_of(tensor, source, f"output {name}")

    def read(self) -> Real:
        """The real values of the last inference, a new array without the axis of the batch."""
        values = self._view()
        if values.ndim > 1 and values.shape[0] == 1:
            values = values[0]
        return values.copy() if self._quantization is None else self._quantization.dequantize(values)


def quantization_of(tensor: dict[str, Any], source: str, name: str) -> Quantization | None:
    """How the tensor's integers are read, None for float32. Raises ``ModelError`` for any other tensor."""
    dtype = np.dtype(tensor["dtype"])
    if dtype == FLOAT:
        return None
    if dtype not in INTEGERS:
        raise ModelError(f"{source}: {name} is {dtype}", "int8, uint8 or float32 is needed")
    scales, zeros = (tensor["quantization_parameters"][key] for key in ("scales", "zero_points"))
    if len(scales) != 1 or len(zeros) != 1:
        raise ModelError(f"{source}: {name} is {dtype} with {len(scales)} scales", "one scale is needed")
    scale, zero_point = float(scales[0]), int(zeros[0])
    ends = np.iinfo(dtype)
    if not (math.isfinite(scale) and scale > 0) or not ends.min <= zero_point <= ends.max:
        raise ModelError(
            f"{source}: {name} is {dtype} with scale {scale:g} and zero point {zero_point}",
            f"a scale above 0 and a zero point from {ends.min} to {ends.max} are needed",
        )
    return Quantization(dtype, scale, zero_point)
