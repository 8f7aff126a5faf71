"""The classic baseline: a multilayer perceptron that knows MNIST's digits and no reject.

    python -m tools.train_digits --kind mlp --minutes 4

It learns from MNIST alone, each picture moved and bent anew (Simard, Steinkraus and Platt 2003), and stands
beside the convolutional net in `tools.evaluate` for what the books' recipe is worth.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.data import Labelled
from tools.ink.alphabet import scans_of
from tools.quantize import quantize
from tools.train_digits.calibrate import choose_acceptance, honest
from tools.train_digits.card import add_golden, write_card
from tools.train_digits.export import network, write_float
from tools.train_digits.figures import Measured, measure, padded, run
from tools.train_digits.layout import FLOAT, INT8, WEIGHTS, inputs

NAME = "digits-mlp"
LABELS = tuple("0123456789")

_SIDE = 32
_HIDDEN = (320, 160)
_BATCH, _PEAK, _FLOOR, _AVERAGE = 256, 2e-3, 1e-5, 0.999
_WANTED = 0.995
"""Of the validation pictures that pass the threshold this share shall be read right."""
_RANGES = 400
_SOURCES = ({"name": "MNIST, training set without its last 5000", "terms": "Yann LeCun et al., cited"},)


class Threshold(NamedTuple):
    """A score and what it was measured to mean."""

    value: float
    meaning: str


class Mlp(nn.Module):  # type: ignore[misc]
    """Crops (N, 1, 32, 32) float 0..1 to logits (N, 10): two hidden layers of ReLU units."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (_SIDE * _SIDE, *_HIDDEN)
        self.hidden = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])
        self.head = nn.Linear(sizes[-1], len(LABELS))

    def forward(self, crops: Tensor) -> Tensor:
        """Logits (N, 10)."""
        values = torch.flatten(crops, 1)
        for layer in self.hidden:
            values = functional.dropout(functional.relu(layer(values)), 0.1, self.training)
        return self.head(values)


def train(root: Path, minutes: float, seed: int, tell: Callable[[float, float], None]) -> Mlp:
    """Learns for ``minutes``; gives the running average of the weights. ``tell``: share done, mean loss."""
    torch.manual_seed(seed)
    data = padded(scans_of(root, "train"))
    pictures, digits = torch.from_numpy(data.pictures), torch.from_numpy(data.digits.astype(np.int64))
    net = Mlp()
    average: Mlp = copy.deepcopy(net)
    average.eval()
    optimiser = torch.optim.AdamW(net.parameters(), lr=_PEAK, weight_decay=0.01)
    begun, steps, loss_mean = time.monotonic(), 0, 2.3
    while (share := (time.monotonic() - begun) / (minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = _FLOOR + (_PEAK - _FLOOR) * 0.5 * (1 + np.cos(np.pi * share))
        chosen = torch.randint(len(digits), (_BATCH,))
        crops = moved(pictures[chosen][:, None].float() / 255)
        loss = functional.cross_entropy(net(crops), digits[chosen])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        steps += 1
        decay = min(_AVERAGE, 1 - 1 / (steps + 1))
        with torch.no_grad():
            for mean, value in zip(average.parameters(), net.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        loss_mean += 0.01 * (float(loss.detach()) - loss_mean)
        tell(share, loss_mean)
    return average


def moved(crops: Tensor) -> Tensor:
    """Each of ``crops`` (N, 1, 32, 32) turned, leant, scaled, shifted and bent a little by chance."""
    count = len(crops)
    angle, lean = (torch.rand(count) - 0.5) * 0.5, (torch.rand(count) - 0.5) * 0.4
    scale = 1 + (torch.rand(count, 2) - 0.5) * 0.3
    cosine, sine = torch.cos(angle), torch.sin(angle)
    shift = (torch.rand(count, 2) - 0.5) * 0.16
    rows = (
        torch.stack([cosine * scale[:, 0], (lean - sine) * scale[:, 1], shift[:, 0]], 1),
        torch.stack([sine * scale[:, 0], cosine * scale[:, 1], shift[:, 1]], 1),
    )
    places = functional.affine_grid(torch.stack(rows, 1), list(crops.shape), align_corners=False)
    field = torch.randn(count, 2, 5, 5) * 0.05
    bends = functional.interpolate(field, crops.shape[2:], mode="bicubic", align_corners=False)
    return functional.grid_sample(crops, places + bends.permute(0, 2, 3, 1), align_corners=False)


def release(net: Mlp, root: Path, out: Path, *, minutes: float, seed: int) -> list[Measured]:
    """Writes the model's folder, temperature and threshold from the validation part; gives the figures."""
    validation = padded(scans_of(root, "validation"))
    training = padded(scans_of(root, "train"))
    chosen = np.random.default_rng(seed).choice(len(training.digits), _RANGES, replace=False)
    out.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), out / WEIGHTS)
    write_float(net, out / FLOAT)
    quantize(out / FLOAT, inputs(training.pictures[chosen]), out / INT8)
    temperature = honest(_logits(net, validation), validation.digits).temperature
    command = f"python -m tools.train_digits --kind mlp --minutes {minutes:g} --seed {seed}"

    def write(accept: Threshold | None, figures: list[Measured]) -> None:
        write_card(
            out,
            name=NAME,
            labels=LABELS,
            sources=_SOURCES,
            version=1,
            temperature=temperature,
            accept=accept,
            figures=figures,
            command=command,
            seed=seed,
        )

    write(None, [])
    found = choose_acceptance(
        run(network(out), validation.pictures, "validation"), validation.digits, _WANTED
    )
    meaning = (
        f"of MNIST's validation part {found.read:.1%} are read right at this score or higher, and "
        f"{found.right:.2%} of what is read so is right; on what is no digit it means nothing"
    )
    accept = Threshold(found.value, meaning)
    write(accept, [])
    figures = measure(out, root)
    write(accept, figures)
    add_golden(out)
    return figures


def _logits(net: Mlp, labelled: Labelled) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(net(torch.from_numpy(labelled.pictures)[:, None].float() / 255).numpy(), np.float32)
