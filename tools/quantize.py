"""Float TFLite to static int8, in and out, and the proof that nothing in it stayed float.

    python -m tools.quantize models/digits-cnn/float.tflite --calibration inputs.npz --out /tmp/model.tflite

The calibration file holds one array ``inputs`` (N, ...) float32: real values as the float model takes
them. Weights are quantized per channel; needs neither PyTorch nor TensorFlow.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edge.errors import ConfigError, EdgeError, InputError, ModelError

Calibration = NDArray[np.float32]

_WHOLE = {"INT8", "INT32", "INT16", "UINT8", "BOOL", "INT64"}
_KIND = b"TFL3"
_ENDS = ("the input", "the output")


@dataclass(frozen=True, slots=True)
class Report:
    """What quantizing made: sizes in bytes, how many samples calibrated, the operations of the result."""

    source: str
    result: str
    bytes_before: int
    bytes_after: int
    samples: int
    operations: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Quantizes and reports: 0 done, 1 for unusable calibration, 78 for an unusable model."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.quantize", description="Float TFLite to static int8."
    )
    parser.add_argument("model", type=Path, help="the float .tflite")
    parser.add_argument("--calibration", type=Path, required=True, help=".npz with `inputs` (N, ...) float32")
    parser.add_argument("--out", type=Path, required=True, help="where the int8 .tflite goes")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    arguments = parser.parse_args(argv)
    try:
        report = quantize(arguments.model, load_calibration(arguments.calibration), arguments.out)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps(asdict(report)))
        return 0
    table = Table("", "value", title="quantized to int8")
    table.add_row("result", report.result)
    table.add_row("size", f"{report.bytes_before:,} -> {report.bytes_after:,} bytes")
    table.add_row("calibrated with", f"{report.samples} samples")
    table.add_row("operations", ", ".join(report.operations))
    Console().print(table)
    return 0


def quantize(model: Path, calibration: Calibration, out: Path) -> Report:
    """Writes the int8 form of a float model with one input, fixed shapes.

    Raises ModelError where ``model`` is none of these or keeps a float operation, InputError where the
    calibration does not fit it.
    """
    content = _content(model)
    shape, name = _float_input(content, model)
    if calibration.ndim != len(shape) or calibration.shape[1:] != shape[1:]:
        raise InputError(f"calibration is {calibration.shape}, {model} takes {shape}", "one sample a row")
    if not len(calibration) or not np.isfinite(calibration).all():
        raise InputError("calibration is empty or holds what is no number", "give some hundred real samples")
    # Heavy, and only here.
    from ai_edge_quantizer import quantizer, recipe  # noqa: PLC0415

    worker = quantizer.Quantizer(str(model), recipe.static_wi8_ai8())
    samples = [{name: sample[None].astype(np.float32)} for sample in calibration]
    ranges = worker.calibrate({"serving_default": samples}, num_threads=1)
    done = bytes(worker.quantize(ranges, enable_progress_report=False).quantized_model)
    left = float_operations(done)
    if left:
        raise ModelError(f"{model} keeps float operations in int8: {', '.join(left)}", "build it of others")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    partial.write_bytes(done)
    partial.replace(out)
    return Report(str(model), str(out), len(content), len(done), len(calibration), operations(done))


def load_calibration(path: Path) -> Calibration:
    """The array ``inputs`` of an npz file. Raises InputError where it is missing, damaged or not float32."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            inputs = archive["inputs"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no .npz with an array `inputs` ({error})", "see --help") from error
    if inputs.dtype != np.float32:
        raise InputError(
            f"{path}: inputs are {inputs.dtype}", "float32 is needed, as the float model takes them"
        )
    return np.asarray(inputs, np.float32)


def operations(content: bytes) -> list[str]:
    """The operators of a TFLite file in order, by name."""
    return [name for name, _ in _operators(content) if name not in _ENDS]


def float_operations(content: bytes) -> list[str]:
    """What is not in whole numbers: operators by their outputs, the model's input, its output."""
    return [
        f"{name} gives {kind}" for name, kinds in _operators(content) for kind in kinds if kind not in _WHOLE
    ]


def _operators(content: bytes) -> list[tuple[str, list[str]]]:
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - half a second

    kinds = {value: name for name, value in vars(schema.TensorType).items() if name.isupper()}
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)

    def kind(index: int) -> str:
        return str(kinds[graph.Tensors(index).Type()])

    found = []
    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex())
        name = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        found.append((name, [kind(operator.Outputs(k)) for k in range(operator.OutputsLength())]))
    found.append((_ENDS[0], [kind(graph.Inputs(k)) for k in range(graph.InputsLength())]))
    found.append((_ENDS[1], [kind(graph.Outputs(k)) for k in range(graph.OutputsLength())]))
    return found


def _content(model: Path) -> bytes:
    try:
        content = model.read_bytes()
    except OSError as error:
        raise ConfigError(f"{model} cannot be read ({error.strerror})", "give a float .tflite") from error
    if content[4:8] != _KIND:
        raise ModelError(f"{model} is no TFLite file", "give a float .tflite")
    return content


def _float_input(content: bytes, model: Path) -> tuple[tuple[int, ...], str]:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    try:
        interpreter = Interpreter(model_content=content)
        runner = interpreter.get_signature_runner("serving_default")
        inputs = runner.get_input_details()
    except (ValueError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(
            f"{model} cannot be loaded: {first}", "give a float .tflite with fixed shapes"
        ) from error
    if len(inputs) != 1:
        raise ModelError(f"{model} has {len(inputs)} inputs", "one is needed")
    ((name, tensor),) = inputs.items()
    if tensor["dtype"] != np.float32:
        raise ModelError(
            f"{model} takes {np.dtype(tensor['dtype'])}", "a float model is needed, not a quantized one"
        )
    shape = tuple(int(n) for n in tensor["shape"])
    if math.prod(shape) < 1:
        raise ModelError(f"{model} has no fixed input shape: {shape}", "export it with a batch of 1")
    return shape, str(name)


if __name__ == "__main__":
    sys.exit(main())
