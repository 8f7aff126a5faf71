"""The whole recognizer with the shipped model: frames in, detections out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from drawing import row, sheet, write
from numpy.typing import NDArray
from pydantic import ValidationError

from edge.errors import ModelError
from edge.geometry import iou
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.descriptor import Network
from edge.recognize.digits.recognizer import DigitRecognizer, build
from edge.recognize.digits.settings import DigitsSettings
from edge.records import Frame, Image


def frame(image: Image, region: tuple[int, int, int, int] | None = None) -> Frame:
    image.flags.writeable = False
    return Frame(image, 1, 0, datetime.now(timezone.utc), region)


def recognizer(**settings: Any) -> DigitRecognizer:
    return build(DigitsSettings(**settings), lambda name: Model.load(name, InferSettings()))


def read(image: Image, region: tuple[int, int, int, int] | None = None, **settings: Any) -> str:
    found = recognizer(**settings).detect(frame(image, region))
    return "".join(item.label or "" for item in sorted(found, key=lambda item: item.box.x))


@pytest.mark.parametrize("height", [20, 40, 90])
def test_drawn_digits_are_told_with_their_boxes(height: int) -> None:
    image = sheet(1000, 480)
    boxes = row(image, "20481637", (20, 60), height)
    found = sorted(recognizer().detect(frame(image)), key=lambda item: item.box.x)
    assert [item.label for item in found] == list("20481637")
    assert min(iou(item.box, box) for item, box in zip(found, boxes, strict=True)) > 0.7
    assert all(0 < item.score <= 1 for item in found)


def test_the_surest_comes_first_and_boxes_count_in_the_full_picture_even_of_a_large_one() -> None:
    image = sheet(3000, 2000)
    boxes = row(image, "2748", (1500, 1200), 120)
    found = recognizer().detect(frame(image))
    assert [item.score for item in found] == sorted((item.score for item in found), reverse=True)
    for item, box in zip(sorted(found, key=lambda item: item.box.x), boxes, strict=True):
        assert iou(item.box, box) > 0.7


def test_only_the_region_is_looked_at() -> None:
    image = sheet()
    row(image, "27", (20, 20), 40)
    (box,) = row(image, "4", (400, 300), 40)
    (found,) = recognizer().detect(frame(image, (350, 250, 200, 200)))
    assert found.label == "4"
    assert iou(found.box, box) > 0.7


def test_an_empty_region_holds_nothing() -> None:
    image = sheet()
    row(image, "27", (20, 20), 40)
    assert list(recognizer().detect(frame(image, (10, 10, 0, 50)))) == []


def test_polarity() -> None:
    image = sheet()
    row(image, "274", (50, 50), 40)
    cv2.rectangle(image, (0, 240), (639, 479), (35, 35, 35), -1)
    row(image, "836", (300, 330), 40, (230, 230, 230))
    assert read(image) == "274836"
    assert read(image, polarity="dark") == "274"
    assert read(image, polarity="light") == "836"


@pytest.mark.parametrize(
    "image",
    [sheet(), sheet(1, 1), sheet(5000, 1), sheet(1, 480), sheet(11, 7), sheet(paper=(0, 0, 0))],
    ids=["blank", "1x1", "5000x1", "1x480", "11x7", "black"],
)
def test_nothing_where_nothing_is(image: Image) -> None:
    one = recognizer()
    assert list(one.detect(frame(image))) == []
    assert one.counters() == {"candidates": 0, "dropped_candidates": 0}


def test_sizes_that_are_not_asked_for_are_left_out() -> None:
    image = sheet()
    row(image, "24", (20, 20), 30)
    write(image, "8", (200, 100), 300)
    assert read(image, min_height=60) == "8"
    assert read(image, max_height=0.2) == "24"


def test_candidates_are_bounded_and_counted() -> None:
    image = sheet()
    row(image, "2468135", (20, 20), 40)
    free, bound = recognizer(), recognizer(max_candidates=3)
    assert len(free.detect(frame(image.copy()))) == 7
    assert len(bound.detect(frame(image.copy()))) <= 3
    assert bound.counters()["candidates"] == 3
    assert bound.counters()["dropped_candidates"] >= 4
    bound.detect(frame(image.copy()))
    assert bound.counters()["candidates"] == 6


def test_the_threshold_is_the_cards_unless_it_is_set() -> None:
    image = sheet()
    row(image, "2468", (20, 20), 40)
    scores = [item.score for item in recognizer(threshold=0.5).detect(frame(image))]
    between = (min(scores) + max(scores)) / 2
    kept = recognizer(threshold=between).detect(frame(image))
    assert [item.score for item in kept] == [score for score in scores if score >= between]
    card = Model.load("digits-cnn", InferSettings()).thresholds["accept"]
    assert all(item.score >= card for item in recognizer().detect(frame(image)))


@dataclass
class Certain:
    """A network that reads 3 everywhere."""

    labels: tuple[str, ...] = tuple("0123456789")
    colour: Literal["grey", "rgb", "bgr"] = "grey"
    input_size: tuple[int, int] = (28, 28)
    thresholds: Mapping[str, float] = field(default_factory=lambda: {"accept": 0.5})

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        assert image.shape == (28, 28)
        return {"scores": np.array([label == "3" for label in self.labels], np.float32)}


def test_other_sizes_and_orders_of_labels_are_understood() -> None:
    image = sheet()
    row(image, "7", (100, 100), 40)
    network: Network = Certain(labels=("none", *"9876543210"))
    found = build(DigitsSettings(), lambda _: network).detect(frame(image))
    assert {item.label for item in found} == {"3"}


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Certain(colour="rgb"), "grey squares"),
        (Certain(input_size=(20, 32)), "grey squares"),
        (Certain(labels=("face", "none")), "labels 0 to 9"),
        (Certain(labels=()), "labels 0 to 9"),
        (Certain(thresholds={}), "threshold named accept"),
    ],
    ids=["colour", "oblong", "other labels", "no labels", "no threshold"],
)
def test_a_model_that_is_none_for_digits_is_refused(network: Network, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build(DigitsSettings(), lambda _: network)


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": 1.2}, {"min_height": 2}, {"max_height": 0.0}, {"max_candidates": 0}, {"polarity": "grey"}],
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DigitsSettings(**wrong)
