"""Composed scenes: a seed is a scene, labels agree with the ink, the folder is what evaluation reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError, UsageError
from tools.compose.__main__ import main
from tools.compose.files import LABELS, Folder
from tools.compose.leaf import Leaf
from tools.compose.scene import Parts, Scene, compose
from tools.compose.words import faces, phrase, set_line
from tools.evaluate.scene_labels import load_scenes
from tools.ink.alphabet import alphabet
from tools.ink.page import style
from tools.ink.skeleton import strokes


@pytest.fixture(scope="module")
def parts(shared: Path) -> Parts:
    return Parts.of("validation", alphabet(shared / "data", "validation", limit=300))


@pytest.fixture(scope="module")
def scenes(parts: Parts) -> list[Scene]:
    return [compose(parts, 4, index) for index in range(14)]


def test_a_seed_is_a_scene(parts: Parts, scenes: list[Scene]) -> None:
    again = compose(parts, 4, 3)
    assert again.jpeg == scenes[3].jpeg
    assert again.digits == scenes[3].digits
    np.testing.assert_array_equal(again.owner, scenes[3].owner)
    assert compose(parts, 5, 3).jpeg != again.jpeg
    assert compose(parts._replace(part="train"), 4, 3).jpeg != again.jpeg


def test_scenes_differ_and_some_have_no_digit(scenes: list[Scene]) -> None:
    assert len({scene.image.shape for scene in scenes}) >= 3
    assert {scene.difficulty for scene in scenes} == {"ordinary", "hard"}
    counts = [len(scene.digits) for scene in scenes]
    assert 0 in counts
    assert sum(counts) > 60


def test_boxes_are_tight_to_the_ink(scenes: list[Scene]) -> None:
    errors = []
    for scene in scenes:
        height, width = scene.owner.shape
        for place, digit in enumerate(scene.digits):
            y, x = np.nonzero(scene.owner == place + 1)
            assert len(y), "a labelled digit is seen"
            ink = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
            box = np.array([digit.box.x, digit.box.y, digit.box.x + digit.box.w, digit.box.y + digit.box.h])
            assert (box[:2] >= 0).all()
            assert (box[2:] <= (width, height)).all()
            errors.append(np.abs(ink - box).max())
    # Where digits touch, the ink that they share belongs to the later one.
    assert np.quantile(errors, 0.85) <= 2
    assert np.median(errors) <= 1.2


def test_ink_stands_out_as_the_label_says(scenes: list[Scene]) -> None:
    right = []
    for scene in scenes:
        grey = scene.image.astype(float).mean(2)
        for place, digit in enumerate(scene.digits):
            x, y, w, h = (int(value) for value in digit.box)
            owner, part = scene.owner[y : y + h + 1, x : x + w + 1], grey[y : y + h + 1, x : x + w + 1]
            if (owner == 0).sum() > 20:
                darker = part[owner == place + 1].mean() < part[owner == 0].mean()
                right.append(darker == scene.dark[place])
    assert np.mean(right) > 0.97


def test_lines_hold_the_digits_in_order(scenes: list[Scene]) -> None:
    for scene in scenes:
        assert "".join(scene.lines) == "".join(str(digit.digit) for digit in scene.digits)
        assert all(scene.lines)


def test_nothing_is_written_where_the_leaf_is_hidden() -> None:
    one = np.zeros((1, 28, 28), np.uint8)
    one[0, 4:24, 13:16] = 255
    shape = strokes(one)[0]
    hidden = np.full((100, 100), 255, np.uint8)
    hidden[:, 50:] = 0
    leaf = Leaf(np.ones((100, 100, 3), np.float32), np.eye(3), hidden, dark_ink=True)
    ink, hand = leaf.new_ink((0, 0, 0), 1.0), style(np.random.default_rng(0), 30, filled=False)
    assert leaf.digit(shape, 1, hand, (75, 50), ink).w == 0
    assert leaf.digit(shape, 1, hand, (25, 90), ink).w == 0
    assert not ink.cover.any()
    box = leaf.digit(shape, 1, hand, (25, 50), ink)
    assert leaf.digits[0].box == pytest.approx(box, abs=1.1)
    assert (leaf.surface()[..., 0] < 0.5).any()


def test_fonts_of_the_parts_do_not_meet() -> None:
    train, validation = faces("train"), faces("validation")
    families = [{font.family for font in part.type} for part in (train, validation)]
    assert not families[0] & families[1]
    assert {font.family for font in train.script} < families[0]


def test_words_are_set_as_large_as_asked() -> None:
    rng = np.random.default_rng(1)
    font = faces("train").type[0]
    small, large = set_line(font, "Mango", 20), set_line(font, "Mango", 40)
    assert small is not None
    assert large is not None
    assert large.shape[0] == pytest.approx(2 * small.shape[0], rel=0.2)
    assert not any(character.isdigit() for character in phrase(rng, 300))


def test_a_folder_is_what_evaluation_reads(shared: Path, tmp_path: Path) -> None:
    out, sheet = tmp_path / "scenes", tmp_path / "sheet.png"
    call = ["--data", str(shared / "data"), "--count", "3", "--seed", "2", "--split", "validation"]
    assert main([*call, "--out", str(out), "--sheet", str(sheet)]) == 0
    read = load_scenes(out)
    assert [scene.path.name for scene in read] == [f"scene-{index:05d}.jpg" for index in range(3)]
    assert sheet.stat().st_size > 10_000
    content = json.loads((out / LABELS).read_text())
    for scene in read:
        entry = content[scene.path.name]
        assert len(entry["digits"]) == len(scene.digits)
        assert entry["source"]
        assert entry["licence"]


def test_a_half_written_folder_is_one_line(
    shared: Path, parts: Parts, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "scenes"
    broken_off = Folder(out)
    broken_off.add("scene-00000.jpg", compose(parts, 1, 0))
    assert main(["--out", str(out), "--data", str(shared / "data")]) == UsageError.exit_code
    said = capsys.readouterr().err
    assert "half-written" in said
    assert said.count("\n") == 1
    with pytest.raises(InputError, match="missing"):
        load_scenes(out)
    broken_off.finish()
    assert len(load_scenes(out)) == 1


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (["--count", "0"], 2, "--count 0"),
        (["--seed", "-1"], 2, "--seed -1"),
        (["--data", "/nowhere"], 78, "no data sets"),
    ],
)
def test_what_cannot_be_composed_is_one_line(
    call: list[str], code: int, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "scenes"), *call]) == code
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "scenes").exists()


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        Folder(tmp_path / "file" / "scenes")
