"""The learning loop: bounded in minutes, with checkpoints, each stage ending in a usable net."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge.errors import ConfigError
from edge.records import Image
from tools.train_digits.feed import Feed
from tools.train_digits.net import DigitNet

BATCH = 256
_PEAK, _FLOOR = 2.5e-3, 2e-5
_LOWER = 0.6
"""Each further stage begins at so much of the rate of the one before."""
STARTED = 2
"""Weights of a finished model count as so many stages: a higher rate would undo what they know."""
_WARM_UP = 0.04
_AVERAGE = 0.999
_FIRST = 20_000
"""Crops that must be there before learning starts."""
_TAUGHT = 0.7
"""Weight of what a teacher says of a mined crop, beside its label: what a stage would forget of the mistakes
mined before it, of which the crops are gone (Li, Hoiem 2016, "Learning without forgetting")."""


@dataclass(slots=True)
class Progress:
    """Where a training stands: what the checkpoint keeps beside the weights."""

    stage: int = 0
    steps: int = 0
    minutes: float = 0.0
    crops: int = 0
    mined: int = 0
    before: str = ""
    """How the weights were made that the first stage started from, if from any."""
    taught: bool = False
    history: list[dict[str, float]] = field(default_factory=list)


class Learner:
    """A net, its running average (which is what is used) and its optimiser."""

    def __init__(self, seed: int, device: str) -> None:
        torch.manual_seed(seed)
        self.device = device
        self.progress = Progress()
        self.blended = 1.0
        self._net = DigitNet().to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self._net).eval()
        self._optimiser = torch.optim.AdamW(self._net.parameters(), lr=_PEAK, weight_decay=0.02)
        self._teacher: DigitNet | None = None

    def stage(
        self,
        feed: Feed,
        rng: np.random.Generator,
        minutes: float,
        tell: Callable[[float, float], None],
        save: Path,
    ) -> None:
        """Learns for ``minutes``, the rate falling as a cosine to almost nothing at their end.

        ``tell`` is given the share done and the mean loss. Checkpoints go to ``save``.
        """
        feed.ready(_FIRST)
        peak = _PEAK * _LOWER ** min(self.progress.stage, 3)
        start = last = time.monotonic()
        budget = minutes * 60
        loss_mean, saved = 2.4, 0.0
        while (share := (time.monotonic() - start) / budget) < 1:
            for group in self._optimiser.param_groups:
                group["lr"] = _rate(share, peak)
            losses = self._step(*feed.sample(rng, BATCH), feed.proposed)
            feed.learnt(losses)
            loss = float(losses.mean())
            loss_mean += 0.01 * (loss - loss_mean)
            if time.monotonic() - last > 1:
                last = time.monotonic()
                tell(share, loss_mean)
            if share - saved > 0.34:
                saved = share
                self.save(save)
        self.progress.stage += 1
        self.progress.minutes += minutes
        self.progress.crops += feed.drawn
        self.save(save)

    def logits(self, crops: Image) -> NDArray[np.float32]:
        """Logits (N, 11) of crops (N, 32, 32) uint8 by the averaged net."""
        with torch.no_grad():
            parts = [
                self.average(self._tensor(part)).cpu().numpy()
                for part in np.array_split(crops, len(crops) // 500 + 1)
            ]
        return np.concatenate(parts)

    def save(self, path: Path) -> None:
        """Writes the checkpoint, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "net": self._net.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "progress": {name: getattr(self.progress, name) for name in Progress.__slots__},
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
            self._optimiser.load_state_dict(state["optimiser"])
            self.progress = Progress(**state["progress"])
        except Exception as error:  # torch raises many kinds for a damaged file
            raise ConfigError(
                f"no usable checkpoint in {path}: {_first_line(error)}", "start without --resume"
            ) from error

    def start(self, path: Path, made_by: str) -> None:
        """Begins with the weights of a finished model, which was ``made_by`` some command.

        They count as ``STARTED`` stages. Raises ConfigError where they are missing or of another net.
        """
        self._net.load_state_dict(self._weights(path))
        self.average.load_state_dict(self._net.state_dict())
        self.progress = Progress(stage=STARTED, before=made_by)

    def teach(self, path: Path) -> None:
        """Learns of mined crops also what a finished model says of them. Raises ConfigError."""
        self._teacher = DigitNet().to(self.device, memory_format=torch.channels_last).eval()
        self._teacher.load_state_dict(self._weights(path))
        self.progress.taught = True

    def blend(self, paths: Sequence[Path], share: float) -> None:
        """Takes the averaged net for ``share`` and the mean of finished models' weights for the rest.

        A later stage on another mix forgets some of what the one before knew; in between, along the straight
        line, both hold (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"). And the mean of
        stages that differ in their seed alone is often as good as the best of them (the same, "Model soups").
        Raises ConfigError.
        """
        others = [self._weights(path) for path in paths]
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                mean = torch.stack([other[name].to(value.device) for other in others]).mean(0)
                value.lerp_(mean, 1 - share)
        self.blended = share

    def _weights(self, path: Path) -> dict[str, Tensor]:
        """Of a finished model, or a checkpoint's average. Raises ConfigError: missing, or of another net."""
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            state = state.get("average", state)
            DigitNet().load_state_dict(state)
        except Exception as error:  # torch raises many kinds for a damaged file
            said = _first_line(error)
            raise ConfigError(
                f"no usable weights in {path}: {said}", "give weights.pt of a model or a checkpoint"
            ) from error
        return state

    def _step(self, crops: Image, labels: NDArray[np.uint8], mined: slice) -> NDArray[np.float32]:
        """One step; gives the losses (N,) of the crops before it, by their labels alone."""
        self._net.train()
        views = _shifted(self._tensor(crops))
        truth = torch.from_numpy(labels.astype(np.int64)).to(self.device)
        with self._half():
            logits = self._net(views).float()
        losses = nn.functional.cross_entropy(logits, truth, reduction="none")
        loss = losses.mean()
        if self._teacher is not None:
            with torch.no_grad(), self._half():
                said = self._teacher(views[mined]).float().softmax(1)
            taught = nn.functional.cross_entropy(logits[mined], said, reduction="sum")
            loss = loss + _TAUGHT * (taught - losses[mined].sum()) / len(losses)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._net.parameters(), 2.0)
        self._optimiser.step()
        self.progress.steps += 1
        decay = min(_AVERAGE, 1 - 1 / (self.progress.steps + 1))
        with torch.no_grad():
            for mean, value in zip(
                self.average.state_dict().values(), self._net.state_dict().values(), strict=True
            ):
                if mean.dtype.is_floating_point:
                    mean.lerp_(value, 1 - decay)
        return np.asarray(losses.detach().cpu().numpy(), np.float32)

    def _half(self) -> torch.autocast:
        return torch.autocast(self.device, torch.bfloat16, enabled=half_is_faster(self.device))

    def _tensor(self, crops: Image) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(crops)).to(self.device)
        return pixels[:, None].float().div_(255).contiguous(memory_format=torch.channels_last)


def half_is_faster(device: str) -> bool:
    """Whether the hardware multiplies 16-bit floats; weights, sums and the loss stay 32 bits wide."""
    return device == "cuda" or bool(torch.cpu._is_avx512_bf16_supported())


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _shifted(crops: Tensor) -> Tensor:
    """The batch moved by up to one pixel, so that a crop met again is not quite the same."""
    dx, dy = (int(v) for v in torch.randint(-1, 2, (2,)))
    return torch.roll(crops, (dy, dx), (2, 3))


def _rate(share: float, peak: float) -> float:
    if share < _WARM_UP:
        return peak * max(share / _WARM_UP, 0.02)
    fall = (share - _WARM_UP) / (1 - _WARM_UP)
    return float(_FLOOR + (peak - _FLOOR) * 0.5 * (1 + np.cos(np.pi * fall)))
