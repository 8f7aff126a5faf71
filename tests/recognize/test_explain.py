"""Explanations: the map follows the ink, and what is explained is what was read."""

from __future__ import annotations

from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from drawing import row, sheet, write

from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.descriptor import Explaining
from edge.recognize.digits.classify import Readings
from edge.recognize.digits.explain import attention
from edge.recognize.digits.recognizer import DigitRecognizer, build
from edge.recognize.digits.settings import DigitsSettings
from edge.records import Frame, Image


def recognizer() -> DigitRecognizer:
    return build(DigitsSettings(), lambda name: Model.load(name, InferSettings(threads=1)))


def frame(image: Image, region: tuple[int, int, int, int] | None = None) -> Frame:
    image.flags.writeable = False
    return Frame(image, 1, 0, datetime.now(timezone.utc), region)


class OnePlace:
    """A network that looks at nothing but the pixels of one corner, so that the answer is known."""

    input_size, colour, labels, thresholds = (32, 32), "grey", ("0", "1"), {"accept": 0.5}

    def run(self, image: Image) -> dict[str, np.ndarray]:
        score = np.float32((image[4:8, 4:8] > 100).mean())
        return {"scores": np.array([score, 1 - score], np.float32)}


def test_the_map_shows_the_place_that_the_network_looks_at() -> None:
    crop = np.full((32, 32), 255, np.uint8)
    loss = attention(OnePlace(), crop, 0)  # type: ignore[arg-type]
    assert loss.shape == crop.shape
    assert loss[4:8, 4:8].min() > 0.2
    assert np.abs(loss[16:, 16:]).max() == 0
    assert np.allclose(attention(OnePlace(), crop, 1), -loss, atol=1e-6)  # type: ignore[arg-type]


def test_what_is_explained_is_what_is_read() -> None:
    image = sheet(400, 240)
    row(image, "27", (40, 60), 80)
    reader = recognizer()
    assert isinstance(reader, Explaining)
    read = reader.detect(frame(image))
    explained = reader.explain(frame(image))
    assert explained.left_out == 0
    assert {(item.label, item.score, item.box) for item in read} == {
        (item.label, item.score, item.box) for item in explained.items if item.told
    }
    for item in explained.items:
        assert item.view.shape == item.attention.shape == (32, 32)
        assert [score for _, score in item.scores] == sorted((s for _, s in item.scores), reverse=True)
        assert dict(item.scores)[item.label] == item.alone
        assert item.told == (item.score >= item.threshold)  # there is no comma here
        if item.told:
            assert item.scores[0][0] == item.label
            grown = cv2.dilate(item.view, np.ones((5, 5), np.uint8)) > 128
            assert item.attention[grown].mean() > item.attention[~grown].mean()


def test_the_score_is_that_of_the_cut_moved_by_what_stands_beside_it() -> None:
    lone, in_a_word = sheet(400, 240), sheet(600, 240)
    write(lone, "6", (160, 60), 80)
    write(in_a_word, "MMM", (10, 60), 80)
    write(in_a_word, "6", (240, 60), 80)
    write(in_a_word, "MMM", (320, 60), 80)
    (free,) = recognizer().explain(frame(lone)).items
    assert abs(free.score - free.alone) < 0.005
    held = max(
        (item for item in recognizer().explain(frame(in_a_word)).items if item.label == "6"),
        key=lambda item: item.alone,
    )
    assert held.score < held.alone - 0.01


def test_the_most_doubtful_are_explained_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.recognize.digits.recognizer.attention", lambda *_: np.zeros((32, 32)))
    image = sheet(640, 360)
    row(image, "27481", (20, 10), 80)
    row(image, "27481", (20, 200), 80)
    cv2.line(image, (175, 200), (230, 300), (225, 225, 225), 22)  # of one 7 next to nothing is left
    cv2.GaussianBlur(image[180:, 240:330], (0, 0), 9, dst=image[180:, 240:330])
    everything = recognizer().explain(frame(image.copy()))
    doubts = [abs(item.score - item.threshold) for item in everything.items]
    assert len(doubts) > 5
    assert doubts == sorted(doubts)
    assert doubts[0] < doubts[-1]
    monkeypatch.setattr("edge.recognize.digits.recognizer.EXPLAINED", 3)
    few = recognizer().explain(frame(image.copy()))
    assert [item.box for item in few.items] == [item.box for item in everything.items[:3]]
    assert len(few.items) + few.left_out == len(doubts)


def test_a_comma_that_was_read_is_not_told_in_explanations(monkeypatch: pytest.MonkeyPatch) -> None:
    image = sheet(400, 240)
    row(image, "27", (40, 60), 80)

    def comma(readings: Readings, *_: object) -> tuple[Readings, np.ndarray]:
        kept = readings.take(readings.boxes[:, 0] > 100)
        return kept, np.zeros(len(kept), np.float32)

    monkeypatch.setattr("edge.recognize.digits.recognizer.marked", comma)
    items = recognizer().explain(frame(image)).items
    assert {item.label: item.told for item in items if item.score >= item.threshold} == {
        "2": False,
        "7": True,
    }


def test_explanations_keep_to_the_region() -> None:
    apart = sheet(640, 480)
    write(apart, "5", (60, 60), 90)
    write(apart, "3", (400, 200), 90)
    explained = recognizer().explain(frame(apart, (320, 100, 320, 300)))
    assert {item.label for item in explained.items if item.told} == {"3"}
    assert recognizer().explain(frame(apart, (0, 0, 0, 0))).items == ()
