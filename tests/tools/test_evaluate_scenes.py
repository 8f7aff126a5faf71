"""``digits-scenes``: labels that are not whole, what counts as right, what is printed and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from edge.records import Box, Detection, Image
from tools.evaluate.__main__ import main
from tools.evaluate.matching import Tally, compare, exact_lines
from tools.evaluate.scene_labels import Scene, load_scenes


def entry(boxes: list[Box] = [], digits: str = "", **changes: Any) -> dict[str, Any]:  # noqa: B006
    labels = [{"box": list(box), "digit": int(digit)} for box, digit in zip(boxes, digits, strict=True)]
    whole = {"size": [640, 480], "digits": labels, "lines": [digits] * bool(digits), "difficulty": "ordinary"}
    return {**whole, **changes}


def written(image: Image, digits: str) -> list[Box]:
    """Draws a row of digits; gives the boxes of their ink."""
    boxes = []
    for place, digit in enumerate(digits):
        before = image.copy()
        cv2.putText(
            image, digit, (40 + 60 * place, 120), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (40, 40, 40), 5, cv2.LINE_AA
        )
        ink = (before.astype(int) - image).max(axis=2) > 40
        boxes.append(Box(*(float(value) for value in cv2.boundingRect(ink.astype(np.uint8)))))
    return boxes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sheet with a row of digits, one with a hard picture, one without any."""
    empty = np.full((480, 640, 3), 225, np.uint8)
    image = empty.copy()
    boxes = written(image, "2748")
    cv2.imwrite(str(tmp_path / "row.png"), image)
    cv2.imwrite(str(tmp_path / "hard.png"), 255 - image)
    cv2.imwrite(str(tmp_path / "empty.png"), empty)
    labels = {
        "row.png": entry(boxes, "2748"),
        "hard.png": entry(boxes, "2748", difficulty="hard"),
        "empty.png": entry(),
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    return tmp_path


def test_json_is_one_object_with_the_documented_keys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digits-scenes", "--labels", str(folder), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    shares = {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert record["ordinary"] == {**shares, "right": 4, "found": 4, "n": 4}
    assert record["all"] == {**shares, "right": 8, "found": 8, "n": 8}
    assert record["negatives"] == {
        "pictures": 1, "false_digits": 0, "megapixels": 0.307, "per_megapixel": 0.0,
    }  # fmt: skip
    assert 0 <= record["ece"] < 0.2
    assert record["lines"] == {"exact": 1.0, "right": 2, "n": 2}
    assert record["lines_ordinary"] == {"exact": 1.0, "right": 1, "n": 1}
    assert record["numbers"] is record["numbers_ordinary"] is None, "the labels do not tell them"
    assert 0 < record["ms_per_picture"] < 10_000
    assert set(record) == {
        "ordinary", "all", "negatives", "ece", "lines", "lines_ordinary", "numbers", "numbers_ordinary",
        "ms_per_picture",
    }  # fmt: skip


def test_recipes_stand_side_by_side(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["digits-scenes", "--labels", str(folder), "--recipe", "edge", "--recipe", "books"]
    assert main([*command, "--recipe", "adaptive", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record["recipes"]) == {"books", "adaptive"}
    assert record["recipes"]["books"]["ordinary"]["recall"] == 1.0
    assert record["recipes"]["books"]["all"]["recall"] == 0.5  # Otsu's contours know dark ink only
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "row.png" in table
    assert "books" in table
    assert "4 of 8" in table, "what the shares are shares of"
    assert "1 of 1 (1.00)" in table, "lines of ordinary pictures"


def test_the_sheet_shows_every_mistake(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = json.loads((folder / "labels.json").read_text())
    labels["row.png"]["digits"][0]["digit"] = 3
    labels["row.png"]["digits"].pop()
    labels["empty.png"]["digits"] = [{"box": [100, 100, 30, 50], "digit": 1}]
    (folder / "labels.json").write_text(json.dumps(labels))
    file = folder / "new" / "sheet.png"
    assert main(["digits-scenes", "--labels", str(folder), "--sheet", str(file), "--json"]) == 0
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.shape == (142, 3 * 112, 3)
    capsys.readouterr()
    assert main(["digits-scenes", "--labels", str(folder), "--sheet", "/dev/null/x.png", "--json"]) == 1
    assert "/dev/null/x.png cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "labels.json is missing"),
        ("", "cannot be read"),
        ('{"row.png": {"size": [640, 480], "digits": [', "cannot be read"),
        ("\xff\xfe", "names no pictures|cannot be read"),
        ("[]", "names no pictures"),
        ("{}", "names no pictures"),
        ('{"row.png": 3}', "row.png are not whole"),
        (json.dumps({"row.png": {"size": [640, 480], "digits": []}}), "not whole .KeyError: 'lines'"),
        (json.dumps({"row.png": entry(size=[640])}), "row.png are not whole"),
        (
            json.dumps({"row.png": entry([Box(1, 2, 3, 4)], "7", difficulty="easy")}),
            "'easy'; allowed: ordinary, hard",
        ),
        (json.dumps({"row.png": entry([Box(630, 2, 30, 4)], "7")}), "impossible"),
        (json.dumps({"row.png": entry([Box(3, 2, 0, 4)], "7")}), "impossible"),
        (json.dumps({"row.png": entry(), "gone.png": entry()}), "1 of the 2 pictures .* missing: gone.png"),
    ],
)
def test_labels_that_are_not_whole_are_told_in_a_line(folder: Path, text: str | None, message: str) -> None:
    file = folder / "labels.json"
    if text is None:
        file.unlink()
    else:
        file.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message) as raised:
        load_scenes(folder)
    assert "\n" not in str(raised.value)


def test_wrong_input_ends_the_command_with_its_exit_code(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["digits-scenes", "--labels", str(tmp_path / "nowhere"), "--json"]) == 1
    assert main(["digits-scenes", "--labels", str(folder), "--threshold", "7"]) == 2
    assert main(["digits-scenes", "--labels", str(folder), "--model", "./nowhere"]) == 78
    (folder / "row.png").write_bytes(b"no picture")
    assert main(["digits-scenes", "--labels", str(folder)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert [line.split(":")[0] for line in output.err.splitlines() if line.startswith("evaluate")] == [
        "evaluate"
    ] * 4


def scene(boxes: list[tuple[float, float, float, float]], digits: list[int]) -> Scene:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return Scene(Path("x.png"), (640, 480), array, np.array(digits, np.intp), (), True)


LABEL = (100.0, 100.0, 30.0, 50.0)


@pytest.mark.parametrize(
    ("found", "right", "kinds"),
    [
        ([], 0, ["missed"]),
        ([(LABEL, "7", 0.9)], 1, []),
        ([(LABEL, "1", 0.9)], 0, ["misread"]),
        ([(LABEL, "7", 0.9), (LABEL, "7", 0.8)], 1, ["false"]),
        ([(LABEL, "1", 0.9), (LABEL, "7", 0.8)], 1, ["false"]),
        ([((100.0, 100.0, 30.0, 20.1), "7", 0.9)], 1, []),
        ([((100.0, 100.0, 30.0, 19.9), "7", 0.9)], 0, ["false", "missed"]),
        ([(LABEL, None, 0.9)], 0, ["missed"]),
    ],
    ids=["none", "right", "other digit", "twice", "both", "IoU 0.402", "IoU 0.398", "rejected"],
)
def test_what_counts_as_right(found: list[Any], right: int, kinds: list[str]) -> None:
    tally, mistakes = compare(
        scene([LABEL], [7]), [Detection(Box(*box), label, score) for box, label, score in found]
    )
    assert tally.right == right
    assert [mistake.kind for mistake in mistakes] == kinds


boxes = st.tuples(*[st.floats(0, 40, width=16)] * 2, *[st.floats(4, 40, width=16)] * 2)


@given(
    st.lists(st.tuples(boxes, st.integers(0, 2)), max_size=6),
    st.lists(st.tuples(boxes, st.sampled_from("012"), st.floats(0, 1)), max_size=6),
)
def test_counts_and_mistakes_agree(labels: list[Any], found: list[Any]) -> None:
    tally, mistakes = compare(
        scene([box for box, _ in labels], [digit for _, digit in labels]),
        [Detection(Box(*box), label, score) for box, label, score in found],
    )
    kinds = [mistake.kind for mistake in mistakes]
    assert tally.right + kinds.count("false") + kinds.count("misread") == tally.found == len(found)
    assert tally.right + kinds.count("missed") + kinds.count("misread") == tally.labelled == len(labels)


def test_shares() -> None:
    assert Tally(3, 4, 6).shares() == {"precision": 0.75, "recall": 0.5, "f1": 0.6}
    assert Tally(0, 0, 0).shares()["precision"] == 1.0
    assert Tally(0, 3, 5).shares()["f1"] == 0.0


def test_each_read_line_counts_once() -> None:
    assert exact_lines(["12", "12", "345"], ["12", "345", "9"]) == 2
    assert exact_lines([], ["1"]) == 0


def test_plots_show_what_is_read_as_what_and_what_scores_mean(folder: Path) -> None:
    out = folder / "plots"
    assert main(["digits-scenes", "--labels", str(folder), "--plots", str(out), "--json"]) == 0
    for name in ("confusion-scenes.png", "reliability-scenes.png"):
        picture = cv2.imread(str(out / name))
        assert picture is not None
        assert np.ptp(picture) > 200
    assert main(["digits-scenes", "--labels", str(folder), "--plots", "/dev/null/x", "--json"]) == 1
