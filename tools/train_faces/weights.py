"""The file of a student's weights: half precision, with how they came to be beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edge.errors import ConfigError
from tools.train_faces.net import FaceNet


@dataclass(slots=True)
class History:
    """How a student came to be: what the weights' file keeps beside them."""

    stages: int = 0
    minutes: float = 0.0
    faces_seen: int = 0
    held_out: float = float("nan")


def blocks_of(path: Path) -> Callable[[FaceNet], None]:
    """Fills a network's blocks with those of another student's ``path``, as far as both have them.

    What is given raises ConfigError where the file is damaged or the blocks are others.
    """

    def fill(net: FaceNet) -> None:
        with readable(path):
            weights, _ = read(path)
            own = net.state_dict()
            found = {name: value for name, value in weights.items() if name.startswith(("stem.", "blocks."))}
            net.load_state_dict(own | {name: value for name, value in found.items() if name in own})

    return fill


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights by name, and the fields of a ``History``."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.float() for name, value in state["weights"].items()}, state["history"]


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Whatever goes wrong within is told as weights that are no use: ConfigError."""
    try:
        yield
    except Exception as error:  # torch raises many kinds for a damaged file
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"no usable weights in {path}: {first}", "start without --resume and --start"
        ) from error
