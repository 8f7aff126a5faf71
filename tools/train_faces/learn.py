"""A student learns to say what the teacher says of a face, however the face is seen.

Distillation of the embedding itself (Hinton et al. 2015, "Distilling the knowledge in a neural network";
relational term after Park et al. 2019, "Relational knowledge distillation"): no names are needed.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from edge.errors import InputError
from tools.train_faces.bend import Batches
from tools.train_faces.chips import MARGIN, SIDE, scaled
from tools.train_faces.margin import Prototypes
from tools.train_faces.names import pulled, shown, told
from tools.train_faces.narrow import narrow
from tools.train_faces.net import FaceNet, Shape, normalised
from tools.train_faces.replay import Replay
from tools.train_faces.weights import History, read, readable

BATCH = 64
PEAK, FLOOR, WARM_UP = 5e-4, 5e-6, 0.03
RELATIONS = 0.2
"""Weight of the error of distances within a batch."""

AVERAGE = 0.999
HELD_OUT = 2048
"""Faces that are never learnt from: the loss on them is what the progress shows."""

NAMES, FASTER = 0.1, 3
"""Weight of what names teach, and how many times faster than the network its prototypes learn."""

RIDGE, RIDGED = 1.0, 6000
"""Strength of the first head's ridge regression, and how many faces it is made of."""

NARROWED = 3000
"""Faces that the narrowing of the teacher's blocks is made of."""

AGAIN, REPLAYED = 2, 128
"""Steps of the narrowed blocks for each batch that the others look at, and faces of such a step."""


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
        names = told(faces)
        self._targets = pulled(targets, names) if faces else targets
        prototypes = Prototypes(targets, names, self._chosen) if faces else None
        self._prototypes = prototypes.to(self.device) if prototypes and len(prototypes.persons) > 1 else None
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

        Of a student with narrowed blocks it sets the whole network, which is narrowed then. Of others: a
        narrowing to the directions in which the maps vary most, then a head by ridge regression.
        """
        if self.net.shape.ranks:
            whole = FaceNet(replace(self.net.shape, ranks=()))
            fill(whole)
            _, views = self._spread(NARROWED)
            narrow(self.net, whole, views)
            self.average.load_state_dict(self.net.state_dict())
            return
        fill(self.net)
        places, views = self._spread(RIDGED)
        with torch.no_grad():
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

    def _spread(self, count: int) -> tuple[NDArray[np.intp], Iterator[Tensor]]:
        """So many of the faces that are learnt from, seen plainly, and their places."""
        count = min(count, len(self._chosen))
        places = self._chosen[np.linspace(0, len(self._chosen) - 1, count).astype(np.intp)]
        parts = np.array_split(places, count // BATCH + 1)
        return places, (self._tensor(self._plain(some)) for some in parts)

    def load(self, path: Path) -> None:
        """Goes on from committed weights. Raises ConfigError where they are damaged or of another student."""
        with readable(path):
            weights, history = read(path)
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
        self,
        minutes: float,
        peak: float,
        tell: Callable[[float, float, int], None],
        save: Path,
        *,
        keep: int = 0,
        tail: bool = False,
    ) -> None:
        """Learns for ``minutes``, the rate a falling cosine. ``tell``: share done, mean loss, faces seen.

        ``keep``: so many of the first blocks stay as they are. ``tail``: all of the teacher's own do, and
        what comes after them learns from their maps, several times each.
        """
        keep = self.net.whole if tail else keep
        groups = [{"params": self.net.learn_from(keep), "weight_decay": 1e-4, "times": 1}]
        if self._prototypes is not None:
            groups.append({"params": [self._prototypes.directions], "weight_decay": 0.0, "times": FASTER})
        optimiser = torch.optim.AdamW(groups, lr=peak)
        replay: Replay | None = None
        start = last = time.monotonic()
        steps, loss_mean, saved = 0, 1.0, 0.0
        seed = self._seed + 1000 * self.history.stages
        with Batches(self._chips, self._shown, BATCH, seed) as batches:
            for views, places in batches:
                share = (time.monotonic() - start) / (60 * minutes)
                if share >= 1:
                    break
                for group in optimiser.param_groups:
                    group["lr"] = group["times"] * _rate(share, peak)
                steps += 1
                if tail:
                    maps = self._trunk(views)
                    replay = replay or Replay(tuple(maps.shape[1:]), seed)
                    replay.put(maps, places)
                    for _ in range(AGAIN):
                        loss = self._step(optimiser, *replay.some(REPLAYED), steps)
                else:
                    loss = self._step(optimiser, self._tensor(views), places, steps)
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
        seen: Tensor,
        places: NDArray[np.intp],
        steps: int,
    ) -> float:
        """``seen``: views, normalised, or the trunk's maps of them."""
        self.net.train()
        wanted = torch.from_numpy(self._targets[places]).to(self.device)
        with self._half():
            maps = self.net.maps(seen) if seen.shape[1] == 3 else self.net.rest(seen.to(self.device))
            features = self.net.pooled(maps)
        said = self.net.head(features.float())
        point = ((said - wanted) ** 2).sum(1).mean() / self._variance
        distances = (torch.pdist(said) - torch.pdist(wanted)).abs().mean()
        loss = point + RELATIONS * distances / self._variance**0.5
        if self._prototypes is not None:
            loss = loss + NAMES * self._prototypes(said, torch.from_numpy(places).to(self.device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        optimiser.step()
        decay = min(AVERAGE, 1 - 1 / (steps + 1))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(value, 1 - decay)
        return float(point.detach())

    def _trunk(self, views: NDArray[np.uint8]) -> Tensor:
        with torch.no_grad(), self._half():
            return self.net.trunk(self._tensor(views)).cpu()

    def _half(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16, enabled=_half_is_faster(self.device))

    def _plain(self, places: NDArray[np.intp]) -> NDArray[np.uint8]:
        return np.ascontiguousarray(self._chips[places][:, MARGIN : MARGIN + SIDE, MARGIN : MARGIN + SIDE])

    def _tensor(self, views: NDArray[np.uint8]) -> Tensor:
        return normalised(scaled(views, self.net.shape.side)).to(self.device)


def _half_is_faster(device: str) -> bool:
    """Whether products of 16-bit floats are computed by the hardware; sums are kept in 32 bits."""
    return device == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())


def _rate(share: float, peak: float) -> float:
    if share < WARM_UP:
        return peak * max(share / WARM_UP, 0.02)
    fall = (share - WARM_UP) / (1 - WARM_UP)
    return float(FLOOR + (peak - FLOOR) * 0.5 * (1 + np.cos(np.pi * fall)))
