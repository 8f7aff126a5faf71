"""The kinds of quantizing, and the library that does them (ai-edge-quantizer)."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import InputError, ModelError
from edge.infer.runtime import brief
from tools.quantize.graph import Layer, float_input, float_operations, layers, operations, read_model
from tools.quantize.samples import Calibration, check_inputs


@dataclass(frozen=True, slots=True)
class Scheme:
    """``file``: the name of what it makes. ``calibrated``: needs samples. ``whole``: nothing stays float."""

    meaning: str
    file: str
    calibrated: bool
    whole: bool


SCHEMES: Mapping[str, Scheme] = {
    "int8": Scheme("weights and activations int8, in and out", "model.tflite", calibrated=True, whole=True),
    "int16x8": Scheme("weights int8, activations int16", "model-int16x8.tflite", calibrated=True, whole=True),
    "dynamic": Scheme(
        "weights int8, activations at run time", "model-dynamic.tflite", calibrated=False, whole=False
    ),
    "float16": Scheme("weights float16", "model-float16.tflite", calibrated=False, whole=False),
}


@dataclass(frozen=True, slots=True)
class Report:
    """What quantizing made: sizes in bytes, how many samples calibrated, the operations of the result."""

    source: str
    result: str
    bytes_before: int
    bytes_after: int
    samples: int
    operations: list[str]


Ranges = Mapping[str, tuple[float, float]]
"""The lowest and highest value that each tensor of a model takes, by the tensor's name."""


def quantize(
    model: Path,
    calibration: Calibration | Ranges,
    out: Path,
    *,
    scheme: str = "int8",
    keep: Sequence[Layer] = (),
    per_tensor: bool = False,
    strict: bool = True,
) -> Report:
    """Writes the quantized form of a float model with one input and fixed shapes.

    ``calibration``: samples, or what ``measured`` once gave of samples that are not at hand. ``keep``: layers
    that stay in float. ``per_tensor``: in int8 and int16x8 one scale for all of a layer's weights, as some
    accelerators want it, instead of one a channel (dynamic keeps one a channel: with one a layer LiteRT 2.3
    gives wrong answers). ``strict``: nobody may stay in float unasked. Raises ModelError for a model that is
    none of these or cannot be quantized so, InputError where the calibration does not fit it, or ``out``
    cannot be written.
    """
    content = read_model(model)
    shape, name = float_input(content, model)
    kind = SCHEMES[scheme]
    if kind.calibrated and not isinstance(calibration, Mapping):
        check_inputs(calibration, shape, "calibration")
    worker = _worker(model, scheme, keep, per_tensor=per_tensor)
    done = _run(worker, model, calibration if kind.calibrated else None, name)
    left = float_operations(done)
    if strict and kind.whole and left and not keep:
        raise ModelError(
            f"{model} keeps float operations in {scheme}: {', '.join(left)}", "build it of others"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_suffix(".partial")
        partial.write_bytes(done)
        partial.replace(out)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written ({error.strerror})", "name a place in a folder of yours"
        ) from error
    used = len(calibration) if kind.calibrated and not isinstance(calibration, Mapping) else 0
    return Report(str(model), str(out), model.stat().st_size, len(done), used, operations(done))


def measured(
    model: Path, calibration: Calibration, *, widest: bool = False
) -> dict[str, tuple[float, float]]:
    """The ranges of the tensors of a float model with one input, over samples (N, …).

    The library's own follow the latest samples slowly, and cut off what few of them show (a face in one
    picture of ten); ``widest`` ones hold all that any sample shows. Raises ModelError and InputError as
    ``quantize``.
    """
    content = read_model(model)
    shape, name = float_input(content, model)
    check_inputs(calibration, shape, "calibration")
    worker = _worker(model, "int8", (), per_tensor=False)
    with _told(model), _quiet():
        parts = [sample[None] for sample in calibration] if widest else [calibration]
        found = [_calibrated(worker, content, part, name) for part in parts]
    return {
        tensor: (
            min(float(one[tensor]["min"].min()) for one in found),
            max(float(one[tensor]["max"].max()) for one in found),
        )
        for tensor in found[0]
    }


def layer_noise(
    model: Path, calibration: Calibration, probe: Calibration, *, per_tensor: bool = False
) -> list[tuple[Layer, float]]:
    """The layers of ``model`` with the signal-to-noise ratio, in dB, that int8 leaves of their output.

    Mean over ``probe`` (N, …); the noise of a layer includes what came in from the layers before.
    """
    from ai_edge_quantizer.utils.validation_utils import ValidationErrorMetric  # noqa: PLC0415

    content = read_model(model)
    _, name = float_input(content, model)
    worker = _worker(model, "int8", (), per_tensor=per_tensor)
    _run(worker, model, calibration, name)
    key = _signature(content)
    samples = {key: [{name: sample[None]} for sample in probe]}
    try:
        with _quiet():
            compared = worker.validate(samples, error_metrics=[ValidationErrorMetric.SNR], num_threads=1)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{model} does not run in int8: {brief(error)}", "see --keep") from error
    ratios = {tensor: figures["snr"] for tensor, figures in compared.get_all_tensor_results().items()}
    return [
        (layer, 10 * float(np.log10(max(ratios[layer.tensor], 1e-12))))
        for layer in layers(content)
        if layer.tensor in ratios
    ]


