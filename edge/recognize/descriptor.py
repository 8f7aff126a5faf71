"""What a recognizer is: what it does with frames, what it is given, and what others may know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.records import Description, Detection, Frame, Image, Target


class Network(Protocol):
    """A loaded model as a recognizer sees it: pixels in, decoded arrays out.

    ``edge.infer.model.Model`` is the real one.
    """

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the pictures that it takes."""
        ...

    @property
    def colour(self) -> Literal["grey", "rgb", "bgr"]:
        """The colour order of the pictures that it takes; the caller converts them from BGR."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """What its classes are called, by index."""
        ...

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The card's thresholds by name."""
        ...

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """Outputs by name for one picture of exactly ``input_size``, decoded as the card says.

        ``image``: (h, w) uint8 for grey, else (h, w, 3) uint8; outputs: float32, without a batch axis.
        """
        ...


LoadModel = Callable[[str], Network]
"""Gives the loaded and verified model of a name (or card folder) from the settings."""


class Recognizer(Protocol):
    """Looks at frames. Keeps nothing between calls that could change an answer."""

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """All that is in view, best score first, at most the recognizer's bound."""
        ...

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """A closer look at targets, best first, within ``budget`` seconds."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Totals since the start for ``stats``: what was dropped at a bound, for one."""
        ...


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What everything else may know of a recognizer."""

    name: str
    summary: str
    settings: str
    """``module:Class`` of its section of the configuration."""
    factory: str
    """``module:function``, called as ``(settings, load_model) -> Recognizer``."""
    label: str
    """What its label is called in payloads: ``digit``."""
    label_type: Literal["integer", "string"]
    items: str
    """The key of its state's list: ``digits``."""
    cooldown: Literal["place", "label"]
    """Whether the same label again elsewhere is news (digits), or not (names)."""
    named_by: Literal["detect", "describe"] = "detect"
    """What names a thing: a detection itself (digits), or a closer look at its track (faces)."""
    numbers: bool = False
    """Whether its labels on one line make a number."""
