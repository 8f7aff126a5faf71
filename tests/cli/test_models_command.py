"""``edge models``: what is shown of a card, for people and for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli.main import main
from edge.infer.card import load_card

ROOT = Path(__file__).parents[2]
CARD = load_card(ROOT / "models" / "face-embedder")


def test_people_are_shown_what_thresholds_mean_and_on_how_many_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["models", "face-embedder"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "face-embedder" in lines[1]
    assert "verified" in lines[1]
    for name, threshold in CARD.thresholds.items():
        (line,) = (line for line in lines if line.startswith(f"{name} "))
        assert threshold.meaning in line
    assert len(CARD.figures) == sum(
        any(line.startswith(one.metric) for one in CARD.figures) for line in lines
    )


def test_a_licence_with_conditions_is_named_in_the_table_and_shown_whole_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    assert main(["models", "face-embedder", "digits-cnn"]) == 0
    lines = capsys.readouterr().out.splitlines()
    first, _, conditions = CARD.licence.partition(";")
    assert conditions, "this card's licence has no conditions any more: take another card"
    assert first in lines[1]
    assert conditions not in lines[1]
    assert f"face-embedder: {CARD.licence}" in lines
    assert not any(line.startswith("digits-cnn: ") for line in lines)


def test_machines_get_an_object_for_each_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "face-embedder", "digits-cnn", "--json"]) == 0
    embedder, digits = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (embedder["name"], embedder["error"], digits["error"]) == ("face-embedder", None, None)
    assert embedder["licence"] == CARD.licence
    assert embedder["thresholds"] == {
        name: {"value": one.value, "meaning": one.meaning} for name, one in CARD.thresholds.items()
    }
    assert len(embedder["figures"]) == len(CARD.figures)


def test_a_damaged_model_is_told_and_the_others_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name in ("card.yaml", "model.tflite"):
        content = (ROOT / "models" / "digits-cnn" / name).read_bytes()
        (damaged / name).write_bytes(content if name == "card.yaml" else content[:-1] + b"!")
    assert main(["models", "face-embedder-small", str(damaged)]) == 78
    output = capsys.readouterr()
    states = [line.split()[-1] for line in output.out.splitlines()[1:3]]
    assert states == ["verified", "wrong"]
    (error,) = (line for line in output.err.splitlines() if line.startswith("edge: "))
    assert "damaged" in error