def _worker(model: Path, scheme: str, keep: Sequence[Layer], *, per_tensor: bool) -> Any:
    # Heavy, and only here.
    from ai_edge_quantizer import algorithm_manager, qtyping, quantizer  # noqa: PLC0415

    worker = quantizer.Quantizer(read_model(model))
    every, supported = ".*", qtyping.TFLOperationName.ALL_SUPPORTED
    if scheme == "float16":
        worker.update_quantization_recipe(
            every,
            supported,
            qtyping.OpQuantizationConfig(
                weight_tensor_config=qtyping.TensorQuantizationConfig(
                    num_bits=16, dtype=qtyping.TensorDataType.FLOAT
                ),
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            algorithm_key=algorithm_manager.AlgorithmName.FLOAT_CASTING,
        )
    elif scheme == "dynamic":
        worker.add_dynamic_config(every, supported, num_bits=8)
    else:
        worker.add_static_config(
            every,
            supported,
            activation_num_bits=16 if scheme == "int16x8" else 8,
            weight_num_bits=8,
            weight_granularity=(
                qtyping.QuantGranularity.TENSORWISE if per_tensor else qtyping.QuantGranularity.CHANNELWISE
            ),
        )
    for layer in keep:
        # Layers are known to the library by the names of their outputs.
        worker.update_quantization_recipe(
            f"^{re.escape(layer.tensor)};?$",
            supported,
            algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE,
        )
    return worker


def _run(worker: Any, model: Path, calibration: Calibration | Ranges | None, name: str) -> bytes:
    with _told(model), _quiet():
        ranges = None
        if isinstance(calibration, Mapping):
            ranges = _as_calibrated(read_model(model), calibration)
        elif calibration is not None:
            ranges = _calibrated(worker, read_model(model), calibration, name)
        return bytes(worker.quantize(ranges, enable_progress_report=False).quantized_model)


def _calibrated(
    worker: Any, content: bytes, calibration: Calibration, name: str
) -> dict[str, dict[str, Any]]:
    samples = [{name: sample[None].astype(np.float32)} for sample in calibration]
    found: dict[str, dict[str, Any]] = worker.calibrate({_signature(content): samples}, num_threads=1)
    return found


def _as_calibrated(content: bytes, ranges: Ranges) -> dict[str, dict[str, Any]]:
    """What the library would have measured itself: arrays of as many axes as the tensor has."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    tensors = Interpreter(model_content=content).get_tensor_details()
    axes = {str(tensor["name"]): len(tensor["shape"]) for tensor in tensors}
    return {
        tensor: {
            end: np.full((1,) * axes[tensor], value, np.float32)
            for end, value in zip(("min", "max"), ranges[tensor], strict=True)
        }
        for tensor in ranges
    }


@contextlib.contextmanager
def _told(model: Path) -> Iterator[None]:
    """What the library raises, as a sentence."""
    try:
        yield
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        raise ModelError(f"{model} cannot be quantized: {brief(error)}", "see --keep") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's own bars, and the runtime's warning that all tensors are kept, as is meant."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.filterwarnings("ignore", ".*experimental_preserve_all_tensors", UserWarning)
        yield


def _signature(content: bytes) -> str:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    found = Interpreter(model_content=content).get_signature_list()
    return next(iter(found), "serving_default")


def chosen_layers(found: Sequence[tuple[Layer, float]], named: Sequence[str], worst: int) -> list[Layer]:
    """The layers to keep in float: by number, by a regular expression on the name, and the ``worst`` ones.

    ``found``: from ``layer_noise``. Raises InputError for a name that no layer has.
    """
    kept: dict[int, Layer] = {}
    for name in named:
        try:
            fits = [
                layer
                for layer, _ in found
                if name == str(layer.number) or (not name.isdigit() and re.search(name, layer.tensor))
            ]
        except re.error as error:
            raise InputError(
                f"--keep {name!r} is no regular expression ({error})", "give a layer's number"
            ) from None
        if not fits:
            numbers = ", ".join(str(layer.number) for layer, _ in found)
            raise InputError(f"--keep {name!r} names no layer", f"allowed: {numbers}, or a part of a name")
        kept |= {layer.number: layer for layer in fits}
    for layer, _ in sorted(found, key=lambda item: item[1])[:worst]:
        kept[layer.number] = layer
    return [kept[number] for number in sorted(kept)]
