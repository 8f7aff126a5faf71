"""From the learnt net to the files of the model's folder: weights, float and int8 TFLite."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import torch
from torch import nn

from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.records import Image
from tools.quantize import Report, quantize
from tools.train_digits.layout import FLOAT, INT8, WEIGHTS, inputs
from tools.train_digits.net import DigitNet, fused


def export(net: DigitNet, calibration: Image, folder: Path) -> Report:
    """Writes weights.pt, float.tflite and model.tflite (int8) into ``folder``.

    ``calibration``: crops (N, 32, 32) uint8 that show the ranges within the net.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.save({name: value.cpu() for name, value in net.state_dict().items()}, folder / WEIGHTS)
    write_float(fused(net), folder / FLOAT)
    return quantize(folder / FLOAT, inputs(calibration), folder / INT8)


def network(folder: Path) -> Model:
    """The model in ``folder`` as the recognizer runs it. Raises ModelError."""
    return Model(folder, load_card(folder), InferSettings(threads=1))


def write_float(net: nn.Module, path: Path) -> None:
    """The float TFLite form of ``net``: input (1, 32, 32, 1), output logits (1, labels)."""
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        warnings.simplefilter("ignore")
        logging.getLogger("torch").setLevel(logging.ERROR)
        # Brings JAX and more: seconds and half a gigabyte, needed only here.
        import litert_torch  # noqa: PLC0415

        model = litert_torch.to_channel_last_io(net, args=[0]).eval()
        litert_torch.convert(model, (torch.rand(1, 32, 32, 1),)).export(str(path))
