"""Composed scenes: labelled truly, drawn as seeded, and cut where the recognizer proposes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from tools.ink.alphabet import Alphabet, alphabet
from tools.ink.scene import Scene, compose
from tools.train_digits.calibrate import REJECT
from tools.train_digits.scenes import SIDE, SceneCrops, proposed

MODEL = Path(__file__).parents[2] / "models" / "digits-cnn"


@pytest.fixture(scope="module")
def shapes(shared: Path) -> Alphabet:
    return alphabet(shared / "data", "validation", limit=300)


def test_a_seed_is_a_scene(shapes: Alphabet) -> None:
    first, again = (compose(np.random.default_rng(8), shapes, 200) for _ in range(2))
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert first.picture.shape == (200, 200)
    assert first.picture.dtype == np.uint8


def test_boxes_lie_inside_and_no_digit_lies_on_another(shapes: Alphabet) -> None:
    rng = np.random.default_rng(4)
    scenes = [compose(rng, shapes, 240) for _ in range(25)]
    assert sum(len(scene.digits) for scene in scenes) > 75
    assert any(len(scene.digits) == 0 for scene in scenes)
    for scene in scenes:
        assert len(scene.boxes) == len(scene.digits)
        assert (scene.boxes[:, :2] >= 0).all()
        assert (scene.boxes[:, :2] + scene.boxes[:, 2:] <= 240).all()
        assert set(scene.digits) <= set(range(10))
        middles = scene.boxes[:, :2] + scene.boxes[:, 2:] / 2
        apart = np.abs(middles[:, None] - middles[None]).max(2) + 99 * np.eye(len(middles))
        assert (apart > 2).all()


def printed_scene() -> Scene:
    """A 4 and a 7 in thin black on white, and a cross below."""
    picture = np.full((SIDE, SIDE), 230, np.uint8)
    boxes = []
    for text, x in (("4", 60), ("7", 150)):
        cv2.putText(picture, text, (x, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (30,), 4, cv2.LINE_AA)
        ink = np.zeros_like(picture)
        cv2.putText(ink, text, (x, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (255,), 4, cv2.LINE_AA)
        boxes.append(cv2.boundingRect(ink))
    cv2.line(picture, (100, 200), (140, 240), (30,), 4, cv2.LINE_AA)
    cv2.line(picture, (140, 200), (100, 240), (30,), 4, cv2.LINE_AA)
    return Scene(picture, np.array(boxes, np.float32), np.array([4, 7], np.uint8), dark_ink=True)


def test_proposals_bear_the_digit_that_they_lie_on_and_others_are_rejects() -> None:
    found = proposed(printed_scene())
    assert {4, 7, REJECT} <= set(found.labels.tolist())
    model = Model(MODEL, load_card(MODEL), InferSettings(threads=1))
    for crop, label in zip(found.crops, found.labels, strict=True):
        if label != REJECT:
            assert model.run(crop)["scores"].argmax() == label


def test_a_scene_without_its_labels_holds_only_rejects() -> None:
    bare = printed_scene()._replace(boxes=np.zeros((0, 4), np.float32), digits=np.zeros(0, np.uint8))
    assert set(proposed(bare).labels.tolist()) == {REJECT}


def test_crops_of_scenes_come_one_by_one(shapes: Alphabet) -> None:
    source, rng, out = SceneCrops(shapes), np.random.default_rng(1), np.zeros((32, 32), np.uint8)
    labels = [source.draw(rng, out) for _ in range(200)]
    assert 0.4 < labels.count(REJECT) / 200 < 0.95
    assert len(set(labels)) > 7
