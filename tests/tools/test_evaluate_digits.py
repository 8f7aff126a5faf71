"""``digits``: public sets named, calibration, what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.evaluate.__main__ import main
from tools.evaluate.digits import calibration_error, prepared


@pytest.mark.shared
def test_json_is_one_object_with_the_documented_keys(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sheet.png"
    data = str(shared / "data/digits")
    assert (
        main(
            [
                "digits",
                "--set",
                "semeion",
                "--data",
                data,
                "--json",
                "--sheet",
                str(file),
                "--plots",
                str(tmp_path),
            ]
        )
        == 0
    )
    assert {path.name for path in tmp_path.glob("*-semeion.png")} == {
        "confusion-semeion.png", "reliability-semeion.png",
    }  # fmt: skip
    record = json.loads(capsys.readouterr().out)
    assert set(record) == {"set", "accuracy", "n", "errors", "ece", "model"}
    assert record["n"] == 1593
    assert record["errors"] == round((1 - record["accuracy"]) * 1593)
    assert record["accuracy"] > 0.85
    assert 0 <= record["ece"] < 0.1
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.shape[0] // 142 == -(-record["errors"] // 12)


@pytest.mark.shared
def test_the_table_shows_the_confusions(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["digits", "--set", "optdigits", "--data", str(shared / "data")]) == 0
    output = capsys.readouterr().out
    assert "reject" in output
    assert "of 1797" in output


def test_a_folder_without_the_sets_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digits", "--set", "mnist", "--data", str(tmp_path), "--json"]) == 78
    (tmp_path / "digits").mkdir()
    assert main(["digits", "--set", "mnist", "--data", str(tmp_path), "--json"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.strip().splitlines()) == 2
    assert "train" not in output.err


def test_mnist_is_padded_and_others_fill_twenty_of_thirty_two() -> None:
    scanned = np.arange(28 * 28, dtype=np.uint16).reshape(1, 28, 28).astype(np.uint8)
    (padded,) = prepared(scanned, (32, 32))
    assert (padded[2:30, 2:30] == scanned[0]).all()
    assert padded[:2].sum() == padded[:, 30:].sum() == 0
    small = np.zeros((1, 16, 16), np.uint8)
    small[0, 3:13, 5:9] = 255
    (crop,) = prepared(small, (32, 32))
    _, y, _, h = cv2.boundingRect((crop > 127).astype(np.uint8))
    assert abs(h - 20) <= 1
    assert abs(y - 6) <= 1


def test_calibration_error() -> None:
    right = np.array([True] * 9 + [False])
    assert calibration_error(np.full(10, 0.9, np.float32), right) == pytest.approx(0.0, abs=1e-6)
    assert calibration_error(np.full(10, 1.0, np.float32), right) == pytest.approx(0.1)
    assert calibration_error(np.array([1.0, 0.0], np.float32), np.array([False, True])) == pytest.approx(1.0)
