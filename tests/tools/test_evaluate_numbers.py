"""``digits-scenes``: numbers are read with their marks and gaps, or not, and what their scores are worth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from edge.geometry import union
from edge.records import Box, Detection
from edge.track.numbers import Number, honest
from tools.evaluate.__main__ import main
from tools.evaluate.digits_scenes import record
from tools.evaluate.matching import Outcome, compare_numbers, judged
from tools.evaluate.scene_labels import NumberLabel, Scene, load_scenes
from tools.evaluate.scene_pictures import plot

PLACES = {place: Box(20.0 + 40 * place, 30, 28, 50) for place in range(12)}
"""Boxes on a line, each next to the one before."""


def labelled(texts: dict[str, list[int]]) -> Scene:
    """A scene of numbers and the places of their digits."""
    pairs = [(place, text.replace(".", "")[i]) for text, at in texts.items() for i, place in enumerate(at)]
    boxes = np.array([PLACES[place] for place, _ in pairs], np.float32).reshape(-1, 4)
    numbers = tuple(NumberLabel(text, union(*(PLACES[place] for place in at))) for text, at in texts.items())
    digits = np.array([int(digit) for _, digit in pairs], np.intp)
    line = "".join(digit for _, digit in pairs)
    return Scene(Path("x.png"), (640, 480), boxes, digits, (line,), True, numbers)


def read(*told: tuple[str, int], score: float = 0.9, marks: str = "") -> list[Detection]:
    """Digits at places; a mark after each place that ``marks`` names."""
    return [Detection(PLACES[place], digit, score, mark=str(place) in marks.split()) for digit, place in told]


def outcome(scene: Scene, found: list[Detection]) -> Outcome:
    return judged(scene, found, ms=1.0, megapixels=0.3)


@pytest.mark.parametrize(
    ("texts", "found", "right", "told"),
    [
        ({"125": [0, 1, 2]}, read(("1", 0), ("2", 1), ("5", 2)), 1, 1),
        ({"125": [0, 1, 2]}, read(("1", 0), ("2", 1), ("5", 2), marks="1"), 0, 1),
        ({"12.5": [0, 1, 2]}, read(("1", 0), ("2", 1), ("5", 2), marks="1"), 1, 1),
        ({"12.5": [0, 1, 2]}, read(("1", 0), ("2", 1), ("5", 2)), 0, 1),
        ({"12": [0, 1], "34": [5, 6]}, read(("1", 0), ("2", 1), ("3", 5), ("4", 6)), 2, 2),
        ({"12": [0, 1], "34": [5, 6]}, read(("1", 0), ("2", 1), ("3", 5)), 1, 2),
        ({"1234": [0, 1, 5, 6]}, read(("1", 0), ("2", 1), ("3", 5), ("4", 6)), 0, 2),
        ({"12": [0, 1], "3": [2]}, read(("1", 0), ("2", 1), ("3", 2)), 0, 1),
        ({"12": [0, 1]}, read(("1", 5), ("2", 6)), 0, 1),
        ({"7": [3]}, read(("7", 3)), 1, 1),
        ({"7": [3]}, [], 0, 0),
    ],
    ids=[
        "whole", "a mark too many", "marked", "a mark lost", "gap", "a digit lost", "fallen apart",
        "run together", "elsewhere", "alone", "none",
    ],
)  # fmt: skip
def test_a_number_is_right_with_its_marks_and_its_ends(
    texts: dict[str, list[int]], found: list[Detection], right: int, told: int
) -> None:
    numbers = outcome(labelled(texts), found).numbers
    assert numbers is not None
    assert (numbers.right, numbers.found, numbers.labelled) == (right, told, len(texts))


def test_lines_are_judged_by_their_digits_alone() -> None:
    found = outcome(labelled({"12.5": [0, 1, 2]}), read(("1", 0), ("2", 1), ("5", 2), marks="1"))
    assert found.lines_right == 1


def test_the_surest_number_takes_the_label() -> None:
    label = NumberLabel("12", Box(0, 0, 60, 50))
    sure, doubtful = (Number("12", score, Box(2, 0, 60, 50), (0, 1)) for score in (0.9, 0.4))
    assert compare_numbers([label], [doubtful, sure]).scores == ((0.9, True), (0.4, False))
    assert compare_numbers([], [sure]).scores == ((0.9, False),)
    assert compare_numbers([label], []).labelled == 1


def test_numbers_are_counted_where_labels_tell_them() -> None:
    told = outcome(labelled({"12": [0, 1]}), read(("1", 0), ("2", 1), score=0.8))
    wrong = outcome(labelled({"34": [0, 1]}), read(("3", 0), ("9", 1), score=1.0))
    bare = replace(told.scene, ordinary=False, numbers=None)
    untold = outcome(bare, read(("1", 0), ("2", 1)))
    assert untold.numbers is None
    figures = record([told, wrong, untold])
    assert figures["numbers"] == {
        "exact": 0.5, "right": 1, "n": 2, "found": 2,
        "ece": pytest.approx((1 - honest(0.64) + honest(1.0)) / 2),
    }  # fmt: skip
    assert figures["numbers_ordinary"] == figures["numbers"]
    assert figures["lines"] == {"exact": pytest.approx(2 / 3), "right": 2, "n": 3}
    assert figures["all"]["right"] == 5
    assert figures["all"]["n"] == figures["all"]["found"] == 6
    assert record([untold])["numbers"] is None


def test_the_plot_of_numbers_is_there_where_labels_tell_them(tmp_path: Path) -> None:
    some = [outcome(labelled({"12": [0, 1]}), read(("1", 0), ("2", 1), score=0.8))]
    plot(tmp_path, some, record(some))
    picture = cv2.imread(str(tmp_path / "reliability-numbers.png"))
    assert picture is not None
    assert np.ptp(picture) > 200
    bare = [outcome(Scene(Path("x.png"), (640, 480), *nothing(), (), True), [])]
    plot(tmp_path / "bare", bare, record(bare))
    assert {file.name for file in (tmp_path / "bare").iterdir()} == {
        "confusion-scenes.png", "reliability-scenes.png",
    }  # fmt: skip


def nothing() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((0, 4), np.float32), np.zeros(0, np.intp)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sheet with 27 and, apart, 48."""
    image = np.full((240, 640, 3), 225, np.uint8)
    digits = []
    for x, digit in ((40, 2), (95, 7), (400, 4), (455, 8)):
        before = image.copy()
        cv2.putText(image, str(digit), (x, 140), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (40,) * 3, 5, cv2.LINE_AA)
        box = cv2.boundingRect(((before.astype(int) - image).max(axis=2) > 40).astype(np.uint8))
        digits.append({"box": [float(side) for side in box], "digit": digit})
    cv2.imwrite(str(tmp_path / "row.png"), image)
    numbers = [{"text": "27", "digits": [0, 1]}, {"text": "48", "digits": [2, 3]}]
    entry = {"size": [640, 240], "digits": digits, "lines": ["2748"], "difficulty": "ordinary"}
    (tmp_path / "labels.json").write_text(json.dumps({"row.png": {**entry, "numbers": numbers}}))
    return tmp_path


