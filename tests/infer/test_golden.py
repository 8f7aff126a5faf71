"""The golden picture and the comparison with the card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from handmade import Linear, card, folder_of

from edge.infer.golden import FORMULAS, check_golden, golden_picture
from edge.infer.model import Model
from edge.infer.settings import InferSettings

MODEL = Linear(dtype="float32", input_zero=0)


def load(folder: Path, **changes: Any) -> Model:
    return Model.load(str(folder_of(folder, MODEL, **changes)), InferSettings())


def golden(offset: float = 0.0, tolerance: float = 0.01, count: int = 3) -> dict[str, Any]:
    scores = MODEL.scores(FORMULAS["v1"](8, 6, 1) / 255)[:count]
    scores[0] += offset
    return {"formula": "v1", "output": {"scores": scores.tolist()}, "tolerance": tolerance}


@pytest.mark.parametrize(
    ("size", "digest"),
    [((32, 32, 1), "2cffad2242851c15"), ((20, 32, 3), "a7aa38fcd5aac7a7")],
)
def test_the_formula_never_changes(size: tuple[int, int, int], digest: str) -> None:
    width, height, channels = size
    picture = FORMULAS["v1"](width, height, channels)
    assert picture.shape == (height, width, channels)
    assert hashlib.sha256(picture.tobytes()).hexdigest()[:16] == digest


def test_right_within_the_tolerance(tmp_path: Path) -> None:
    assert check_golden(load(tmp_path, golden=golden(offset=0.009))) is None


def test_out_of_tolerance_says_by_how_much(tmp_path: Path) -> None:
    sentence = check_golden(load(tmp_path, golden=golden(offset=0.02)))
    assert sentence is not None
    assert "off by 0.02 " in sentence
    assert "allows 0.01" in sentence
    assert "\n" not in sentence


def test_a_golden_output_of_another_length(tmp_path: Path) -> None:
    sentence = check_golden(load(tmp_path, golden=golden(count=2)))
    assert sentence is not None
    assert "has 3 values, its card has 2" in sentence


def test_a_card_without_one_is_told(tmp_path: Path) -> None:
    assert "no golden output" in (check_golden(load(tmp_path)) or "")


def test_only_the_first_variant_is_judged(tmp_path: Path) -> None:
    wide = Linear(dtype="float32", size=(10, 6))
    folder_of(tmp_path, MODEL)
    (tmp_path / "wide.tflite").write_bytes(wide.content())
    variants = [
        *card(MODEL, MODEL.content())["variants"],
        {**card(wide, wide.content())["variants"][0], "file": "wide.tflite"},
    ]
    folder_of(tmp_path, MODEL, variants=variants, golden=golden(offset=5))
    first = Model.load(str(tmp_path), InferSettings())
    second = Model.load(str(tmp_path), InferSettings(), size=(10, 6))
    assert second.input_size == (10, 6)
    assert check_golden(first) is not None
    assert check_golden(second) is None


def test_the_picture_fits_the_model(tmp_path: Path) -> None:
    colour = Linear(channels=3)
    model = Model.load(str(folder_of(tmp_path, colour)), InferSettings())
    assert golden_picture(model, "v1").shape == (6, 8, 3)


def test_of_many_values_every_so_manyeth_is_compared(tmp_path: Path) -> None:
    wanted = golden()
    wanted["output"]["scores"] = wanted["output"]["scores"][::2]
    assert "values, its card has" in str(check_golden(load(tmp_path / "all", golden=wanted)))
    assert check_golden(load(tmp_path / "some", golden={**wanted, "every": 2})) is None
