"""What a quantized model still can: accuracy, agreement with the float model, time in the runtimes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError, InputError, ModelError
from edge.infer.runtime import Interpreter, brief, delegated, find_runtime
from edge.infer.settings import InferSettings, RuntimeChoice

ROUNDS = 60
"""Timed inferences; the least of them is what the machine can, the median what it does."""

ELSEWHERE = "name the Python of an environment that has it with --python (docs/quantizing.md)"

Outputs = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one inference in one runtime with one thread; ``parts`` given to XNNPACK."""

    runtime: str
    p50: float | None
    parts: int | None
    trouble: str = ""


def run(model: Path, inputs: Iterable[NDArray[np.float32]]) -> Outputs:
    """The first output of ``model`` for each of ``inputs``: (N, values) float32, real values."""
    interpreter = _interpreter(model, "auto")
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    reset = any(name in _names(interpreter) for name in ("VAR_HANDLE", "UNIDIRECTIONAL_SEQUENCE_LSTM"))
    results = []
    for sample in inputs:
        if reset:
            interpreter.reset_all_variables()
        interpreter.tensor(source["index"])()[...] = _as(source, sample[None])
        interpreter.invoke()
        results.append(_real(target, interpreter.tensor(target["index"])()).ravel())
    return np.array(results, np.float32)


def accuracy(outputs: Outputs, labels: NDArray[np.intp]) -> float:
    """The share whose largest output is at the place of the label. Raises InputError for a label outside."""
    if labels.min(initial=0) < 0 or labels.max(initial=0) >= outputs.shape[1]:
        raise InputError(
            f"labels go from {labels.min()} to {labels.max()}, the model has {outputs.shape[1]} outputs",
            "labels are places in the model's output, from 0",
        )
    return float((outputs.argmax(axis=1) == labels).mean())


def agreement(outputs: Outputs, reference: Outputs) -> dict[str, float]:
    """Share with the reference's largest output, mean cosine with it, mean error over its spread."""
    norms = np.linalg.norm(outputs, axis=1) * np.linalg.norm(reference, axis=1)
    spread = float(np.ptp(reference)) or 1.0
    return {
        "same": float((outputs.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        "cosine": float(((outputs * reference).sum(axis=1) / np.maximum(norms, 1e-12)).mean()),
        "error": float(np.abs(outputs - reference).mean() / spread),
    }


def timings(model: Path, pythons: Sequence[Path]) -> list[Timing]:
    """Times in the runtimes of this environment and of others, each given by its Python.

    tflite-runtime wants numpy 1 and so an environment of its own.
    """
    found = [timing for timing in _here(model) if timing.p50 is not None or not pythons]
    for python in pythons:
        known = {timing.runtime for timing in found}
        found += [timing for timing in _there(python, model) if timing.runtime not in known]
    return found


def _here(model: Path) -> list[Timing]:
    found = []
    choices: tuple[RuntimeChoice, ...] = ("litert", "tflite-runtime")
    for choice in choices:
        try:
            runtime = find_runtime(choice)
        except EdgeError as error:
            trouble = error.message.removeprefix(f"no TFLite runtime: {choice} is ")
            found.append(Timing(choice, None, None, f"{trouble}; {ELSEWHERE}"))
            continue
        try:
            interpreter = _interpreter(model, choice)
        except EdgeError as error:
            found.append(Timing(choice, None, None, error.message))
            continue
        taken = []
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            interpreter.invoke()
            taken.append(time.perf_counter() - begun)
        found.append(Timing(str(runtime), round(float(np.median(taken)) * 1e3, 4), delegated(interpreter)))
    return found


def _there(python: Path, model: Path) -> list[Timing]:
    call = [str(python), "-m", "tools.quantize.judge", str(model.resolve())]
    root = Path(__file__).parents[2]
    try:
        done = subprocess.run(call, cwd=root, capture_output=True, text=True, timeout=300, check=True)
        rows = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", "") or str(error)
        last = said.strip().splitlines()[-1] if said.strip() else type(error).__name__
        return [Timing(str(python), None, None, last)]
    return [Timing(**row) for row in rows if row["p50"] is not None]


def _interpreter(model: Path, choice: RuntimeChoice) -> Interpreter:
    settings = InferSettings(runtime=choice, threads=1)
    interpreter = find_runtime(settings.runtime).interpreter(model.read_bytes(), str(model), settings)
    try:
        interpreter.allocate_tensors()
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{model.name} does not run: {brief(error)}", "see --keep") from None
    return interpreter


def _names(interpreter: Interpreter) -> set[str]:
    return {operator["op_name"] for operator in interpreter._get_ops_details()}


def _as(tensor: dict[str, Any], values: NDArray[np.float32]) -> NDArray[Any]:
    dtype = np.dtype(tensor["dtype"])
    if dtype == np.float32:
        return values
    scale, zero = tensor["quantization"]
    ends = np.iinfo(dtype)
    return np.asarray(np.clip(np.rint(values / scale) + zero, ends.min, ends.max), dtype)


def _real(tensor: dict[str, Any], values: NDArray[Any]) -> Outputs:
    if values.dtype == np.float32:
        return np.array(values)
    scale, zero = tensor["quantization"]
    return np.asarray((values.astype(np.float32) - zero) * scale, np.float32)


def _main() -> int:
    """Prints the timings of one file in this environment: for ``timings`` of another one."""
    parser = argparse.ArgumentParser(prog="python -m tools.quantize.judge")
    parser.add_argument("model", type=Path)
    rows = _here(parser.parse_args().model)
    fields = ("runtime", "p50", "parts", "trouble")
    print(json.dumps([{name: getattr(row, name) for name in fields} for row in rows]))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
