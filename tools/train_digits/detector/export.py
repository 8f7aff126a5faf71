"""From the learnt net to the files of the model's folder: weights, float and two int8 TFLite files."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from edge.errors import FaultError
from tools.evaluate.scene_labels import Scene
from tools.quantize import Calibration, quantize
from tools.train_digits.detector.material import Shelf
from tools.train_digits.detector.net import MEAN, STD, DigitDetectorNet, normalised
from tools.train_digits.detector.views import Viewer
from tools.train_faces.detector.export import ranges, write_float
from tools.train_faces.detector.net import fused

WEIGHTS, FLOAT = "weights.pt", "float.tflite"

FILES = {(640, 480): "model.tflite", (320, 240): "model-320.tflite"}
"""By (width, height) the variants; the float file is of the first."""

RANGES = {640: 24, 320: 60}
"""Views, by width, that show the quantizer the ranges within the net."""

ALIKE = 1e-2
"""Difference of an output, in strides or logits, that the converter may make."""


def export(net: DigitDetectorNet, scenes: Sequence[Scene], folder: Path, seed: int) -> None:
    """Writes weights.pt, float.tflite and the variants of ``FILES`` into ``folder``.

    ``scenes``, of those that were learnt from, show the ranges within the net. Raises ``InputError`` where
    one cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({name: value.cpu() for name, value in net.state_dict().items()}, folder / WEIGHTS)
    # The converter knows constants by their address, and those in another order of memory it copies to where
    # others were before: two layers then share their weights.
    plain = fused(net.cpu()).to(memory_format=torch.contiguous_format)
    for number, (size, name) in enumerate(FILES.items()):
        source = folder / (FLOAT if number == 0 else f"float-{size[0]}.tflite")
        write_float(plain, size, source, channels=1)
        _compare(plain, size, source)
        rng = np.random.default_rng([seed, 7, size[0]])
        viewer = Viewer(Shelf(scenes, rng), rng, size[0])
        views = np.stack([viewer.view().image[: size[1]] for _ in range(RANGES[size[0]])])
        found = ranges(source, inputs(views))
        # Each grey level is a level of the input: nothing is lost there.
        quantize(source, found | {_taken(source): (-1.0, 1.0)}, folder / name)
        if number:
            source.unlink()


def inputs(views: np.typing.NDArray[np.uint8]) -> Calibration:
    """Views (N, H, W) uint8 as the float model takes them: (N, H, W, 1) float32."""
    return np.asarray((views[..., None].astype(np.float32) - MEAN) / STD, np.float32)


def honest(
    net: DigitDetectorNet, scales: Sequence[tuple[float, float]], temperature: float
) -> DigitDetectorNet:
    """A copy whose scores mean what they say.

    The logits of each map's scores, finest first, are slope times as large plus offset, by ``scales``; those
    of all classes are divided by ``temperature``.
    """
    copied = copy.deepcopy(net)
    with torch.no_grad():
        for head, (slope, offset) in zip(copied.scores, scales, strict=True):
            conv = cast(nn.Conv2d, head)
            conv.weight.mul_(slope)
            cast(Tensor, conv.bias).mul_(slope).add_(offset)
        for head in copied.classes:
            for part in head.parameters():
                part.div_(temperature)
    return copied


def _taken(source: Path) -> str:
    """The name of the tensor that a model takes."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    return str(Interpreter(model_path=str(source)).get_input_details()[0]["name"])


def _compare(net: nn.Module, size: tuple[int, int], source: Path) -> None:
    """Raises FaultError where the converted file says something else than the net."""
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    image = np.random.default_rng(1).integers(0, 256, (1, size[1], size[0])).astype(np.uint8)
    runtime = Interpreter(model_path=str(source), num_threads=1)
    runtime.allocate_tensors()
    runtime.set_tensor(runtime.get_input_details()[0]["index"], inputs(image))
    runtime.invoke()
    with torch.no_grad():
        said = net(normalised(image))
    for part, detail in zip(said, runtime.get_output_details(), strict=True):
        apart = float(np.abs(part.numpy() - runtime.get_tensor(detail["index"])).max())
        if apart > ALIKE:
            raise FaultError(f"{source} says something else than the net: off by {apart:.3g}")
