"""What a recognizer is: what it does with frames, what it is given, and what others may know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from edge.records import Box, Command, Description, Detection, Entity, Frame, Image, Target, Track


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
"""Gives the loaded and verified model of a name (or card folder) from the settings; ``NAME@320`` is its
variant whose longer side is 320 pixels."""


class Recognizer(Protocol):
    """Looks at frames. Keeps nothing between calls that could change an answer, but for ``threshold``, what
    its commands change, both between two frames only, and what its looks at a track add up to."""

    threshold: float
    """Lowest score that is told, 0..1; may be set."""

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """All that is in view, best score first, at most the recognizer's bound."""
        ...

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """A closer look at targets, best first, within ``budget`` seconds."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Totals since the start for ``stats``: what was dropped at a bound, for one."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why something was read as it was, for ``edge recognize --explain``.

    ``score`` is what counts. It is ``alone``, what the network says of the ``view`` that it was shown, (h, w)
    uint8 grey, moved by what stands around the ``box``. ``told``: it reached ``threshold`` and stands; what
    reached it and is not told was taken for the decimal mark between two digits.
    ``attention``: (h, w) float32, how much of ``alone`` each place carries; below 0: speaks against it.
    ``scores``: what the network says of the likeliest classes, best first; moved by nothing.
    """

    box: Box
    label: str
    score: float
    alone: float
    told: bool
    threshold: float
    view: Image
    attention: NDArray[np.float32]
    scores: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Explanations:
    """Those of one frame: at most a bounded number, and how many readings were ``left_out`` for that."""

    items: tuple[Explanation, ...] = ()
    left_out: int = 0


@runtime_checkable
class Explaining(Protocol):
    """A recognizer that can say why."""

    def explain(self, frame: Frame) -> Explanations:
        """What was read and what was almost read, most doubtful first: nearest to the threshold."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A recognizer that can have something to say to whoever runs it."""

    def remarks(self) -> Sequence[str]:
        """What is not as it should be, a sentence each, at most a few; any thread may ask."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A recognizer that holds what must be given back."""

    def close(self) -> None:
        """It is used no longer. Once is enough."""
        ...


@runtime_checkable
class Naming(Protocol):
    """A recognizer that knows labels by name (people), which its commands may change."""

    def labels(self) -> tuple[str, ...]:
        """Those that it can tell now. From any thread."""
        ...


class View(Protocol):
    """What a command of a recognizer may look at; good until the command ends."""

    @property
    def frame(self) -> Frame | None:
        """The newest frame, None before the first."""
        ...

    def track(self, number: int) -> Track | None:
        """What the recognizer's tracker knows by this number, None where that is not in view now."""
        ...


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What everything else may know of a recognizer."""

    name: str
    summary: str
    settings: str
    """``module:Class`` of its section of the configuration."""
    factory: str
    """``module:function``, called as ``(settings, load_model, state) -> Recognizer``; ``state``: the folder
    of what it may keep, which need not exist yet, or None where it shall keep nothing."""
    label: str
    """What its label is called in payloads: ``digit``."""
    label_type: Literal["integer", "string"]
    items: str
    """The key of its state's list: ``digits``."""
    cooldown: Literal["place", "label"]
    """Whether the same label again elsewhere is news (digits), or not (names): a name is one person, whose
    presence is followed instead."""
    named_by: Literal["detect", "describe"] = "detect"
    """What names a thing: a detection itself (digits), or a closer look at its track (faces)."""
    numbers: bool = False
    """Whether its labels on one line make a number."""
    entities: tuple[Entity, ...] = ()
    """What Home Assistant shows of it."""
    entity_of_label: Entity | None = None
    """What Home Assistant shows of each label that it knows by name (each enrolled person), if anything."""
    extras: tuple[tuple[str, str], ...] = ()
    """What its events say of a closer look besides its label, and what that means: ``quality``, and any other
    of the descriptions' ``extras``."""
    commands: tuple[Command, ...] = ()
    """The commands that it takes, besides those of every recognizer."""

    @property
    def presence(self) -> bool:
        """Whether its labels are names, of which each is in one place and is present or not."""
        return self.cooldown == "label"
