"""Drawing: the same seed gives the same picture, and shapes come out where and as large as asked."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import UnavailableError
from tools.ink import fonts, textures
from tools.ink.__main__ import main
from tools.ink.camera import photograph
from tools.ink.displays import SEGMENTS, displays
from tools.ink.page import beside, finish, style, write
from tools.ink.papers import light, paper, ruling, shadow
from tools.ink.schools import taught
from tools.ink.scribbles import blot, cursive, doodle
from tools.ink.shapes import SIDE, STEP, ZERO, bent, draw, filled_map, placement, stroke_map
from tools.ink.skeleton import strokes, thin


def written_one() -> np.ndarray:
    """A bare stroke, written 20 high, as MNIST has it."""
    picture = np.zeros((28, 28), np.uint8)
    cv2.line(picture, (14, 4), (14, 23), (255,), 3)
    return picture


def page(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ink = np.zeros((96, 96), np.float32)
    hand = style(rng, 40, filled=False)
    shape = bent(rng, strokes(written_one()[None])[0], 1.0)
    write(ink, shape, hand, (48, 48))
    cursive(rng, ink, (5, 80), 8, 1.5)
    doodle(rng, ink, 2)
    blot(rng, ink)
    return finish(rng, ink, hand)


def test_a_seed_is_a_picture() -> None:
    np.testing.assert_array_equal(page(3), page(3))
    assert not np.array_equal(page(3), page(4))


@pytest.mark.parametrize("make", [
    textures.clouds, textures.leather, textures.wood, textures.cloth,
    textures.keyboard, textures.leaves, textures.panels,
])  # fmt: skip
def test_surfaces_are_light_and_not_flat(make: object) -> None:
    first, again = (make(np.random.default_rng(5), 96) for _ in range(2))  # type: ignore[operator]
    np.testing.assert_array_equal(first, again)
    assert first.shape == (96, 96)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 1
    assert first.std() > 0.01


def test_a_skeleton_is_one_pixel_wide_and_whole() -> None:
    thick = np.zeros((60, 60), np.uint8)
    cv2.circle(thick, (30, 30), 20, (1,), 7)
    line = thin(thick)
    assert cv2.connectedComponents(line, connectivity=8)[0] == 2
    neighbours = cv2.filter2D(line, cv2.CV_16S, np.ones((3, 3), np.float32)) * line
    assert neighbours.max() <= 5, "no block of ink is left"
    y, x = np.nonzero(line)
    assert np.abs(np.hypot(y - 30, x - 30) - 20).max() < 2.5, "it runs in the middle of the stroke"


@pytest.mark.parametrize("size", [12.0, 40.0, 300.0])
@pytest.mark.parametrize("pen", [0.05, 0.2])
def test_a_stroke_has_the_pen_and_size_asked_for(size: float, pen: float) -> None:
    shape = strokes(written_one()[None])[0]
    canvas = np.zeros((400, 400), np.float32)
    box = draw(canvas, shape, placement((200, 200), size), pen * size)
    assert 0.6 * size < box.h - pen * size < 1.05 * size + 1  # thinning takes half a pen off each end
    assert float(canvas[200].sum()) == pytest.approx(max(pen * size, 0), abs=0.06 * size + 0.8)
    assert box.x + box.w / 2 == pytest.approx(200, abs=0.06 * size + 1)


def test_digits_of_other_schools_are_strokes_within_their_maps_and_differ() -> None:
    shapes = taught(np.random.default_rng(3), 60)
    assert shapes.maps.shape == (60, SIDE, SIDE)
    assert np.bincount(shapes.labels).tolist() == [6] * 10
    assert not shapes.filled
    assert len(np.unique(shapes.maps, axis=0)) == 60, "no hand writes twice the same"
    for shape in shapes.maps:
        y, x = np.nonzero(shape <= ZERO + STEP)
        assert 28 <= max(np.ptp(x), np.ptp(y)) <= 35
        assert min(x.min(), y.min()) >= 4, "nothing is cut off"


def test_other_schools_begin_a_1_with_an_upstroke_and_cross_most_7s() -> None:
    shapes = taught(np.random.default_rng(3), 400)
    inked = shapes.maps <= ZERO + STEP
    ones, sevens = inked[shapes.labels == 1], inked[shapes.labels == 7]
    begins = np.diff(ones.astype(np.int8), axis=2) > 0
    forked = (begins[:, 8:24].sum(2) > 1).any(1)
    assert forked.mean() > 0.6, "two strokes beside each other, and one below"
    assert (begins[:, 32:36].sum(2) > 1).mean() < 0.1
    crossed = (sevens[:, 20:28].sum(2).max(1) > 7).mean()
    assert 0.4 < crossed < 0.95


def test_a_turned_shape_turns_clockwise() -> None:
    lines = np.zeros((SIDE, SIDE), np.uint8)
    lines[8:24, 24] = 1  # a stroke in the upper half
    canvas = np.zeros((100, 100), np.float32)
    draw(canvas, stroke_map(lines), placement((50, 50), 60, turn=90), 4)
    y, x = np.nonzero(canvas > 0.5)
    assert x.mean() > 55
    assert abs(y.mean() - 50) < 3


def test_a_bent_shape_keeps_its_ink_and_moves_a_little() -> None:
    shape = strokes(written_one()[None])[0]
    for seed in range(20):
        moved = bent(np.random.default_rng(seed), shape, 0.9)
        share = (moved <= 72).sum() / (shape <= 72).sum()
        assert 0.5 < share < 1.6
        y, x = np.nonzero(moved <= 72)
        assert np.hypot(x.mean() - 23.5, y.mean() - 23.5) < 4


def test_what_falls_off_the_canvas_has_an_empty_box() -> None:
    shape = strokes(written_one()[None])[0]
    canvas = np.zeros((50, 50), np.float32)
    box = draw(canvas, shape, placement((500, 20), 20), 3)
    assert (box.w, box.h) == (0, 0)
    assert not canvas.any()


def test_a_filled_shape_grows_with_its_pen() -> None:
    square = np.zeros((SIDE * 4, SIDE * 4), np.uint8)
    square[64:128, 64:128] = 255
    shape = filled_map(square)
    inked = []
    for pen in (-3.0, 0.0, 3.0):
        canvas = np.zeros((64, 64), np.float32)
        draw(canvas, shape, placement((32, 32), 32), pen)
        inked.append(float(np.sqrt(canvas.sum())))
    assert inked == pytest.approx([13, 16, 19], abs=0.7)


def test_displays_light_their_segments() -> None:
    shapes, lit = displays(np.random.default_rng(0), 4)  # of seven segments each
    assert shapes.labels.tolist() == list(range(10)) * 4
    for build in range(4):
        full = (lit[build] <= 64).sum()
        for digit in range(10):
            inked = shapes.maps[build * 10 + digit] <= 64
            assert not (inked & ~(lit[build] <= 72)).any(), "nothing is lit that is no segment"
            share = inked.sum() / full
            assert share == pytest.approx(len(SEGMENTS[digit]) / 7, abs=0.17)


def test_no_segment_is_so_thick_that_an_8_has_no_holes() -> None:
    shapes, _ = displays(np.random.default_rng(1), 200)
    for eight in shapes.maps[8::10]:
        assert (eight[(16, 32), 20:28] > 64).any(1).all(), "paper shows above the middle bar and below it"


def test_neighbours_stand_beside() -> None:
    rng = np.random.default_rng(2)
    shapes, _ = displays(rng, 1)
    canvas = np.zeros((120, 300), np.float32)
    hand = style(rng, 40, filled=True)
    box = write(canvas, shapes.maps[8], hand, (150, 60))
    right = beside(rng, canvas, shapes, hand, box, side=1, gap=10)
    left = beside(rng, canvas, shapes, hand, box, side=-1, gap=10)
    assert right.x > box.x + box.w
    assert left.x + left.w < box.x


def test_paper_lines_are_where_their_pitch_puts_them() -> None:
    sheet = np.ones((100, 100), np.float32)
    ruling(np.random.default_rng(1), sheet, 20, "lines", 0)
    dark = np.flatnonzero(sheet[:, 50] < 0.99)
    assert len(np.flatnonzero(np.diff(dark) > 1)) + 1 == 5
    untouched = np.ones((30, 30), np.float32)
    ruling(np.random.default_rng(1), untouched, 20, "none", 0)
    assert (untouched == 1).all()


def test_light_and_paper_stay_light() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        for field in (light(rng, 40, 60), paper(rng, 40, 60), shadow(rng, 40, 60)):
            assert field.shape == (40, 60)
            assert field.dtype == np.float32
            assert field.min() > 0
            assert field.max() < 2


def test_photographs_keep_what_must_be_legible() -> None:
    scene = np.full((60, 60), 0.8, np.float32)
    scene[20:40, 20:40] = 0.4
    for seed in range(40):
        grey = photograph(np.random.default_rng(seed), scene, 20, 0.4)
        assert grey[5:15].mean() - grey[26:34, 26:34].mean() > 15


def test_families_of_the_parts_do_not_meet() -> None:
    parts = {font.family: fonts.part_of(font.family) for font in fonts.installed()}
    assert fonts.part_of("DSEG7 Classic") == "test"
    assert set(parts.values()) <= {"train", "validation", "test"}
    assert not set("OolI|SsZzBbqgQ0123456789") & set(fonts.LETTERS + fonts.SYMBOLS)


def test_type_needs_fontconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError, match="fontconfig"):
        fonts.installed()


def test_a_sheet_that_cannot_be_written_is_one_line(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "nowhere" / "sheet.png"), "--data", str(shared / "data")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
