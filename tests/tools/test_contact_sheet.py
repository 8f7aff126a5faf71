"""The contact sheet of composed scenes: no gaps, no ink under a line, and what it leaves out is told."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import UsageError
from edge.geometry import Boxes
from tools.compose import __main__ as program
from tools.compose.contact import AWAY, GAP, HEIGHT, TALLEST, WIDTH, Tile, arranged, contact_sheet, tile
from tools.compose.scene import Scene

LINE = (255, 0, 255)
NO_BOXES: Boxes = np.empty((0, 4), np.float32)


def shape(width: int, height: int) -> Tile:
    return Tile(np.full((height, width, 3), 100, np.uint8), NO_BOXES)


@pytest.mark.parametrize(
    "shapes",
    [
        [(600, 450)] * 6,
        [(600, 450), (338, 450), (800, 450), (338, 450), (600, 450), (800, 450), (600, 450)],
        [(338, 450)] * 13,
    ],
)
def test_rows_are_full_and_of_like_height(shapes: list[tuple[int, int]]) -> None:
    picture = arranged([shape(*each) for each in shapes])
    assert picture.shape[1] == WIDTH
    paper = (picture == 255).all(axis=2)
    between = np.flatnonzero(paper.all(axis=1))
    breaks = np.flatnonzero(np.diff(np.r_[-9, between, 10**6]) > 1)
    assert len(between) % GAP == 0
    rows = len(between) // GAP + 1
    assert len(breaks) == rows
    assert abs(picture.shape[0] / rows - HEIGHT) < HEIGHT / 3
    # Nothing but the gaps is empty: as many columns in a row as pictures in it, less one.
    across = paper[~paper.all(axis=1)].sum(axis=1)
    assert (across % GAP == 0).all()
    assert across.max() <= GAP * (len(shapes) - 1)


def test_one_tall_scene_is_not_made_huge() -> None:
    picture = arranged([shape(338, 450)])
    assert picture.shape == (TALLEST, WIDTH, 3)
    assert (picture[:, :338] == 100).all()
    assert (picture[:, 338:] == 255).all()


@pytest.mark.parametrize("size", [(1280, 960), (480, 640)])
def test_the_line_leaves_the_ink_alone(size: tuple[int, int]) -> None:
    width, height = size
    image = np.full((height, width, 3), 200, np.uint8)
    image[200:300, 100:160] = 0
    nothing: np.ndarray = np.zeros((height, width), np.uint16)
    digit = type("Digit", (), {"box": (100.0, 200.0, 60.0, 100.0)})()
    scene = Scene(b"", image, (digit,), ("1",), nothing, np.array([True]), "ordinary")
    picture = arranged([tile(scene)] * 3)
    first = picture[:, : (WIDTH - 2 * GAP) // 3]
    line, ink = (first == LINE).all(axis=2), first.max(axis=2) < 150
    assert line.any()
    assert ink.any()
    rows, columns = np.nonzero(line)
    inner = np.nonzero(ink & ~line)
    for outside, inside in ((columns, inner[1]), (rows, inner[0])):
        assert AWAY - 1 <= inside.min() - outside.min() - 1 <= AWAY + 1
        assert AWAY - 1 <= outside.max() - inside.max() - 1 <= AWAY + 1
    corner = line[rows.min() + 1 : rows.min() + 5, columns.min() + 1 : columns.min() + 5]
    assert not corner.any()  # one pixel thin


@pytest.mark.parametrize(("name", "begin"), [("a.jpg", b"\xff\xd8"), ("a.PNG", b"\x89PNG")])
def test_its_ending_says_what_it_is(name: str, begin: bytes, tmp_path: Path) -> None:
    contact_sheet(tmp_path / name, [shape(400, 300)])
    assert (tmp_path / name).read_bytes().startswith(begin)
    assert cv2.imread(str(tmp_path / name)) is not None


def test_a_sheet_of_another_kind_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["--out", str(tmp_path / "scenes"), "--sheet", str(tmp_path / "sheet.txt")]
    assert program.main(call) == UsageError.exit_code
    said = capsys.readouterr().err
    assert "sheet.txt is no picture; allowed: a file that ends in .png" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "scenes").exists()


def test_scenes_that_are_not_on_it_are_told(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "SHOWN", 1)
    monkeypatch.setattr(program, "_WRITTEN", 300)
    call = ["--data", str(shared / "data"), "--count", "2", "--split", "validation"]
    sheet = tmp_path / "sheet.jpg"
    assert program.main([*call, "--out", str(tmp_path / "scenes"), "--sheet", str(sheet)]) == 0
    assert "sheet.jpg shows the first 1 of 2 scenes" in capsys.readouterr().err
    assert sheet.exists()
