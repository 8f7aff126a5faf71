"""What a TFLite file holds: its layers in order, and which of their numbers are whole."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import ConfigError, ModelError

_WHOLE = {"INT8", "INT32", "INT16", "UINT8", "BOOL", "INT64"}
_KIND = b"TFL3"
_VARIABLES = {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}
"""Of these the quantizing library reads tensors that have no memory, and the process dies."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One operator: its place in the graph, its kind, the name and type of its first output."""

    number: int
    kind: str
    tensor: str
    dtype: str

    @property
    def title(self) -> str:
        """What a table shows: frameworks write whole paths into a name, its end says which layer it is."""
        last = re.sub(r";\d*$", "", self.tensor).rpartition("/")[2].rpartition(".")[2]
        return f"{self.number} {self.kind.lower()} {last}".strip()


def read_model(path: Path) -> bytes:
    """The bytes of a TFLite file, with a signature in any case.

    Raises ConfigError where it cannot be read, ModelError where it is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})", "give a float .tflite") from error
    if content[4:8] != _KIND:
        raise ModelError(f"{path} is no TFLite file", "give a float .tflite")
    try:
        return _signed(content)
    except (struct.error, ValueError, IndexError, AttributeError, TypeError) as error:
        raise ModelError(f"{path} cannot be loaded: it is damaged ({error})", "give a whole file") from error


def layers(content: bytes) -> list[Layer]:
    """The operators of the main graph in order."""
    names, kinds, model = _schema(content)
    graph = model.Subgraphs(0)
    found = []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        output = graph.Tensors(operator.Outputs(0))
        kind = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        found.append(
            Layer(number, kind, (output.Name() or b"").decode("utf-8", "replace"), kinds[output.Type()])
        )
    return found


def operations(content: bytes) -> list[str]:
    """The operators of a TFLite file in order, by name."""
    return [layer.kind for layer in layers(content)]


def float_operations(content: bytes) -> list[str]:
    """What is not in whole numbers: operators by their outputs, the model's input, its output."""
    _, kinds, model = _schema(content)
    graph = model.Subgraphs(0)
    ends = [("the input", graph.Inputs(k)) for k in range(graph.InputsLength())]
    ends += [("the output", graph.Outputs(k)) for k in range(graph.OutputsLength())]
    found = [(layer.kind, layer.dtype) for layer in layers(content)]
    found += [(name, kinds[graph.Tensors(index).Type()]) for name, index in ends]
    return [f"{name} gives {kind}" for name, kind in found if kind not in _WHOLE]


def float_input(content: bytes, source: Path) -> tuple[tuple[int, ...], str]:
    """Shape and name of the one float input. Raises ModelError for a model that has another."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    try:
        inputs = Interpreter(model_content=content).get_signature_runner().get_input_details()
    except (ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(
            f"{source} cannot be loaded: {first}", "give a float .tflite with fixed shapes"
        ) from error
    if len(inputs) != 1:
        raise ModelError(f"{source} has {len(inputs)} inputs", "one is needed")
    ((name, tensor),) = inputs.items()
    if tensor["dtype"] != np.float32:
        raise ModelError(
            f"{source} takes {np.dtype(tensor['dtype'])}", "a float model is needed, not a quantized one"
        )
    variables = _VARIABLES & set(operations(content))
    if variables:
        raise ModelError(
            f"{source} keeps its weights in variables ({', '.join(sorted(variables))})",
            "convert it with the weights as constants: TFLiteConverter.from_keras_model, or a frozen graph",
        )
    shape = tuple(int(n) for n in tensor["shape"])
    if math.prod(shape) < 1:
        raise ModelError(f"{source} has no fixed input shape: {shape}", "export it with a batch of 1")
    return shape, str(name)


def _signed(content: bytes) -> bytes:
    """The model with a signature, which older converters left out and the quantizer calls it by."""
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - half a second

    if schema.Model.GetRootAs(content, 0).SignatureDefsLength():
        return content
    import flatbuffers  # noqa: PLC0415 - comes with the runtime

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs, signature.outputs = [], []
    for places, ends, name in (
        (graph.inputs, signature.inputs, "input"),
        (graph.outputs, signature.outputs, "output"),
    ):
        for number, index in enumerate(places):
            end = schema.TensorMapT()
            end.name, end.tensorIndex = f"{name}_{number}", int(index)
            ends.append(end)
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(len(content) + 1024)
    builder.Finish(model.Pack(builder), _KIND)
    return bytes(builder.Output())


def _schema(content: bytes) -> tuple[dict[int, str], dict[int, str], Any]:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - half a second

    kinds = {value: name for name, value in vars(schema.TensorType).items() if name.isupper()}
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    return names, kinds, schema.Model.GetRootAs(content, 0)
