"""Which network a recipe has, which it refuses, and how the recipes' table is printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml

from edge.errors import ModelError
from edge.infer.settings import InferSettings
from tools.evaluate.__main__ import main
from tools.evaluate.digit_network import acceptance, load_digits
from tools.evaluate.peers import ACCEPT
from tools.train_digits import figures

MODELS = Path(__file__).parents[2] / "models"
INFER = InferSettings(threads=1)
FACES = ("face-embedder", "face-embedder-small", "face-detector")


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A folder of one bare sheet."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    cv2.imwrite(str(folder / "bare.png"), np.full((120, 160, 3), 225, np.uint8))
    label = {"size": [160, 120], "digits": [], "lines": [], "difficulty": "ordinary"}
    (folder / "labels.json").write_text(json.dumps({"bare.png": label}))
    return folder


def changed(folder: Path, **changes: Any) -> Path:
    """The digits' model with another card."""
    folder.mkdir()
    shutil.copy(MODELS / "digits-cnn" / "model.tflite", folder)
    card = yaml.safe_load((MODELS / "digits-cnn" / "card.yaml").read_text("utf-8"))
    card.update(changes)
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    return folder


@pytest.mark.parametrize("model", FACES)
def test_a_model_that_names_no_digits_is_told_in_a_line(
    model: str, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = ["digits-scenes", "--labels", str(scenes), "--model", model, "--json"]
    for command in (
        ["digits", "--set", "mnist", "--model", model],
        *([*judged, "--recipe", recipe] for recipe in ("edge", "books", "adaptive")),
    ):
        capsys.readouterr()
        assert main(command) == ModelError.exit_code, command
        output = capsys.readouterr()
        (said,) = (line for line in output.err.splitlines() if line.startswith("evaluate: "))
        assert f"models/{model}: the digits' model takes bgr pictures" in said
        assert output.out == ""


@pytest.mark.parametrize("model", FACES)
def test_figures_are_of_a_digit_model(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "digits").mkdir()
    assert figures.main([str(MODELS / model), "--data", str(tmp_path)]) == ModelError.exit_code
    assert "it must take grey squares" in capsys.readouterr().err.splitlines()[-1]


def test_labels_and_meaning_must_be_those_of_digits(tmp_path: Path) -> None:
    output = yaml.safe_load((MODELS / "digits-cnn" / "card.yaml").read_text("utf-8"))["output"]
    letters = changed(tmp_path / "letters", golden=None, output={**output, "labels": list("abcdefghijk")})
    with pytest.raises(ModelError, match="letters: the labels of the digits' model are a, b"):
        load_digits(str(letters), INFER)
    raw = changed(tmp_path / "raw", golden=None, output={**output, "decoding": "raw"})
    with pytest.raises(ModelError, match=r"read as raw; .* softmax, probabilities"):
        load_digits(str(raw), INFER)
    assert load_digits(str(MODELS / "digits-mlp"), INFER).labels == tuple("0123456789")


def test_a_card_without_a_threshold_is_judged_as_the_peers_are(
    tmp_path: Path, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = changed(tmp_path / "silent", thresholds={})
    assert acceptance(load_digits(str(silent), INFER)) == ACCEPT
    command = ["digits-scenes", "--labels", str(scenes), "--model", str(silent), "--json"]
    assert main([*command, "--recipe", "books"]) == 0
    assert main([*command, "--recipe", "edge"]) == ModelError.exit_code
    assert "has no threshold named accept" in capsys.readouterr().err


def test_the_perceptron_s_recipe_has_its_own_network(
    scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["digits-scenes", "--labels", str(scenes), "--recipe", "perceptron", "--recipe", "books"]
    assert main(command) == 0
    assert "read by: perceptron: digits-mlp; books: digits-cnn" in capsys.readouterr().out
    capsys.readouterr()
    assert main([*command[:-2], "--model", "face-detector"]) == 0, "another model has no say in it"


@pytest.mark.parametrize("threads", ["0", "-1", "17"])
def test_impossible_threads_are_told_in_a_line(
    threads: str, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digits-scenes", "--labels", str(scenes), "--threads", threads]) == 2
    said = capsys.readouterr().err
    assert said == f"evaluate: --threads {threads} is impossible; allowed: 1 to 16\n"


def test_no_figure_of_a_table_is_cut(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a recipe's name is, and however narrow what it is printed to."""
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(
        "tools.evaluate.recipes.load_peers", lambda folder: {"a_net_of_a_very_long_name" * 5: Loud()}
    )
    assert main(["digits-scenes", "--labels", str(scenes), "--peers", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "…" not in table
    assert "a_net_of_a_very_long_name" * 5 in table


class Loud:
    """A network that takes everything for a 3."""

    input_size, colour, labels = (32, 32), "grey", tuple("0123456789")

    def run(self, image: np.ndarray) -> dict[str, np.ndarray]:
        return {"scores": np.eye(10, dtype=np.float32)[3]}
