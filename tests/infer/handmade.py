"""Small TFLite models made by hand, so that tests know every number in them.

One FULLY_CONNECTED over the whole picture: ``scores = pixels @ weights.T + bias``, in int8,
uint8 or float32. The object API of the schema lies in the LiteRT wheel.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import yaml
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

TYPES = {
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "float32": schema.TensorType.FLOAT32,
}
WEIGHT_SCALE = 1 / 64


@dataclass
class Linear:
    """A linear classifier of pictures.

    Weights are random, or all ``weight``. Scales and zero points count for 8-bit types only.
    ``custom`` names an operator that no runtime has, in place of the right one.
    """

    dtype: str = "int8"
    size: tuple[int, int] = (8, 6)
    channels: int = 1
    classes: int = 3
    weight: float | None = None
    input_scale: float = 1 / 255
    input_zero: int = -128
    output_scale: float = 0.25
    output_zero: int = 5
    shape: tuple[int, ...] | None = None
    custom: str = ""
    seed: int = 1
    weights: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        width, height = self.size
        levels = np.random.default_rng(self.seed).integers(
            -60, 61, (self.classes, width * height * self.channels)
        )
        self.weights = (levels * WEIGHT_SCALE).astype(np.float32)
        if self.weight is not None:
            self.weights[:] = self.weight

    def scores(self, real: NDArray[Any]) -> NDArray[np.float64]:
        """What the model should give for real input values, (classes,), before rounding."""
        return np.asarray(self.weights.astype(np.float64) @ real.ravel().astype(np.float64))

    def content(self) -> bytes:
        """The file."""
        width, height = self.size
        quantized = self.dtype != "float32"
        middle = 128 if self.dtype == "uint8" else 0
        weights = (
            np.round(self.weights / WEIGHT_SCALE + middle).astype(self.dtype) if quantized else self.weights
        )
        model = schema.ModelT()
        model.version = 3
        model.buffers = [schema.BufferT(), _buffer(weights)]
        picture = _tensor("picture", self.shape or (1, height, width, self.channels), self.dtype)
        matrix = _tensor("weights", weights.shape, self.dtype, buffer=1)
        scores = _tensor("scores", (1, self.classes), self.dtype)
        if quantized:
            picture.quantization = _quantization(self.input_scale, self.input_zero)
            matrix.quantization = _quantization(WEIGHT_SCALE, middle)
            scores.quantization = _quantization(self.output_scale, self.output_zero)
        operator = schema.OperatorT()
        operator.inputs, operator.outputs = [0, 1, -1], [2]
        operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        operator.builtinOptions = schema.FullyConnectedOptionsT()
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
        code.version = 4 if self.dtype == "int8" else 1
        if self.custom:
            code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
            code.customCode = self.custom
            operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.NONE, None
        model.operatorCodes = [code]
        model.subgraphs = [_graph([picture, matrix, scores], [0], [2], [operator])]
        return pack(model)


def probe() -> bytes:
    """The smallest model: one uint8 that is input and output, no operator."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    model.subgraphs = [_graph([_tensor("x", (1,), "uint8")], [0], [0], [])]
    return pack(model)


def pack(model: Any) -> bytes:
    """A model as the bytes of its file."""
    builder = flatbuffers.Builder(128)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _graph(tensors: list[Any], inputs: list[int], outputs: list[int], operators: list[Any]) -> Any:
    graph = schema.SubGraphT()
    graph.tensors, graph.inputs, graph.outputs, graph.operators = tensors, inputs, outputs, operators
    return graph


def _tensor(name: str, shape: tuple[int, ...], dtype: str, buffer: int = 0) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), TYPES[dtype], buffer
    return tensor


def _buffer(values: NDArray[Any]) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer


def _quantization(scale: float, zero: int) -> Any:
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [scale], [zero]
    return quantization


def card(model: Linear, content: bytes, **changes: Any) -> dict[str, Any]:
    """The card of a handmade model, as YAML would give it; ``changes`` by dotted key, __ for the dot."""
    width, height = model.size
    wanted: dict[str, Any] = {
        "name": "handmade",
        "version": 1,
        "task": "classifier",
        "variants": [
            {
                "file": "model.tflite",
                "sha256": hashlib.sha256(content).hexdigest(),
                "width": width,
                "height": height,
            }
        ],
        "input": {"colour": "grey" if model.channels == 1 else "rgb", "mean": [0.0], "std": [255.0]},
        "output": {
            "tensors": {"scores": 0},
            "decoding": "raw",
            "labels": [f"label {number}" for number in range(model.classes)],
        },
        "licence": "CC0-1.0",
        "made_by": {"command": "by hand"},
    }
    for key, value in changes.items():
        *path, last = key.split("__")
        part = wanted
        for step in path:
            part = part[step]
        part[last] = value
    return wanted


def folder_of(folder: Path, model: Linear, **changes: Any) -> Path:
    """A model's folder with file and card in it."""
    folder.mkdir(parents=True, exist_ok=True)
    content = model.content()
    (folder / "model.tflite").write_bytes(content)
    (folder / "card.yaml").write_text(yaml.safe_dump(card(model, content, **changes), sort_keys=False))
    return folder
