"""``python -m tools.card``: recomputes two things and touches no other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from handmade import Linear, card, folder_of

from edge.infer.card import load_card
from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from tools.card import main

MODEL = Linear()
WRONG = "0" * 64


def check(folder: Path, *, named: str) -> None:
    """The card fits now, and nothing is left to write."""
    assert check_golden(Model.load(str(folder), InferSettings())) is None, named
    assert main([str(folder)]) == 0


def test_a_card_without_golden_output_gets_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, MODEL)
    before = (folder / "card.yaml").read_text()
    assert main([str(folder)]) == 1
    assert "golden.output.scores: has 3 values, the card has 0" in capsys.readouterr().out
    assert (folder / "card.yaml").read_text() == before
    assert main([str(folder), "--write"]) == 0
    assert (folder / "card.yaml").read_text().startswith(before)
    check(folder, named="appended")


@pytest.mark.parametrize("flow", [True, False])
def test_only_hash_and_golden_output_change(tmp_path: Path, flow: bool) -> None:
    golden = {"formula": "v1", "output": {"scores": [9.0, 9.0, 9.0]}, "tolerance": 0.25}
    content = card(MODEL, b"", golden=golden)
    content["variants"][0]["sha256"] = WRONG
    (tmp_path / "model.tflite").write_bytes(MODEL.content())
    text = yaml.safe_dump(content, default_flow_style=flow or None, sort_keys=False)
    if not flow:
        text = yaml.safe_dump(content, default_flow_style=False, sort_keys=False)
    text = f"# kept\n{text}# kept too\n"
    (tmp_path / "card.yaml").write_text(text)

    assert main([str(tmp_path), "--write"]) == 0

    new = load_card(tmp_path)
    written = (tmp_path / "card.yaml").read_text()
    assert written.startswith("# kept\n")
    assert written.endswith("# kept too\n")
    expected = {**content, "golden": {**golden, "output": {"scores": list(new.golden.output["scores"])}}}  # type: ignore[union-attr]
    expected["variants"] = [{**content["variants"][0], "sha256": new.variants[0].sha256}]
    assert yaml.safe_load(written) == expected
    check(tmp_path, named="rewritten")


def test_two_variants_with_the_same_placeholder(tmp_path: Path) -> None:
    wide = Linear(size=(10, 6))
    (tmp_path / "wide.tflite").write_bytes(wide.content())
    variants = [
        {"file": "model.tflite", "sha256": WRONG, "width": 8, "height": 6},
        {"file": "wide.tflite", "sha256": WRONG, "width": 10, "height": 6},
    ]
    folder_of(tmp_path, MODEL, variants=variants)
    assert main([str(tmp_path), "--write"]) == 0
    check(tmp_path, named="both")
    assert Model.load(str(tmp_path), InferSettings(), size=(10, 6)).input_size == (10, 6)


def test_a_model_that_does_not_fit_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path, MODEL, output__tensors={"scores": 3})
    assert main([str(folder), "--write"]) == 78
    assert "output 3" in capsys.readouterr().err
    (folder / "model.tflite").unlink()
    assert main([str(folder)]) == 78
    assert "No such file" in capsys.readouterr().err
