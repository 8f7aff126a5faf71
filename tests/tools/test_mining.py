"""Mining: crops are labelled by what is really in them, and cut as the recognizer cuts them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.records import Box
from tools.compose.leaf import Written
from tools.compose.mining import REJECT, labels_of, main, mined, places
from tools.compose.scene import Scene


def scene(*, dark: bool = True) -> Scene:
    """A 1 and a 7 beside each other, 40 high, dark on light or light on dark."""
    ink = np.zeros((200, 300), np.uint8)
    cv2.line(ink, (100, 80), (100, 119), (1,), 5)
    cv2.polylines(ink, [np.array([(115, 82), (139, 82), (122, 118)])], False, (2,), 5)
    boxes = [Box(*(float(value) for value in cv2.boundingRect((ink == k).astype(np.uint8)))) for k in (1, 2)]
    paper, pen = (230, 30) if dark else (30, 230)
    image = np.where(ink[..., None] > 0, pen, paper).astype(np.uint8).repeat(3, 2)
    digits = (Written(1, boxes[0], 0), Written(7, boxes[1], 0))
    return Scene(b"", image, digits, ("17",), ink.astype(np.uint16), np.array([dark, dark]), "ordinary")


ONE, SEVEN = (digit.box for digit in scene().digits)


def around(first: Box, second: Box) -> Box:
    x, y = min(first.x, second.x), min(first.y, second.y)
    right, low = max(first.x + first.w, second.x + second.w), max(first.y + first.h, second.y + second.h)
    return Box(x, y, right - x, low - y)


@pytest.mark.parametrize(
    ("box", "label"),
    [
        (ONE, 1),
        (SEVEN, 7),
        (Box(SEVEN.x - 2, SEVEN.y - 2, SEVEN.w + 4, SEVEN.h + 4), 7),
        (around(ONE, SEVEN), REJECT),
        (Box(SEVEN.x, SEVEN.y, SEVEN.w, SEVEN.h * 0.3), REJECT),
        (Box(SEVEN.x, SEVEN.y, SEVEN.w * 0.4, SEVEN.h), REJECT),
        (Box(SEVEN.x, SEVEN.y, SEVEN.w, SEVEN.h * 0.55), -1),
        (Box(SEVEN.x - 2, SEVEN.y - 20, SEVEN.w + 14, SEVEN.h + 20), -1),
        (Box(SEVEN.x, SEVEN.y, 100, 100), REJECT),
        (Box(200, 20, 30, 40), REJECT),
    ],
)
def test_boxes_are_labelled_by_the_ink_in_them(box: Box, label: int) -> None:
    assert labels_of(scene(), np.array([box], np.float32), dark=True).tolist() == [label]


def test_a_digit_inside_out_is_none() -> None:
    boxes = np.array([ONE, SEVEN], np.float32)
    assert labels_of(scene(), boxes, dark=False).tolist() == [REJECT, REJECT]
    assert labels_of(scene(dark=False), boxes, dark=False).tolist() == [1, 7]


@pytest.mark.parametrize("dark", [True, False])
def test_both_digits_are_mined_as_the_recognizer_cuts_them(dark: bool) -> None:
    crops = mined(np.random.default_rng(1), scene(dark=dark), None)
    assert {1, 7} <= set(crops.labels.tolist())
    assert crops.pictures.shape == (len(crops.labels), 32, 32)
    seven = crops.pictures[crops.labels == 7][0]
    assert seven[16:].mean() < seven[:16].mean(), "its bar is above, ink is bright"


def test_places_are_those_of_both_polarities() -> None:
    found = {dark: boxes for _, boxes, dark in places(scene().image)}
    assert set(found) == {True, False}
    nearest = np.abs(found[True] - np.array(SEVEN, np.float32)).max(1).min()
    assert nearest <= 4


def test_mining_writes_whole_shards(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["--out", str(tmp_path), "--split", "validation", "--data", str(shared / "data")]
    assert main([*call, "--count", "0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([*call, "--count", "3"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["validation-1-0000.npz"]
    with np.load(tmp_path / "validation-1-0000.npz") as written:
        assert written["pictures"].shape == (len(written["labels"]), 32, 32)
        assert len(written["labels"]) > 50
