"""From the learnt net to the files of the model's folder: weights, float and three int8 TFLite files."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from edge.errors import FaultError, ModelError
from edge.records import Image
from tools.quantize import quantize
from tools.quantize.schemes import measured
from tools.train_faces.detector.compose import Composer
from tools.train_faces.detector.material import Material
from tools.train_faces.detector.net import MEAN, STD, DetectorNet, fused

SIZES = ((320, 240), (160, 120), (640, 480))
"""(width, height) of the variants, the usual one first."""

FLOAT = "float.tflite"
RANGES = {160: 160, 320: 100, 640: 30}
"""Views, by width, that show the quantizer the ranges within the net."""

WITHIN = 0.95
"""Share of the views whose lowest and highest values within the net are represented whole."""

FAINTEST = -5.0
"""Logit, of a score of 0.7 %, below which scores need no levels: those above lie closer then."""

ALIKE = 1e-2
"""Difference of an output, in strides or logits, that the converter may make."""

LARGEST = 250_000
"""Bytes of a variant at most."""


def export(
    net: DetectorNet,
    materials: Sequence[Material],
    folder: Path,
    seed: int,
    sizes: Sequence[tuple[int, int]] = SIZES,
) -> None:
    """Writes float.tflite (of the usual size) and a model-WIDTH.tflite of each of ``sizes`` into ``folder``.

    Raises ModelError where a file becomes larger than it may be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The converter knows constants by their address, and those in another order of memory it copies to where
    # others were before: two layers then share their weights.
    plain = fused(net.cpu()).to(memory_format=torch.contiguous_format)
    for size in sizes:
        composer = Composer(materials, size, (seed, 7, size[0]))
        views = np.stack([composer.view().image for _ in range(RANGES[size[0]])])
        usual = size == SIZES[0]
        source = folder / (FLOAT if usual else f"float-{size[0]}.tflite")
        write_float(plain, size, source)
        _compare(plain, size, source)
        quantize(source, ranges(source, inputs(views)), folder / file_of(size))
        if not usual:
            source.unlink()
        content = nameless((folder / file_of(size)).read_bytes())
        if len(content) > LARGEST:
            raise ModelError(f"{folder / file_of(size)} has {len(content)} bytes", f"allowed: {LARGEST}")
        (folder / file_of(size)).write_bytes(content)


def ranges(source: Path, views: np.typing.NDArray[np.float32]) -> dict[str, tuple[float, float]]:
    """The ranges of all tensors of a float model that views (N, H, W, 3) show, for the quantizer.

    Within the net the widest of most views, so that a few odd ones do not make the levels of all coarse; of
    what it says the widest, but of scores nothing below ``FAINTEST``.
    """
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    told = [detail["name"] for detail in Interpreter(model_path=str(source)).get_output_details()]
    found = [measured(source, view[None]) for view in views]
    made = {}
    for name in found[0]:
        low, high = np.array([one[name] for one in found], np.float64).T
        share = 1.0 if name in told else WITHIN
        made[name] = (float(np.quantile(low, 1 - share)), float(np.quantile(high, share)))
    low_score, high_score = made[told[0]]
    made[told[0]] = (max(low_score, FAINTEST), max(high_score, FAINTEST + 1))
    return made


def nameless(content: bytes) -> bytes:
    """The same TFLite file without what only its makers need: a sixth of a small one is names of tensors."""
    import flatbuffers  # noqa: PLC0415 - comes with the runtime
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for graph in model.subgraphs:
        for number, tensor in enumerate(graph.tensors):
            tensor.name = str(number)
            if tensor.quantization is not None:
                tensor.quantization.min = tensor.quantization.max = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _compare(net: nn.Module, size: tuple[int, int], source: Path) -> None:
    """Raises FaultError where the converted file says something else than the net."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    image = torch.rand(1, 3, size[1], size[0], generator=torch.Generator().manual_seed(1)) * 2 - 1
    runtime = Interpreter(model_path=str(source), num_threads=1)
    runtime.allocate_tensors()
    runtime.set_tensor(runtime.get_input_details()[0]["index"], image.permute(0, 2, 3, 1).numpy())
    runtime.invoke()
    with torch.no_grad():
        said = net(image)
    for part, detail in zip(said, runtime.get_output_details(), strict=True):
        apart = float(np.abs(part.numpy() - runtime.get_tensor(detail["index"])).max())
        if apart > ALIKE:
            raise FaultError(f"{source} says something else than the net: off by {apart:.3g}")


def file_of(size: tuple[int, int]) -> str:
    """The name of the variant for an input of this size."""
    return f"model-{size[0]}.tflite"


def inputs(views: Image) -> np.typing.NDArray[np.float32]:
    """Views (N, H, W, 3) uint8 as the float model takes them."""
    return np.asarray((views.astype(np.float32) - MEAN) / STD, np.float32)


def honest(net: DetectorNet, scales: Sequence[tuple[float, float]]) -> DetectorNet:
    """A copy whose scores mean what they say.

    Its logits are slope times as large plus offset, by the ``scales`` of each map, finest first: the maps of
    large faces, which most places of most pictures have none of, are far surer than they may be.
    """
    copied = copy.deepcopy(net)
    with torch.no_grad():
        for head, (slope, offset) in zip(copied.scores, scales, strict=True):
            conv = cast(nn.Conv2d, head)
            conv.weight.mul_(slope)
            cast(Tensor, conv.bias).mul_(slope).add_(offset)
    return copied


def write_float(net: nn.Module, size: tuple[int, int], path: Path, channels: int = 3) -> None:
    """The float TFLite form of ``net``: input (1, height, width, channels); ``size`` is (width, height)."""
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        warnings.simplefilter("ignore")
        logging.getLogger("torch").setLevel(logging.ERROR)
        # Brings JAX and more: seconds and half a gigabyte, needed only here.
        import litert_torch  # noqa: PLC0415

        model = litert_torch.to_channel_last_io(net, args=[0]).eval()
        litert_torch.convert(model, (torch.rand(1, size[1], size[0], channels),)).export(str(path))
