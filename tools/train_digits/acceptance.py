"""Honest scores and the threshold of acceptance, by what the whole recognizer tells on composed scenes.

Of the many places that it shows to the network around one digit the recognizer keeps the surest, so scores
that are honest for a place are too low for what is told. What counts is the latter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from edge.capture.stills import read_picture
from edge.clock import SystemClock
from edge.recognize.descriptor import Network
from edge.recognize.digits.recognizer import POSSIBLE, DigitRecognizer
from edge.recognize.digits.settings import DigitsSettings
from edge.records import Detection, Frame, Image
from tools.evaluate.matching import Tally, compare
from tools.evaluate.scene_labels import Scene
from tools.train_digits.calibrate import REJECT

_STEPS = np.round(np.arange(0.4, 0.991, 0.01), 2)
_DOUBTS = (-5.0, 3.0)
_HALVINGS = 6


class SceneAcceptance(NamedTuple):
    """What a threshold does on scenes: shares 0..1, and false digits on those without any."""

    value: float
    precision: float
    recall: float
    f1: float
    false_digits: int
    scenes: int

    @property
    def meaning(self) -> str:
        """In words, for the card."""
        return (
            f"of digits told at this score or higher in {self.scenes} composed validation scenes "
            f"{self.precision:.1%} were right, and {self.recall:.1%} of all digits were told; chosen by F0.5"
        )

    @property
    def weighed(self) -> float:
        """F0.5: precision counts twice as much as recall, since not to know is better than to be wrong."""
        return 1.25 * self.precision * self.recall / max(0.25 * self.precision + self.recall, 1e-9)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A network that is another one, but for what it says."""

    network: Network

    @property
    def input_size(self) -> tuple[int, int]:
        """As the network has it; and so are the others."""
        return self.network.input_size

    @property
    def colour(self) -> Literal["grey", "rgb", "bgr"]:
        """The colour order of its input."""
        return self.network.colour

    @property
    def labels(self) -> tuple[str, ...]:
        """What its scores are of."""
        return self.network.labels

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Those of its card."""
        return self.network.thresholds

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """What the network says."""
        return self.network.run(image)


@dataclass(frozen=True, slots=True)
class Remembering(Wrapped):
    """A network that is asked once for each picture, since many doubts are tried on the same ones."""

    known: dict[bytes, NDArray[np.float32]] = field(default_factory=dict)

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """The scores, perhaps from memory."""
        key = image.tobytes()
        if key not in self.known:
            self.known[key] = self.network.run(image)["scores"].copy()
        return {"scores": self.known[key]}


@dataclass(frozen=True, slots=True)
class Doubting(Wrapped):
    """A network whose logit of the reject is raised by ``doubt``."""

    doubt: float

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        """The scores, made anew."""
        scores = self.network.run(image)["scores"].copy()
        scores[REJECT] *= np.exp(self.doubt)
        return {"scores": scores / scores.sum()}


def honest_doubt(network: Network, scenes: Sequence[Scene]) -> float:
    """The doubt with which, of the digits that the recognizer tells, as many are right as their scores say.

    To be added to what ``network`` has. Less doubt raises scores and lets more that is wrong be
    told, so the gap between the two has one zero; it is found by bisection.
    """
    low, high = _DOUBTS
    network = Remembering(network)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        gap = _overconfidence(scenes, found_in(Doubting(network, middle), scenes))
        low, high = (middle, high) if gap > 0 else (low, middle)
    return round((low + high) / 2, 2)


def choose_on_scenes(network: Network, scenes: Sequence[Scene]) -> SceneAcceptance:
    """The lowest threshold with the best F0.5."""
    found = found_in(network, scenes)
    choices = [_at(float(value), scenes, found) for value in _STEPS]
    return max(choices, key=lambda choice: (round(choice.weighed, 4), -choice.value))


def found_in(network: Network, scenes: Sequence[Scene]) -> list[list[Detection]]:
    """All digits that the recognizer finds in each scene with ``network``, however unsure."""
    recognizer = DigitRecognizer(DigitsSettings(threshold=POSSIBLE), network)
    clock = SystemClock()
    shown = track(scenes, "recognizing scenes", console=Console(stderr=True), transient=True)
    return [
        list(recognizer.detect(Frame(read_picture(scene.path), 0, clock.monotonic_ns(), clock.wall())))
        for scene in shown
    ]


def _overconfidence(scenes: Sequence[Scene], found: Sequence[Sequence[Detection]]) -> float:
    """Mean score of all that is told, less the share of it that is right."""
    told = sum(len(some) for some in found)
    right = sum(compare(scene, some)[0].right for scene, some in zip(scenes, found, strict=True))
    return float(sum(item.score for some in found for item in some) - right) / max(told, 1)


def _at(value: float, scenes: Sequence[Scene], found: Sequence[Sequence[Detection]]) -> SceneAcceptance:
    total, false_digits = Tally(), 0
    for scene, detections in zip(scenes, found, strict=True):
        told = [item for item in detections if item.score >= value]
        tally, _ = compare(scene, told)
        total += tally
        false_digits += 0 if len(scene.digits) else len(told)
    shares = total.shares()
    return SceneAcceptance(
        value, shares["precision"], shares["recall"], shares["f1"], false_digits, len(scenes)
    )
