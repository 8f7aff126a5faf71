"""Cards: what is accepted, and what is said of those that are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from handmade import Linear, card

from edge.errors import ModelError
from edge.infer.card import MAX_BYTES, load_card

MODEL = Linear()
GOLDEN = {"formula": "v1", "output": {"scores": [1, 2, 3]}, "tolerance": 0.05}
HASH = "0123456789abcdef" * 4


def write(folder: Path, **changes: Any) -> Path:
    (folder / "card.yaml").write_text(yaml.safe_dump(card(MODEL, b"", **changes)))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_card(folder)
    message = str(caught.value)
    assert message.startswith(str(folder / "card.yaml"))
    assert "\n" not in message
    assert caught.value.exit_code == 78
    return message


def test_the_card_of_the_documentation_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text(
        f"""
name: digits-cnn
version: 1
task: digit
variants: [{{file: model.tflite, sha256: {HASH}, width: 32, height: 32}}]
input: {{colour: grey, mean: [0], std: [255.0]}}
output: {{tensors: {{scores: 0}}, decoding: softmax, temperature: 1.2, labels: ["0", "1", reject]}}
thresholds: {{accept: {{value: 0.8, meaning: "of a thousand digits, three wrong"}}}}
golden: {{formula: v1, output: {{scores: [0.01, 0.9, 0.09]}}, tolerance: 0.05}}
figures: [{{metric: accuracy, value: 0.994, data: MNIST, command: x, machine: x86, date: 2026-11-21}}]
licence: Apache-2.0
made_by: {{command: "python -m", seed: 1, data: [{{name: MNIST, terms: none stated}}], teachers: []}}
"""
    )
    found = load_card(tmp_path)
    assert found.variants[0].size == (32, 32)
    assert found.output.labels == ("0", "1", "reject")
    assert found.thresholds["accept"].value == 0.8
    assert found.golden is not None
    assert found.figures[0].date.isoformat() == "2026-11-21"


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"name": "Digits CNN"}, ["name: found 'Digits CNN'", "pattern"]),
        ({"version": "1"}, ["version: found '1'", "integer"]),
        ({"task": "digits"}, ["task: found 'digits'", "'digit'", "'face-detector'"]),
        ({"variants": []}, ["variants: found a list", "at least 1"]),
        ({"input__colour": "gray"}, ["input.colour: found 'gray'", "'grey', 'rgb' or 'bgr'"]),
        ({"input__std": [0.0]}, ["input.std.0: found 0.0", "greater than 0"]),
        ({"input__std": [float("nan")]}, ["input.std.0: found nan", "finite"]),
        ({"input__mean": [1.0, 2.0]}, ["input: ", "mean has 2", "grey takes 1 value"]),
        ({"input__means": [1.0]}, ["input.means: unknown key, did you mean mean?", "allowed: colour, mean,"]),
        ({"output__decoding": "sigmoid"}, ["decoding: found 'sigmoid'", "softmax, probabilities, raw"]),
        ({"output__temperature": 0}, ["output.temperature: found 0", "0.01"]),
        ({"output__labels": ["a", "a", "b"]}, ["output: ", "same label twice"]),
        ({"output__labels": ["a", 1]}, ["output.labels.1: found 1", "string"]),
        ({"output__labels": [], "output__decoding": "softmax"}, ["labels are missing"]),
        ({"output__tensors": {"boxes": 0}, "output__decoding": "softmax"}, ["tensors lacks scores"]),
        ({"output__tensors": {"scores": -1}}, ["output.tensors.scores: found -1", "or equal to 0"]),
        ({"thresholds": {"accept": {"value": 0.5}}}, ["thresholds.accept.meaning: is missing"]),
        ({"thresholds": {"accept": {"value": 1, "why": ""}}}, ["accept.why: unknown key", "value, meaning"]),
        ({"golden": {**GOLDEN, "formula": "v0"}}, ["golden.formula: found 'v0'", "'v1'"]),
        ({"golden": {**GOLDEN, "output": {"score": [1]}}}, ["golden.output names score"]),
        ({"golden": {**GOLDEN, "tolerance": 0}}, ["golden.tolerance: found 0", "greater than 0"]),
        ({"licence": ""}, ["licence: found ''", "at least 1 character"]),
        ({"colour": "grey"}, ["colour: unknown key", "allowed: name, version, task"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_key_value_and_what_is_allowed(
    tmp_path: Path, changes: dict[str, Any], parts: list[str]
) -> None:
    message = refusal(write(tmp_path, **changes))
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "file",
    ["../model.tflite", "/etc/passwd", "a/model.tflite", ".model.tflite", "model.tflite\n", "model.onnx", ""],
)
def test_a_file_outside_of_the_folder_is_refused(tmp_path: Path, file: str) -> None:
    variant = {"file": file, "sha256": HASH, "width": 8, "height": 6}
    assert "variants.0.file: found" in refusal(write(tmp_path, variants=[variant]))


def test_two_variants_of_one_size_are_refused(tmp_path: Path) -> None:
    variant = {"file": "model.tflite", "sha256": HASH, "width": 8, "height": 6}
    assert "same size twice" in refusal(write(tmp_path, variants=[variant, variant]))


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, version=0, licence=None, task="cat"))
    assert all(f"{key}: found" in message for key in ("version", "licence", "task"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: [1\nversion", "is no YAML"),
        (b"name: \xff\xfe", "is no YAML"),
        (b"[" * 5000, "is no YAML"),
        (b"a: !!python/object/apply:os.system [ls]", "is no YAML"),
        (b"", "keys are needed, found nothing"),
        (b"- 1", "keys are needed, found a list"),
        (b"a: &a [*a]", "unknown key"),
        (b"name: x\n" * (MAX_BYTES // 8 + 1), f"larger than {MAX_BYTES // 1024} KiB"),
    ],
)
def test_what_is_no_card_at_all(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "card.yaml").write_bytes(content)
    assert words in refusal(tmp_path)


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path) -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    (tmp_path / "card.yaml").write_text(f"l0: &l0 [boom]\n{levels}\nname: *l29\n")
    assert "name: found a list" in refusal(tmp_path)


def test_a_folder_without_a_card(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path)
