"""From a network to the files of a model's folder: float TFLite, and int8 made of it."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import os
import warnings
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import ModelError
from tools.quantize import Calibration
from tools.train_faces.net import MEAN, STD, Block, FaceNet

WEIGHTS, FLOAT, INT8 = "weights.pt", "float.tflite", "model.tflite"

BGR_MEAN = tuple(reversed(MEAN))
"""Of the exported files, which take their channels in the order in which a camera's pictures have them."""


QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
"""What keeps the converter's libraries from writing to standard error past Python."""


ROUNDING = 1e-3
"""Of the largest value: what two ways of adding up may differ by."""


class Exported(nn.Module):  # type: ignore[misc]
    """A copy of a network with its channels last throughout, for pictures in BGR.

    The converter puts transpositions around a padding of channels, and none around the joining of zeros.
    """

    def __init__(self, net: FaceNet) -> None:
        super().__init__()
        # The converter reads weights as they lie in memory, so they must lie in their own order.
        net = copy.deepcopy(net).cpu().eval().to(memory_format=torch.contiguous_format)
        self.flat, self.enlarged = net.shape.flat, net.shape.enlarged
        self.stem, self.blocks, self.narrow, self.head = net.stem, net.blocks, net.narrow, net.head
        with torch.no_grad():
            self.stem.weight.copy_(self.stem.weight.flip(1))
            if self.flat:
                side = net.map_side()
                planes = self.head.weight.reshape(self.head.out_features, -1, side, side)
                self.head.weight.copy_(planes.permute(0, 2, 3, 1).reshape(self.head.weight.shape))

    def forward(self, x: Tensor) -> Tensor:
        """(N, side, side, 3), normalised BGR, to (N, 128)."""
        if self.enlarged:
            large = functional.interpolate(x.permute(0, 3, 1, 2), (self.enlarged,) * 2, mode="bilinear")
            x = large.permute(0, 2, 3, 1)
        x = functional.relu(_planes(self.stem, x))
        x = functional.max_pool2d(x.permute(0, 3, 1, 2), 3, 2).permute(0, 2, 3, 1)
        for block in self.blocks:
            x = _block(block, x)
        x = _planes(self.narrow, x) if self.narrow is not None else x
        return cast(Tensor, self.head(x.flatten(1) if self.flat else x.mean((1, 2))))


def _planes(layer: nn.Module, x: Tensor) -> Tensor:
    return cast(Tensor, layer(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)


def _block(block: Block, x: Tensor) -> Tensor:
    """What ``Block.forward`` computes, channels last."""
    y = _planes(block.second, functional.relu(_planes(block.first, x)))
    short = _planes(block.mean, x) if block.down else x
    right, below = short.shape[2] - y.shape[2], short.shape[1] - y.shape[1]
    if right or below:
        y = functional.pad(y, (0, 0, 0, right, 0, below))
    channels = y.shape[3] - short.shape[3]
    if channels:
        short = torch.cat((short, torch.zeros(*short.shape[:3], channels)), 3)
    return functional.relu(y + short)


def write_float(net: FaceNet, path: Path) -> None:
    """The float TFLite form of ``net``: input (1, side, side, 3) normalised BGR, output (1, 128).

    Raises ModelError where it does not compute what ``net`` does.
    """
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        warnings.simplefilter("ignore")
        logging.getLogger("torch").setLevel(logging.ERROR)
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        # Brings JAX and more: seconds and half a gigabyte, needed only here.
        import litert_torch  # noqa: PLC0415

        model = Exported(net)
        sample = torch.rand(1, net.shape.side, net.shape.side, 3) - 0.5
        litert_torch.convert(model, (sample,)).export(str(path))
    with torch.no_grad():
        wanted = model(sample).numpy()
    error = float(np.abs(_outputs(path, sample.numpy()) - wanted).max())
    if error > ROUNDING * float(np.abs(wanted).max()):
        raise ModelError(f"{path} differs from the network by {error:.3g}", "the converter is at fault")


def _outputs(path: Path, sample: Calibration) -> Calibration:
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - the runtime is heavy

    runner = Interpreter(str(path), num_threads=1)
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], sample)
    runner.invoke()
    return np.asarray(runner.get_tensor(runner.get_output_details()[0]["index"]), np.float32)


def inputs(chips: NDArray[np.uint8]) -> Calibration:
    """(N, H, W, 3) uint8 BGR as the float file takes them: float32, normalised."""
    return np.asarray((chips.astype(np.float32) - np.array(BGR_MEAN, np.float32)) / STD, np.float32)
