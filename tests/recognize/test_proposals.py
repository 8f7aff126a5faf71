"""Where digits are proposed: recall, cutting and joining, the bound."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawing import INK, row, sheet, write
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.stills import read_picture
from edge.geometry import Boxes, iou_matrix
from edge.recognize.digits.proposals import SAME, Candidates, choose, propose
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Image
from tools.evaluate.scene_labels import load_scenes


def proposals(image: Image, *, dark: bool = True, most: int = 1000) -> Boxes:
    found = propose(ink_plane(image, dark=dark), dark=dark, heights=(10.0, 0.75 * max(image.shape)))
    (boxes,), _ = choose([found], most)
    return boxes


def parts(image: Image) -> int:
    return cv2.connectedComponents((ink_plane(image, dark=True) < 128).astype(np.uint8))[0] - 1


def share_found(image: Image, boxes: list[Box], least: float = 0.6) -> float:
    return float((iou_matrix(np.array(boxes, np.float32), proposals(image)).max(axis=1) >= least).mean())


def test_digits_of_all_sizes_on_one_sheet() -> None:
    image = sheet(1280, 960)
    boxes = row(image, "0123456789", (20, 20), 14) + row(image, "0123456789", (20, 60), 30)
    boxes += row(image, "0123456789", (20, 120), 80) + row(image, "25", (20, 300), 380)
    assert share_found(image, boxes) == 1.0


@pytest.mark.parametrize("paper", [225, 128, 30])
def test_nothing_on_a_blank_sheet(paper: int) -> None:
    image = sheet(paper=(paper, paper, paper))
    assert len(proposals(image, dark=True)) == 0
    assert len(proposals(image, dark=False)) == 0


def test_digits_in_cells_and_inside_larger_shapes() -> None:
    image = sheet()
    boxes = row(image, "4711", (60, 100), 50)
    for x, y, w, h in boxes:
        cv2.rectangle(image, (int(x - 12), int(y - 12)), (int(x + w + 12), int(y + h + 12)), INK, 2)
    boxes.append(write(image, "8", (300, 300), 40))
    cv2.circle(image, (315, 320), 50, INK, 5)
    assert share_found(image, boxes) == 1.0


def test_digits_that_touch_are_cut_apart() -> None:
    image = sheet()
    boxes, x = [], 60
    for digit in "20153262":
        box = write(image, digit, (x, 100), 60)
        boxes.append(box)
        x += round(box.x + box.w - 4 - x) if digit != "1" else round(box.w)
    assert parts(image) < len(boxes)
    assert share_found(image, boxes, 0.5) >= 7 / 8


def test_a_bar_and_its_five_are_joined() -> None:
    image = sheet()
    cv2.line(image, (110, 100), (145, 98), INK, 5)
    cv2.line(image, (106, 108), (104, 125), INK, 5)
    cv2.ellipse(image, (115, 142), (20, 20), 0, -120, 120, INK, 5)
    assert parts(image) >= 2
    assert share_found(image, [Box(102, 96, 46, 69)], 0.8) == 1.0


@given(st.integers(0, 60), st.integers(1, 40), st.integers(0, 2**31))
def test_the_bound_holds_and_every_place_is_told_dropped_or_the_same_as_a_better_one(
    n: int, most: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(5, 40, (n, 4)).astype(np.float32)
    likeness = rng.uniform(0, 1, n).astype(np.float32)
    half = n // 2
    proposed = [Candidates(boxes[:half], likeness[:half]), Candidates(boxes[half:], likeness[half:])]
    chosen, dropped = choose(proposed, most)
    kept = sum(len(some) for some in chosen)
    assert kept <= most
    assert dropped >= 0
    assert kept + dropped <= n
    assert kept == most or dropped == 0
    for some in chosen:
        overlaps = iou_matrix(some, some) - np.eye(len(some), dtype=np.float32)
        assert not (overlaps > SAME + 1e-5).any()


def test_the_most_digit_like_survive_the_bound() -> None:
    rng = np.random.default_rng(3)
    image = sheet(1280, 960)
    texture = cv2.GaussianBlur(rng.normal(0, 60, (960, 640, 1)).astype(np.float32), (0, 0), 1.2)
    image[:, 640:] = np.clip(90 + texture[..., None] * 2, 0, 255)
    boxes = row(image, "31415926", (30, 400), 50)
    found = proposals(image, most=40)
    assert len(found) == 40
    assert (iou_matrix(np.array(boxes, np.float32), found).max(axis=1) >= 0.6).all()


@pytest.mark.shared
def test_recall_on_photographs(shared: Path) -> None:
    found = labelled = proposed = 0
    scenes = load_scenes(shared / "data/digits/scenes/dev")
    for scene in scenes:
        image = read_picture(scene.path)
        scale = min(1280 / max(image.shape), 1.0)
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
        heights = 12 * scale, 0.75 * max(image.shape)
        places = [propose(ink_plane(image, dark=dark), dark=dark, heights=heights) for dark in (True, False)]
        boxes = np.concatenate(choose(places, 400)[0]) / np.float32(scale)
        found += int((iou_matrix(scene.boxes, boxes).max(axis=1, initial=0) >= 0.5).sum())
        labelled += len(scene.digits)
        proposed += len(boxes)
    assert found / labelled >= 0.985
    assert proposed / len(scenes) <= 250
