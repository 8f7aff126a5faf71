"""The threshold chosen on scenes means what the evaluation of the same scenes says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.recognizer import build
from edge.recognize.digits.settings import DigitsSettings
from tools.compose.files import Folder
from tools.compose.scene import Parts, compose
from tools.evaluate.digits_scenes import judge, record
from tools.evaluate.scene_labels import Scene, load_scenes
from tools.ink.alphabet import alphabet
from tools.train_digits.acceptance import Doubting, choose_on_scenes, honest_doubt
from tools.train_digits.calibrate import REJECT

MODEL = Path(__file__).parents[2] / "models" / "digits-cnn"


@pytest.fixture(scope="module")
def scenes(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Scene]:
    parts = Parts.of("validation", alphabet(shared / "data", "validation", limit=300))
    path = tmp_path_factory.mktemp("composed") / "scenes"
    folder = Folder(path)
    for index in range(8):
        folder.add(f"{index}.jpg", compose(parts, 3, index))
    folder.finish()
    return load_scenes(path)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(str(MODEL), InferSettings(threads=1))


def test_the_chosen_threshold_does_what_its_meaning_says(scenes: list[Scene], model: Model) -> None:
    chosen = choose_on_scenes(model, scenes)
    settings = DigitsSettings(model=str(MODEL), threshold=chosen.value)
    figures = record(judge(scenes, build(settings, lambda name: model), "again"))
    assert figures["all"]["f1"] == pytest.approx(chosen.f1)
    assert figures["all"]["precision"] == pytest.approx(chosen.precision)
    assert figures["negatives"]["false_digits"] == chosen.false_digits
    assert chosen.f1 > 0.4
    bolder = record(
        judge(scenes, build(settings.model_copy(update={"threshold": 0.4}), lambda name: model), "")
    )
    assert bolder["all"]["recall"] >= chosen.recall
    assert bolder["all"]["precision"] <= chosen.precision
    assert f"{chosen.precision:.1%}" in chosen.meaning


def test_doubt_raises_the_odds_of_the_reject(model: Model) -> None:
    crop = np.random.default_rng(1).integers(0, 256, (32, 32)).astype(np.uint8)
    before, after = model.run(crop)["scores"], Doubting(model, 1.5).run(crop)["scores"]
    assert after.sum() == pytest.approx(1)
    odds = [scores[REJECT] / scores[:REJECT].sum() for scores in (before, after)]
    assert odds[1] / odds[0] == pytest.approx(np.exp(1.5), rel=1e-3)


def test_honest_doubt_takes_a_bias_out_again(scenes: list[Scene], model: Model) -> None:
    """A model that is too bold by 2 needs 2 more doubt than the same model without that."""
    usual = honest_doubt(model, scenes[:3])
    assert honest_doubt(Doubting(model, -2.0), scenes[:3]) == pytest.approx(usual + 2, abs=0.3)
