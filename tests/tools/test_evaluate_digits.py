"""``digits``: public sets named, calibration, what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import UnavailableError
from tools.data import Labelled
from tools.evaluate.__main__ import main
from tools.evaluate.digits import KEPT_OUT, calibration_error, prepared, resized
from tools.evaluate.error_sheet import CAPTION, TILE, whole_tile
from tools.train_digits import kept_out


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


def test_a_smaller_network_is_shown_all_of_mnist_s_ink() -> None:
    scanned = np.zeros((1, 28, 28), np.uint8)
    scanned[0, 4:24, 10:18] = 255
    (crop,) = prepared(scanned, (24, 24))
    assert crop.shape == (24, 24)
    assert crop.max() > 200
    assert crop[[0, -1]].max() == 0


def test_kept_out_sets_are_judged_as_they_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each by its own name, and without any folder of data."""
    monkeypatch.setenv("EDGE_SHARED", str(tmp_path))
    one = np.zeros((1, 32, 32), np.uint8)
    one[0, 6:26, 15:18] = 255
    drawn = {
        f"{what}, {how}": Labelled(np.repeat(one, count, axis=0), np.ones(count, np.uint8))
        for what, how, count in (
            ("type of 84 kept-out families", "clean", 2),
            ("type of 84 kept-out families", "photographed", 3),
            ("displays of kept-out builds and of DSEG fonts", "clean", 4),
            ("displays of kept-out builds and of DSEG fonts", "photographed", 5),
        )
    }
    monkeypatch.setattr(kept_out, "kept_out", lambda: drawn)
    for count, name in enumerate(KEPT_OUT, start=2):
        assert main(["digits", "--set", name, "--json"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert record == {**record, "set": name, "n": count, "accuracy": 1.0, "errors": 0}
    monkeypatch.setattr(kept_out, "kept_out", dict)
    assert main(["digits", "--set", "type", "--json"]) == UnavailableError.exit_code
    assert "no font of the kept-out families is installed" in capsys.readouterr().err


def test_crops_fit_any_network() -> None:
    crops = np.random.default_rng(1).integers(0, 256, (3, 32, 32)).astype(np.uint8)
    assert resized(crops, (32, 32)) is crops
    assert resized(crops, (24, 20)).shape == (3, 20, 24)


def test_a_tile_is_filled_by_the_picture() -> None:
    """Nothing around the 32 pixels that were judged, each of them as large as the next."""
    picture = np.full((32, 32, 3), 90, np.uint8)
    tile = whole_tile(picture, ("1 > 7 (0.80)",))
    assert tile.shape == (TILE + CAPTION, TILE, 3)
    y, x = np.nonzero((tile[:TILE] == 90).all(axis=2))
    assert (np.ptp(y) + 1, np.ptp(x) + 1) == (96, 96)
    assert (tile[TILE:] < 128).any(), "what was read stands below"
    assert whole_tile(np.zeros((300, 150, 3), np.uint8), ()).shape == tile.shape


def test_where_the_data_is_looked_for_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["digits", "--help"])
    assert "$EDGE_SHARED/data" in capsys.readouterr().out


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
