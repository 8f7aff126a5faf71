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
    assert [(item.label, item.score, item.box) for item in read] == [
        (item.label, item.score, item.box) for item in explained if item.told
    ]
    for item in explained:
        assert item.view.shape == item.attention.shape == (32, 32)
        assert [score for _, score in item.scores] == sorted((s for _, s in item.scores), reverse=True)
        if item.told:
            assert item.scores[0][0] == item.label
            grown = cv2.dilate(item.view, np.ones((5, 5), np.uint8)) > 128
            assert item.attention[grown].mean() > item.attention[~grown].mean()


def test_explanations_are_bounded_and_keep_to_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.recognize.digits.recognizer.EXPLAINED", 3)
    image = sheet(640, 200)
    row(image, "27481", (20, 10), 80)
    assert len(recognizer().explain(frame(image))) == 3
    apart = sheet(640, 480)
    write(apart, "5", (60, 60), 90)
    write(apart, "3", (400, 200), 90)
    explained = recognizer().explain(frame(apart, (320, 100, 320, 300)))
    assert {item.label for item in explained if item.told} == {"3"}
    assert recognizer().explain(frame(apart, (0, 0, 0, 0))) == []
