"""All places of composed scenes, as scores are made honest and judged on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from tools.train_digits.calibrate import REJECT
from tools.train_digits.figures import run
from tools.train_digits.scenes import scene_set

MODEL = Path(__file__).parents[2] / "models" / "digits-cnn"


def test_a_seed_gives_the_same_places_most_of_them_no_digit(shared: Path) -> None:
    first, again = (scene_set(shared / "data", "validation", 3, 5) for _ in range(2))
    np.testing.assert_array_equal(first.pictures, again.pictures)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.pictures.shape == (len(first.labels), 32, 32)
    assert 0.5 < (first.labels == REJECT).mean() < 1
    model = Model(MODEL, load_card(MODEL), InferSettings(threads=1))
    assert (run(model, first.pictures, "").argmax(1) == first.labels).mean() > 0.9
