"""Stages of learning: views made on a thread, an average of the weights, harder pictures more often."""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Full, Queue
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge.errors import ConfigError
from edge.recognize.faces.detector import places
from tools.train_faces.detector.compose import Composer, View
from tools.train_faces.detector.losses import Losses, Truth, truth
from tools.train_faces.detector.material import Material
from tools.train_faces.detector.net import DetectorNet, normalised

BATCH = 16
PEAK, FLOOR, WARM_UP = 3e-3, 3e-5, 0.04
AVERAGE = 0.998
AHEAD = 6
"""Batches that are made while one is learnt."""

LARGE_EVERY = 4
"""Every so-manyeth batch is of views half as large again, in which faces are as large as at 640."""

HELD_OUT = 8
"""Of each pool every so-manyeth picture is never learnt from: thresholds are measured on those."""

CALM = 0.88
"""Share of a stage from which views are nearer to pictures as they are (Ge et al. 2021, "YOLOX")."""

EASY = 0.05
"""The least that a picture without a face counts when one is drawn."""


@dataclass(slots=True)
class History:
    """How a detector came to be: what the weights' file keeps beside them."""

    stages: int = 0
    minutes: float = 0.0
    views: int = 0


Batch = tuple[NDArray[np.uint8], Truth, list[View]]
"""Views (B, H, W, 3), what is in them, and what they are made of."""


class Feed:
    """Batches of views, made on a thread of its own, as an endless iterator."""

    def __init__(self, composers: Sequence[Composer], size: int) -> None:
        """``composers`` take turns: what one makes are the views of one batch."""
        self._composers, self._size = composers, size
        self._made: Queue[Batch | Exception] = Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._make, name="views", daemon=True)

    def __enter__(self) -> Iterator[Batch]:
        self._thread.start()
        return self._batches()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _batches(self) -> Iterator[Batch]:
        while True:
            made = self._made.get()
            if isinstance(made, Exception):
                raise made
            yield made

    def _make(self) -> None:
        turns = itertools.cycle(self._composers)
        while not self._stop.is_set():
            composer = next(turns)
            batch: Batch | Exception
            try:
                views = [composer.view() for _ in range(self._size)]
                batch = np.stack([view.image for view in views]), truth([view.faces for view in views]), views
            except Exception as error:  # noqa: BLE001 - who learns would wait for ever
                batch = error
            while not self._stop.is_set():
                try:
                    self._made.put(batch, timeout=0.2)
                    break
                except Full:
                    continue


class Learner:
    """The net, its running average (which is what is used), and the pictures that it learns from."""

    def __init__(
        self,
        materials: Sequence[Material],
        *,
        seed: int,
        size: tuple[int, int] = (256, 192),
        batch: int = BATCH,
    ) -> None:
        """``size``: (width, height) of most views, ``batch``: how many a step learns."""
        torch.manual_seed(seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self._materials, self._seed, self._size, self._batch = materials, seed, size, batch
        self._large = (size[0] * 3 // 2, size[1] * 3 // 2)
        self.net = DetectorNet().to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval()
        self.history = History()

    def load(self, path: Path) -> None:
        """Goes on from committed weights. Raises ConfigError where they are damaged or of another net."""
        try:
            state: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
            self.net.load_state_dict(state["weights"])
            self.history = History(**state["history"])
        except Exception as error:  # torch raises many kinds for a damaged file
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(f"no usable weights in {path}: {first}", "start without --resume") from error
        self.average.load_state_dict(self.net.state_dict())

    def save(self, path: Path) -> None:
        """The averaged weights, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        history = {name: getattr(self.history, name) for name in History.__slots__}
        weights = {name: value.cpu() for name, value in self.average.state_dict().items()}
        partial = path.with_suffix(".partial")
        torch.save({"weights": weights, "history": history}, partial)
        partial.replace(path)

    def stage(
        self,
        minutes: float,
        peak: float,
        tell: Callable[[float, str, int], None],
        save: Path,
        calm: float = CALM,
    ) -> None:
        """Learns for ``minutes``, the rate a falling cosine. ``tell``: share done, losses, views seen.

        ``calm``: the share of the stage from which views are calm.
        """
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=peak, weight_decay=1e-3)
        composers = self._composers()
        losses = {size: Losses(*places(size), self.device) for size in {self._size, self._large}}
        start = last = time.monotonic()
        steps, mean, saved = 0, np.zeros(3), 0.0
        with Feed(composers, self._batch) as feed:
            for images, true, views in feed:
                share = (time.monotonic() - start) / (60 * minutes)
                if share >= 1:
                    break
                for composer in composers:
                    composer.calm = share >= calm
                for group in optimiser.param_groups:
                    group["lr"] = _rate(share, peak)
                steps += 1
                size = (images.shape[2], images.shape[1])
                found, sure = self._step(optimiser, losses[size], images, true)
                self._follow(min(AVERAGE, 1 - 1 / (0.2 * steps + 1)))
                _remember(composers[0], views, sure)
                mean += max(0.01, 1 / steps) * (found - mean)
                if time.monotonic() - last > 5:
                    last = time.monotonic()
                    text = "score {:.3f} box {:.3f} points {:.3f}".format(*mean)
                    tell(share, text, steps * self._batch)
                if share - saved > 0.05:
                    saved = share
                    self.save(save)
        self.history.stages += 1
        self.history.minutes += minutes
        self.history.views += steps * self._batch
        self.save(save)

    def _composers(self) -> list[Composer]:
        """Who makes the batches in turn; they share what they know of hard pictures."""
        seed = (self._seed, self.history.stages)
        usual = Composer(self._materials, self._size, (*seed, 0))
        large = Composer(self._materials, self._large, (*seed, 1))
        large.hardness = usual.hardness
        return [usual] * (LARGE_EVERY - 1) + [large]

    def _step(
        self, optimiser: torch.optim.Optimizer, losses: Losses, images: NDArray[np.uint8], true: Truth
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """The three losses, and the highest score in each view."""
        self.net.train()
        inputs = normalised(images).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device, torch.bfloat16):
            said = self.net(inputs)
        parts = losses(said, true.to(self.device))
        optimiser.zero_grad(set_to_none=True)
        (parts[0] + parts[1] + parts[2]).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 10.0)
        optimiser.step()
        surest = said[0].detach().float().sigmoid().amax((1, 2)).cpu().numpy()
        return np.array([float(part.detach()) for part in parts]), surest

    def _follow(self, decay: float) -> None:
        with torch.no_grad():
            learnt = self.net.state_dict()
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(learnt[name], 1 - decay)
                else:
                    mean.copy_(learnt[name])


def _remember(composer: Composer, views: Sequence[View], sure: NDArray[np.float32]) -> None:
    """Pictures without a face in which the network sees one come again sooner (hard-negative mining)."""
    for view, score in zip(views, sure.tolist(), strict=True):
        for number in view.blank:
            composer.hardness[number] += 0.5 * (max(score, EASY) - composer.hardness[number])


def split(materials: Sequence[Material], *, held_out: bool) -> list[Material]:
    """The pictures that are learnt from, or those that never are."""
    return [
        material.take(
            [place for place in range(len(material)) if (place % HELD_OUT == HELD_OUT - 1) == held_out]
        )
        for material in materials
    ]


def _rate(share: float, peak: float) -> float:
    if share < WARM_UP:
        return peak * max(share / WARM_UP, 0.02)
    fall = (share - WARM_UP) / (1 - WARM_UP)
    return float(FLOOR + (peak - FLOOR) * 0.5 * (1 + np.cos(np.pi * fall)))
