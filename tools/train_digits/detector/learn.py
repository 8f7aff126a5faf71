"""The learning loop: bounded in minutes, with checkpoints, each stage ending in a usable net."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edge.errors import ConfigError
from tools.evaluate.scene_labels import Scene
from tools.train_digits.detector.losses import Losses
from tools.train_digits.detector.material import Shelf
from tools.train_digits.detector.net import DigitDetectorNet, normalised
from tools.train_digits.detector.views import Batch, Viewer
from tools.train_digits.learn import half_is_faster

BATCH, SIDE = 16, 256
PEAK, FLOOR, WARM_UP = 3e-3, 3e-5, 0.04
AVERAGE = 0.998
SAVED = 0.1
"""Share of a stage between two checkpoints."""

Parts = np.typing.NDArray[np.float64]
"""(3,): the losses of the scores, the classes and the boxes."""


@dataclass(slots=True)
class History:
    """How a detector came to be: what the checkpoint keeps beside the weights."""

    stages: int = 0
    steps: int = 0
    minutes: float = 0.0
    views: int = 0
    scenes: int = 0


class Learner:
    """A net, its running average (which is what is used), and its optimiser."""

    def __init__(self, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self.device = device
        self.history = History()
        self._seed = seed
        self._net = DigitDetectorNet().to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self._net).eval()
        self._optimiser = torch.optim.AdamW(self._net.parameters(), lr=PEAK, weight_decay=1e-3)

    def stage(
        self,
        scenes: Sequence[Scene],
        minutes: float,
        tell: Callable[[float, Parts], None],
        save: Path,
        *,
        batch: int = BATCH,
        side: int = SIDE,
    ) -> None:
        """Learns from ``scenes`` for ``minutes``, the rate falling as a cosine to almost nothing.

        ``tell`` is given the share done and the mean losses. Checkpoints go to ``save``. Raises
        ``InputError`` where a scene cannot be read.
        """
        # A seed for each stage, so that a later one does not show the same views again.
        rng = np.random.default_rng([self._seed, self.history.stages])
        viewer = Viewer(Shelf(scenes, rng), rng, side)
        losses = Losses(side, self.device)
        self.history.scenes = len(scenes)
        start = last = time.monotonic()
        steps, mean, saved = 0, np.zeros(3), 0.0
        while (share := (time.monotonic() - start) / (60 * minutes)) < 1:
            for group in self._optimiser.param_groups:
                group["lr"] = _rate(share)
            found = self.step(losses, viewer.batch(batch))
            steps += 1
            self.history.steps += 1
            self.history.views += batch
            mean += max(0.01, 1 / steps) * (found - mean)
            if time.monotonic() - last > 1:
                last = time.monotonic()
                tell(share, mean)
            if share - saved > SAVED:
                saved = share
                self.save(save)
        self.history.stages += 1
        self.history.minutes += minutes
        self.save(save)

    def step(self, losses: Losses, batch: Batch) -> Parts:
        """One step; gives the losses before it."""
        self._net.train()
        images = normalised(batch.images).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device, torch.bfloat16, enabled=half_is_faster(self.device)):
            said = self._net(images)
        parts = losses(said, batch.truth.to(self.device))
        self._optimiser.zero_grad(set_to_none=True)
        (parts[0] + parts[1] + parts[2]).backward()
        torch.nn.utils.clip_grad_norm_(self._net.parameters(), 10.0)
        self._optimiser.step()
        self._follow(min(AVERAGE, 1 - 1 / (0.2 * self.history.steps + 1)))
        return np.array([float(part.detach()) for part in parts])

    def save(self, path: Path) -> None:
        """Writes the checkpoint, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "net": self._net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "history": {name: getattr(self.history, name) for name in History.__slots__},
        }
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint. Raises ConfigError where it is missing, damaged, or of another net."""
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            self._net.load_state_dict(state["net"])
            self.average.load_state_dict(state["average"])
            if "optimiser" in state:  # left out of what is kept for good: its moments are found anew
                self._optimiser.load_state_dict(state["optimiser"])
            self.history = History(**state["history"])
        except Exception as error:  # torch raises many kinds for a damaged file
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(f"no usable checkpoint in {path}: {first}", "start without --resume") from error

    def _follow(self, decay: float) -> None:
        with torch.no_grad():
            learnt = self._net.state_dict()
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(learnt[name], 1 - decay)
                else:
                    mean.copy_(learnt[name])


def _rate(share: float) -> float:
    if share < WARM_UP:
        return PEAK * max(share / WARM_UP, 0.02)
    fall = (share - WARM_UP) / (1 - WARM_UP)
    return float(FLOOR + (PEAK - FLOOR) * 0.5 * (1 + np.cos(np.pi * fall)))
