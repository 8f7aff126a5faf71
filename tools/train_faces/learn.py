"""A student learns to say what the teacher says of a face, however the face is seen.

Distillation of the embedding itself (Hinton et al. 2015, "Distilling the knowledge in a neural network";
relational term after Park et al. 2019, "Relational knowledge distillation"): no names are needed.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge.errors import ConfigError, InputError
from tools.train_faces.bend import Batches
from tools.train_faces.chips import MARGIN, SIDE, scaled
from tools.train_faces.names import pulled, shown
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
        faces: Sequence[tuple[str, str]] = (),
    ) -> None:
        """``chips`` (N, 128, 128, 3) uint8 BGR, ``targets`` (N, 128); ``held_out`` of them are not learnt.

        ``faces``: source and person of each, where they are known. Raises InputError where too few are left
        to learn from.
        """
        if len(chips) < held_out + BATCH:
            raise InputError(
                f"{len(chips)} faces are too few: {held_out} are held out, and a step takes {BATCH}",
                "make a larger cache: train_faces crops",
            )
        torch.manual_seed(seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        order = np.random.default_rng(7).permutation(len(chips))  # the same faces held out in every stage
        self._held, self._chosen = np.sort(order[:held_out]), np.sort(order[held_out:])
        self._shown = shown(self._chosen, faces) if faces else self._chosen
        self._chips, self._seed = chips, seed
        self._targets = pulled(targets, faces) if faces else targets
        self._variance = float(targets[:].var(axis=0).sum())
        self.net = FaceNet(shape).to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval()
        self.history = History()

    def __len__(self) -> int:
        """How many faces there are."""
        return len(self._chips)

    @property
    def learnt(self) -> NDArray[np.intp]:
        """The places of those that are learnt from."""
        return self._chosen

    def start(self, fill: Callable[[FaceNet], None]) -> None:
        """``fill`` sets the blocks; what comes after them is fitted to their maps.

        A narrowing to the directions in which the maps vary most, then a head by ridge regression.
        """
        fill(self.net)
        count = min(RIDGED, len(self._chosen))
        places = self._chosen[np.linspace(0, len(self._chosen) - 1, count).astype(np.intp)]
        with torch.no_grad():
            views = (self._tensor(self._plain(some)) for some in np.array_split(places, count // BATCH + 1))
            maps = torch.cat([self.net.maps(view).cpu() for view in views])
            if self.net.narrow is not None:
                along = maps.movedim(1, -1).reshape(-1, maps.shape[1]).double()
                directions = torch.linalg.eigh(along.T @ along).eigenvectors.flip(1)
                kept = directions[:, : self.net.shape.narrow].T[:, :, None, None].float()
                self.net.narrow.weight.copy_(kept)
                maps = functional.conv2d(maps, kept)
            features = (maps.flatten(1) if self.net.shape.flat else maps.mean((2, 3))).double()
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
        with _readable(path):
            weights, history = _read(path)
            self.net.load_state_dict(weights)
            self.history = History(**history)
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
        with Batches(self._chips, self._targets, self._shown, BATCH, seed) as batches:
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
        wanted = torch.from_numpy(targets).to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=_half_is_faster(self.device)):
            features = self.net.features(self._tensor(views))
        said = self.net.head(features.float())
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
        return normalised(scaled(views, self.net.shape.side)).to(self.device)


def blocks_of(path: Path) -> Callable[[FaceNet], None]:
    """Fills a network's blocks with those of another student's ``path``, as far as both have them.

    What is given raises ConfigError where the file is damaged or the blocks are others.
    """

    def fill(net: FaceNet) -> None:
        with _readable(path):
            weights, _ = _read(path)
            own = net.state_dict()
            found = {name: value for name, value in weights.items() if name.startswith(("stem.", "blocks."))}
            net.load_state_dict(own | {name: value for name, value in found.items() if name in own})

    return fill


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.float() for name, value in state["weights"].items()}, state["history"]


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # torch raises many kinds for a damaged file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"no usable weights in {path}: {first}", "start without --resume and --start"
        ) from error


def _half_is_faster(device: str) -> bool:
    """Whether products of 16-bit floats are computed by the hardware; sums are kept in 32 bits."""
    return device == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())


def _rate(share: float, peak: float) -> float:
    if share < WARM_UP:
        return peak * max(share / WARM_UP, 0.02)
    fall = (share - WARM_UP) / (1 - WARM_UP)
    return float(FLOOR + (peak - FLOOR) * 0.5 * (1 + np.cos(np.pi * fall)))
