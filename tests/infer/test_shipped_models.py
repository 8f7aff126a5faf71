"""The models in this checkout: whole, named as the wheel wants them, and computing as they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.infer.card import load_card
from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.infer.settings import InferSettings

MODELS = sorted(path.parent for path in (Path(__file__).parents[2] / "models").glob("*/card.yaml"))


def test_there_are_models() -> None:
    assert MODELS


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_each_loads_and_gives_its_golden_output(folder: Path) -> None:
    card = load_card(folder)
    assert card.name == folder.name
    for variant in card.variants:
        assert variant.file.startswith("model")  # of models/, the wheel takes card.yaml and model*.tflite
        model = Model.load(card.name, InferSettings(), size=variant.size)
        assert check_golden(model) is None
        assert model.delegated >= 1  # XNNPACK takes it: several times as fast