def test_tables_and_json_tell_numbers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["digits-scenes", "--labels", str(folder)]
    assert main([*command, "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)["numbers"]
    assert {name: numbers[name] for name in ("exact", "right", "n", "found")} == {
        "exact": 1.0, "right": 2, "n": 2, "found": 2,
    }  # fmt: skip
    assert 0 <= numbers["ece"] < 0.5
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "numbers, ordinary" in table
    assert "2 of 2 (1.00)" in table
    labels = json.loads((folder / "labels.json").read_text())
    del labels["row.png"]["numbers"]
    (folder / "labels.json").write_text(json.dumps(labels))
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "numbers, ordinary" not in table
    assert "lines, ordinary" in table


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([{"text": "27", "digits": [0, 1]}], "row.png do not hold each digit once"),
        ([{"text": "2748", "digits": [0, 1, 2, 2]}], "row.png do not hold each digit once"),
        ([{"text": "2748", "digits": [0, 1, 2, 4]}], "do not hold each digit once; .*0 to 3"),
        ([{"text": "2748", "digits": [0, 1, 2, 3.0]}], "do not hold each digit once"),
        ([{"text": "2784", "digits": [0, 1, 2, 3]}], "'2784' of row.png is not what its digits say"),
        ([{"text": "2748.", "digits": [0, 1, 2, 3]}], "'2748.' of row.png is not"),
        ([{"text": "27 48", "digits": [0, 1, 2, 3]}], "'27 48' of row.png is not"),
        ([{"text": "2748"}], "not whole .KeyError: 'digits'"),
        (["2748"], "not whole"),
        (2748, "not whole"),
    ],
)
def test_numbers_that_are_not_whole_are_told_in_a_line(folder: Path, numbers: Any, message: str) -> None:
    labels = json.loads((folder / "labels.json").read_text())
    labels["row.png"]["numbers"] = numbers
    (folder / "labels.json").write_text(json.dumps(labels))
    with pytest.raises(InputError, match=message) as raised:
        load_scenes(folder)
    assert "\n" not in str(raised.value)


def test_a_point_joins_the_digits_of_a_number(folder: Path) -> None:
    labels = json.loads((folder / "labels.json").read_text())
    labels["row.png"]["numbers"] = [{"text": "27.48", "digits": [0, 1, 2, 3]}]
    (folder / "labels.json").write_text(json.dumps(labels))
    (scene,) = load_scenes(folder)
    assert scene.numbers is not None
    (number,) = scene.numbers
    assert number.text == "27.48"
    assert number.box == union(*(Box(*box.tolist()) for box in scene.boxes))
