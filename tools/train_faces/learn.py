"""A student learns to say what the teacher says of a face, however the face is seen.

Distillation of the embedding itself (Hinton et al. 2015, "Distilling the knowledge in a neural network";
relational term after Park et al. 2019, "Relational knowledge distillation"): no names are needed.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge.errors import ConfigError
from tools.train_faces.bend import Batches
from tools.train_faces.chips import MARGIN, SIDE
from tools.train_faces.net import FaceNet, Shape, normalised

BATCH = 64
PEAK, FLOOR, WARM_UP = 5e-4, 5e-6, 0.03
RELATIONS = 0.2
"""Weight of the error of distances within a batch."""

AVERAGE = 0.999
HELD_OUT = 2048
"""Faces that are never learnt from: the loss on them is what the progress shows."""

RIDGE, RIDGED = 1.0, 6000
"""Strength of the first head's ridge regression, and how many faces it is made of."""


@dataclass(slots=True)
class History:
    """How a student came to be: what the weights' file keeps beside them."""

    stages: int = 0
    minutes: float = 0.0
    faces_seen: int = 0
    held_out: float = float("nan")


class Learner:
    """A student, its running average (which is what is used), and the faces that it learns from."""

    def __init__(
        self,
        shape: Shape,
        chips: NDArray[np.uint8],
        targets: NDArray[np.float32],
        *,
        seed: int,
        held_out: int = HELD_OUT,
    ) -> None:
        """``chips`` (N, 128, 128, 3) uint8 BGR, ``targets`` (N, 128); ``held_out`` of them are not learnt."""
        torch.manual_seed(seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        order = np.random.default_rng(7).permutation(len(chips))  # the same faces held out in every stage
        self._held, self._chosen = np.sort(order[:held_out]), np.sort(order[held_out:])
        self._chips, self._targets, self._seed = chips, targets, seed
        self._variance = float(targets[:].var(axis=0).sum())
        self.net = FaceNet(shape).to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval()
        self.history = History()

    def start_from_teacher(self, teacher: Callable[[FaceNet], None]) -> None:
        """``teacher`` fills the blocks; the head is fitted by ridge regression."""
        teacher(self.net)
        count = min(RIDGED, len(self._chosen))
        places = self._chosen[np.linspace(0, len(self._chosen) - 1, count).astype(np.intp)]
        with torch.no_grad():
            views = [self._tensor(self._plain(some)) for some in np.array_split(places, count // BATCH + 1)]
            features = torch.cat([self.net.features(view) for view in views]).cpu().double()
            wanted = torch.from_numpy(self._targets[places]).double()
            mean, aim = features.mean(0), wanted.mean(0)
            centred = features - mean
            strength = RIDGE * float(centred.var(dim=0).sum())
            gram = centred.T @ centred + strength * torch.eye(features.shape[1], dtype=torch.float64)
            weights = torch.linalg.solve(gram, centred.T @ (wanted - aim))
            self.net.head.weight.copy_(weights.T.float())
            self.net.head.bias.copy_((aim - mean @ weights).float())
        self.average.load_state_dict(self.net.state_dict())

    def load(self, path: Path) -> None:
        """Goes on from committed weights. Raises ConfigError where they are damaged or of another student."""
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            weights = {name: value.float() for name, value in state["weights"].items()}
            self.net.load_state_dict(weights)
            self.history = History(**state["history"])
        except Exception as error:  # torch raises many kinds for a damaged file
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(f"no usable weights in {path}: {first}", "start without --resume") from error
        self.average.load_state_dict(self.net.state_dict())

    def save(self, path: Path) -> None:
        """The averaged weights in half precision, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        history = {name: getattr(self.history, name) for name in History.__slots__}
        weights = {name: value.half().cpu() for name, value in self.average.state_dict().items()}
        partial = path.with_suffix(".partial")
        torch.save({"weights": weights, "history": history}, partial)
        partial.replace(path)

    def stage(
        self, minutes: float, peak: float, tell: Callable[[float, float, int], None], save: Path
    ) -> None:
        """Learns for ``minutes``, the rate a falling cosine. ``tell``: share done, mean loss, faces seen."""
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=peak, weight_decay=1e-4)
        start = last = time.monotonic()
        steps, loss_mean, saved = 0, 1.0, 0.0
        seed = self._seed + 1000 * self.history.stages
        with Batches(self._chips, self._targets, self._chosen, BATCH, seed) as batches:
            for views, targets in batches:
                share = (time.monotonic() - start) / (60 * minutes)
                if share >= 1:
                    break
                for group in optimiser.param_groups:
                    group["lr"] = _rate(share, peak)
                steps += 1
                loss = self._step(optimiser, views, targets, steps)
                loss_mean += max(0.01, 1 / steps) * (loss - loss_mean)
                if time.monotonic() - last > 5:
                    last = time.monotonic()
                    tell(share, loss_mean, steps * BATCH)
                if share - saved > 0.1:
                    saved = share
                    self.save(save)
        self.history.stages += 1
        self.history.minutes += minutes
        self.history.faces_seen += steps * BATCH
        self.history.held_out = self.held_out()
        self.save(save)

    def held_out(self) -> float:
        """The loss on faces never learnt from, seen plainly: squared distance over the teacher's variance."""
        with torch.no_grad():
            parts = np.array_split(self._held, len(self._held) // BATCH + 1)
            said = torch.cat([self.average(self._tensor(self._plain(part))).cpu() for part in parts])
        error = ((said.numpy() - self._targets[self._held]) ** 2).sum(axis=1).mean()
        return float(error / self._variance)

    def _step(
        self,
        optimiser: torch.optim.Optimizer,
        views: NDArray[np.uint8],
        targets: NDArray[np.float32],
        steps: int,
    ) -> float:
        self.net.train()
        said, wanted = self.net(self._tensor(views)), torch.from_numpy(targets).to(self.device)
        point = ((said - wanted) ** 2).sum(1).mean() / self._variance
        distances = (torch.pdist(said) - torch.pdist(wanted)).abs().mean()
        loss = point + RELATIONS * distances / self._variance**0.5
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        optimiser.step()
        decay = min(AVERAGE, 1 - 1 / (steps + 1))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        return float(point.detach())

    def _plain(self, places: NDArray[np.intp]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self._chips[places][:, MARGIN : MARGIN + SIDE, MARGIN : MARGIN + SIDE])

    def _tensor(self, views: NDArray[np.uint8]) -> Tensor:
        return normalised(views).to(self.device)


def _rate(share: float, peak: float) -> float:
    if share < WARM_UP:
        return peak * max(share / WARM_UP, 0.02)
    fall = (share - WARM_UP) / (1 - WARM_UP)
    return float(FLOOR + (peak - FLOOR) * 0.5 * (1 + np.cos(np.pi * fall)))
