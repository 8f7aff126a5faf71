"""Digits in a frame: places proposed, each read by the network, overlapping readings resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.geometry import Boxes
from edge.recognize.descriptor import Explanation, Explanations, LoadModel, Network
from edge.recognize.digits.classify import Reader, Readings
from edge.recognize.digits.context import LETTERLIKE, judged
from edge.recognize.digits.explain import attention
from edge.recognize.digits.frames import frames
from edge.recognize.digits.marks import marked
from edge.recognize.digits.overlaps import resolve
from edge.recognize.digits.proposals import choose, propose
from edge.recognize.digits.settings import DigitsSettings
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Description, Detection, Frame, Image, Target

WORKING_SIDE = 1280
"""Longer side in pixels at which pictures are looked at; larger ones are made smaller."""

POSSIBLE = 0.2
"""Score from which a reading takes part when overlaps and surroundings are judged, told or not."""

EXPLAINED, LIKELIEST = 120, 3
"""Readings of a frame, and classes of each, that are explained at most: each reading costs some 650 runs."""

LOWEST = 8.0
"""Height in pixels at working size below which nothing is legible."""


def build(settings: DigitsSettings, load_model: LoadModel, state: Path | None = None) -> DigitRecognizer:
    """The recognizer of these settings; it keeps nothing in ``state``. Raises ``ModelError`` where the model
    is none for digits."""
    return DigitRecognizer(settings, load_model(settings.model))


class DigitRecognizer:
    """Finds and names digits. Owned by one thread: it reuses its buffers."""

    def __init__(self, settings: DigitsSettings, network: Network) -> None:
        """``network`` reads one grey square crop: ``scores`` of the digits and of what is none."""
        self._settings = settings
        self._reader = Reader(network)
        self._network = network
        self._letterlike = np.array([digit in LETTERLIKE for digit in self._reader.digits])
        self.threshold = _threshold(settings, network)
        self._polarities = {"auto": (True, False), "dark": (True,), "light": (False,)}[settings.polarity]
        self._counters = {"candidates": 0, "dropped_candidates": 0}

    def detect(self, frame: Frame) -> Sequence[Detection]:
        """The digits of a frame, surest first, in pixels of the full frame; what is rejected is left out."""
        look = self._look(frame)
        if look is None:
            return []
        readings, marks = marked(look.readings.above(self.threshold), look.planes, self._reader.digits)
        boxes = readings.boxes / look.scale + look.offset
        return [
            Detection(
                Box(*boxes[index].tolist()),
                self._reader.digits[readings.classes[index]],
                float(readings.scores[index]),
                mark=float(marks[index]),
            )
            for index in np.argsort(-readings.scores, kind="stable")
        ]

    def describe(self, frame: Frame, targets: Sequence[Target], budget: float) -> Sequence[Description]:
        """Nothing: ``detect`` has named all digits already."""
        return ()

    def explain(self, frame: Frame) -> Explanations:
        """What was read and, from ``POSSIBLE`` of the cut alone on, what was almost read, with where the
        network looked; the ``EXPLAINED`` most doubtful, nearest to the threshold first."""
        look = self._look(frame)
        if look is None:
            return Explanations()
        readings = look.readings
        standing, _ = marked(readings.above(self.threshold), look.planes, self._reader.digits)
        told = {tuple(box) for box in standing.boxes.tolist()}  # no two readings have one box
        boxes = readings.boxes / look.scale + look.offset
        found = []
        for index in np.argsort(np.abs(readings.scores - self.threshold), kind="stable")[:EXPLAINED]:
            dark = bool(readings.dark[index])
            view, scores = self._reader.show(look.planes[dark], readings.boxes[index], dark_ink=dark)
            label = self._reader.digits[readings.classes[index]]
            place = self._network.labels.index(label)
            best = np.argsort(-scores)[:LIKELIEST]
            found.append(
                Explanation(
                    box=Box(*boxes[index].tolist()),
                    label=label,
                    score=float(readings.scores[index]),
                    alone=float(scores[place]),
                    told=tuple(readings.boxes[index].tolist()) in told,
                    threshold=self.threshold,
                    view=view,
                    attention=attention(self._network, view, place),
                    scores=tuple((self._network.labels[i], float(scores[i])) for i in best),
                )
            )
        return Explanations(tuple(found), len(readings) - len(found))

    def counters(self) -> Mapping[str, int]:
        """``candidates`` shown to the network, and ``dropped_candidates`` beyond ``max_candidates``."""
        return dict(self._counters)

    def _look(self, frame: Frame) -> _Look | None:
        """All that may stand in the frame's region, None where that is empty."""
        left, top, width, height = frame.region or (0, 0, frame.image.shape[1], frame.image.shape[0])
        if not width or not height:
            return None
        image, scale = _working(frame.image[top : top + height, left : left + width])
        planes = {dark: ink_plane(image, dark=dark) for dark in self._polarities}
        return _Look(self._read(planes, scale), planes, scale, np.array([left, top, 0, 0], np.float32))

    def _read(self, planes: Mapping[bool, Image], scale: float) -> Readings:
        """What stands in ``planes``, which are the frame times ``scale``, in pixels of theirs."""
        places = self._places(planes, scale)
        readings = Readings.join(
            [self._reader.read(planes[dark], boxes, dark_ink=dark) for dark, boxes in places.items()]
        )
        possible = resolve(readings.above(min(POSSIBLE, self.threshold)))
        standing = possible.take(~frames(possible, planes))
        return judged(standing, self._letterlike[standing.classes], planes)

    def _places(self, planes: Mapping[bool, Image], scale: float) -> dict[bool, Boxes]:
        """Boxes (N, 4) that the network shall see, for dark ink (True) and light."""
        settings = self._settings
        longer = max(max(plane.shape) for plane in planes.values())
        heights = max(settings.min_height * scale, LOWEST), settings.max_height * longer
        proposed = [propose(plane, dark=dark, heights=heights) for dark, plane in planes.items()]
        chosen, dropped = choose(proposed, settings.max_candidates)
        self._counters["candidates"] += sum(len(boxes) for boxes in chosen)
        self._counters["dropped_candidates"] += dropped
        return dict(zip(planes, chosen, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What was read in a frame: ``readings`` in pixels of ``planes``, which are ``scale`` times the frame's
    part whose corner is ``offset`` (4,)."""

    readings: Readings
    planes: Mapping[bool, Image]
    scale: float
    offset: NDArray[np.float32]


def _working(image: Image) -> tuple[Image, float]:
    """``image`` at no more than ``WORKING_SIDE``, and its size over the given one's."""
    longer = max(image.shape[:2])
    if longer <= WORKING_SIDE:
        return image, 1.0
    scale = WORKING_SIDE / longer
    width, height = (max(round(side * scale), 1) for side in (image.shape[1], image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8), scale


def _threshold(settings: DigitsSettings, network: Network) -> float:
    if settings.threshold is not None:
        return settings.threshold
    if "accept" not in network.thresholds:
        raise ModelError(
            f"the card of the model {settings.model} has no threshold named accept",
            "give it one, or set digits.threshold",
        )
    return network.thresholds["accept"]
