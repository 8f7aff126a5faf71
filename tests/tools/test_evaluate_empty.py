"""``digits-scenes --empty``: pictures known to hold no digit need no labels."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.evaluate.__main__ import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bare paper, a picture that holds a row of digits after all, and no picture."""
    bare = np.full((300, 400, 3), 225, np.uint8)
    cv2.imwrite(str(tmp_path / "bare.png"), bare)
    cv2.putText(bare, "274", (60, 180), cv2.FONT_HERSHEY_SIMPLEX, 2.6, (40, 40, 40), 6, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "row.png"), bare)
    (tmp_path / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "notes.txt").write_text("no picture's name")
    return tmp_path


def test_what_is_told_is_counted_and_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = folder / "out" / "sheet.png"
    command = ["digits-scenes", "--empty", str(folder), "--sheet", str(sheet)]
    assert main([*command, "--json"]) == 0
    output = capsys.readouterr()
    record = json.loads(output.out)
    assert set(record) == {"empty"}
    told = record["empty"]
    assert 0.6 <= told.pop("surest") <= 1
    assert told.pop("ms_per_picture") > 0
    assert told == {
        "pictures": 2, "left_out": 1, "false_digits": 3, "pictures_with_false_digits": 1,
        "megapixels": 0.24, "per_megapixel": 12.5,
    }  # fmt: skip
    assert [line.split(": ")[:2] for line in output.err.splitlines() if line.startswith("evaluate")] == [
        ["evaluate", "left out"]
    ]
    assert "torn.jpg" in output.err
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape == (142, 3 * 112, 3)


def test_all_recipes_stand_in_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["digits-scenes", "--empty", str(folder)]
    recipes = ("edge", "perceptron", "books", "adaptive")
    for recipe in recipes:
        command += ["--recipe", recipe]
    assert main(command) == 0
    table = capsys.readouterr().out
    assert all(f"│ {recipe}" in table for recipe in recipes)
    assert "2 (1 left out)" in table
    assert "row.png" in table
    assert "│ bare.png" not in table, "only those of which something is told"
    assert "F1" not in table
    assert main([*command, "--json"]) == 0
    others = json.loads(capsys.readouterr().out)["recipes"]
    assert set(others) == set(recipes[1:])
    assert all(set(record) == {"empty"} for record in others.values())


def test_labelled_pictures_stand_beside_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    label = {"size": [400, 300], "digits": [], "lines": [], "difficulty": "ordinary"}
    (folder / "labels.json").write_text(json.dumps({"bare.png": label}))
    command = ["digits-scenes", "--labels", str(folder), "--empty", str(folder / "row.png")]
    assert main([*command, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["negatives"]["pictures"] == 1
    assert record["negatives"]["false_digits"] == 0
    assert record["empty"]["false_digits"] == 3
    assert main(command) == 0
    assert "F1 ordinary" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ([], 2, "nothing to judge; give --labels DIR, --empty DIR, or both"),
        (["--empty", "{}/torn.jpg"], 1, "none of the 1 files can be read"),
        (["--empty", "{}/nowhere"], 1, "none of the 1 files can be read"),
        (["--empty", "{}", "--plots", "{}/plots"], 2, "it needs --labels DIR"),
    ],
    ids=["nothing", "torn", "nowhere", "plots"],
)
def test_what_cannot_be_judged_is_told(
    folder: Path, call: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digits-scenes", *(word.format(folder) for word in call)]) == code
    output = capsys.readouterr()
    assert output.out == ""
    assert words in output.err.splitlines()[-1]


def test_a_folder_without_pictures_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digits-scenes", "--empty", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "no pictures in this folder" in said
    assert said.count("\n") == 1
