"""``faces-detect``: what counts as found, what the public detectors tell, what is printed and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.records import Image
from tools.evaluate.__main__ import main
from tools.evaluate.faces.anchors import blaze_centres, blaze_decoded, rfb_decoded, rfb_priors
from tools.evaluate.faces.archive import open_pictures
from tools.evaluate.faces.detect import judge
from tools.evaluate.faces.detect_figures import Judged, average_precision, figures, recall, threshold_at
from tools.evaluate.faces.finders import blended, letterboxed, load_peers
from tools.evaluate.faces.labels import Labelled, load_labels
from tools.evaluate.faces.matching import Found, match, point_error

EYES = [[100.0, 100.0], [140.0, 100.0], [120.0, 120.0], [105.0, 140.0], [135.0, 140.0]]


def face(box: list[float] | None = None, **changes: Any) -> dict[str, Any]:
    whole = {"box": box or [90, 80, 60, 80], "landmarks": None, "masked": False, "ignore": False}
    return {**whole, **changes}


def line(file: str = "a.png", faces: list[Any] | None = None, **changes: Any) -> str:
    found = [face()] if faces is None else faces
    return json.dumps({"file": file, "size": [320, 240], "faces": found, "main_face_only": False, **changes})


def labelled(faces: list[dict[str, Any]], tmp_path: Path, **changes: Any) -> Labelled:
    file = tmp_path / "labels.jsonl"
    file.write_text(line(faces=faces, **changes))
    return load_labels(file)[0]


def found(*boxes: tuple[float, ...], points: list[list[float]] | None = None) -> Found:
    """Boxes of x, y, w, h, score."""
    rows = np.array(boxes, np.float32).reshape(-1, 5)
    landmarks = np.full((len(rows), 5, 2), np.nan, np.float32)
    if points is not None:
        landmarks[:] = points
    return Found(rows[:, :4], rows[:, 4], landmarks)


BOX = (90.0, 80.0, 60.0, 80.0)


@pytest.mark.parametrize(
    ("faces", "boxes", "changes", "told"),
    [
        ([face()], [(*BOX, 0.9)], {}, ([0.9], [])),
        ([face()], [(90, 80, 60, 25, 0.9)], {}, ([0.9], [])),
        ([face()], [(90, 80, 60, 23, 0.9)], {}, ([-1], [0.9])),
        ([face()], [(*BOX, 0.8), (*BOX, 0.9)], {}, ([0.9], [0.8])),
        ([face()], [], {}, ([-1], [])),
        ([face(ignore=True)], [(*BOX, 0.9), (*BOX, 0.8)], {}, ([], [])),
        ([face()], [(10, 10, 40, 40, 0.9)], {"main_face_only": True}, ([-1], [])),
        ([face()], [(10, 10, 30, 23, 0.9)], {"file": "ilc_1.jpg"}, ([-1], [])),
        ([face()], [(10, 10, 30, 24, 0.9)], {"file": "ilc_1.jpg"}, ([-1], [0.9])),
        ([face()], [(10, 10, 30, 23, 0.9)], {"file": "dlib_1.jpg"}, ([-1], [0.9])),
    ],
    ids=[
        "found", "IoU 0.31", "IoU 0.29", "twice", "missed", "ignored", "main face only", "small",
        "not so small", "small, but labelled",
    ],
)  # fmt: skip
def test_what_counts_as_found(
    tmp_path: Path, faces: list[Any], boxes: list[Any], changes: Any, told: tuple[list[float], list[float]]
) -> None:
    judged = match(labelled(faces, tmp_path, **changes), found(*boxes), 0.3)
    assert judged.hits.tolist() == pytest.approx(told[0])
    assert judged.false.tolist() == pytest.approx(told[1])


def test_points_are_judged_by_the_distance_between_the_eyes(tmp_path: Path) -> None:
    one = labelled([face(landmarks=EYES)], tmp_path)
    moved = (np.array(EYES) + np.array([4, 0])).tolist()
    assert match(one, found((*BOX, 0.9), points=moved), 0.3).errors[0] == pytest.approx(0.1)
    assert np.isnan(match(one, found((*BOX, 0.9)), 0.3).errors[0])
    middle = np.array([*EYES[:3], [120, 140], [120, 140]], np.float32)
    assert point_error(middle, np.array(EYES, np.float32)) == pytest.approx(0.0)


def test_average_precision_of_a_short_list() -> None:
    # right, false, right, then one missed: precision 1 up to a third, 2/3 up to two thirds.
    hits, false = np.array([0.9, 0.7, -1], np.float32), np.array([0.8], np.float32)
    assert average_precision(hits, false) == pytest.approx((1 + 2 / 3) / 3)
    assert average_precision(np.array([0.9], np.float32), np.zeros(0, np.float32)) == 1.0
    assert average_precision(np.array([-1.0], np.float32), false) == 0.0
    assert average_precision(np.array([-1.0], np.float32), np.zeros(0, np.float32)) == 0.0
    tied = np.array([0.8], np.float32)
    assert average_precision(tied, tied) == 0.5, "a face and a false box of one score are accepted together"


@given(st.lists(st.floats(0, 1, width=16), max_size=30), st.integers(0, 30))
def test_a_threshold_lets_no_more_false_boxes_through_than_are_allowed(
    scores: list[float], allowed: int
) -> None:
    false = np.array(scores, np.float32)
    threshold = threshold_at(false, allowed)
    assert (false >= threshold).sum() <= allowed
    lower = sorted((score for score in scores if score < threshold), reverse=True)
    assert not lower or (false >= lower[0]).sum() > allowed


def test_figures_tell_masked_and_sizes_apart(tmp_path: Path) -> None:
    faces = [face([0, 0, 12, 12], masked=True), face([50, 0, 40, 40]), face([150, 0, 100, 100])]
    one = match(labelled(faces, tmp_path), found((50, 0, 40, 40, 0.9), (200, 150, 50, 50, 0.5)), 0.3)
    told = figures(Judged([one], np.array([0.95], np.float32), 1))
    assert (told["masked"], told["bare"]) == (0.0, 0.5)
    assert told["by_height"] == {"<16": 0.0, "16-32": None, "32-64": 1.0, ">64": 0.0}
    assert told["recall_at_false_per_picture"]["0.3"] == pytest.approx(1 / 3)
    assert told["recall_at_0.1_false_per_negative"] == 0.0
    assert told["n"] == {"pictures": 1, "faces": 3, "masked": 1}
    assert recall(np.zeros(0, np.float32), 0.5) is None


def test_blazeface_tells_places_relative_to_its_anchors() -> None:
    for count in (896, 2304):
        centres = blaze_centres(count)
        assert centres is not None
        assert len(centres) == count
    assert blaze_centres(895) is None
    raw = np.zeros((896, 16), np.float32)
    raw[0] = [4, 2, 20, 10, *[1, 1] * 6]
    boxes, points, scores = blaze_decoded(raw, np.full((896, 1), 200, np.float32), 128)
    assert boxes[0].tolist() == pytest.approx(
        [4 + 4 - 10, 4 + 2 - 5, 20, 10]
    )  # the first cell's middle is 4, 4
    assert points[0, 0].tolist() == pytest.approx([5, 5])
    assert scores[0] == pytest.approx(1.0)


def test_rfb_has_a_prior_for_each_of_its_numbers() -> None:
    priors = rfb_priors(320, 240)
    assert priors.shape == (4420, 4)
    boxes = rfb_decoded(np.zeros((4420, 4), np.float32), priors, (320, 240))
    assert boxes[0].tolist() == pytest.approx([-1, -1, 10, 10], abs=1e-3)


def test_boxes_on_one_place_are_blended() -> None:
    one = blended(found((10, 10, 20, 20, 0.6), (12, 10, 20, 20, 0.3), (100, 100, 20, 20, 0.5)))
    assert one.boxes[:, 0].tolist() == pytest.approx([10 + 2 / 3, 100])
    assert one.scores.tolist() == pytest.approx([0.6, 0.5])
    assert len(blended(found()).boxes) == 0


def test_a_picture_lies_whole_in_the_middle() -> None:
    room, scale, corner = letterboxed(np.full((400, 200, 3), 255, np.uint8), (320, 240))
    assert (scale, corner) == (0.6, (100, 0))
    assert room[:, 100:220].min() == 255
    assert room[:, :100].max() == room[:, 220:].max() == 0


def collage(portrait: Image) -> tuple[Image, list[float]]:
    """The portrait on a plain ground, and where its face is."""
    image = np.full((512, 700, 3), 90, np.uint8)
    image[:, 100:612] = portrait
    return image, [280.0, 60.0, 90.0, 115.0]


@pytest.fixture
def portrait() -> Image:
    """NASA's public-domain photograph of Eileen Collins, (512, 512, 3) BGR."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


@pytest.fixture
def folder(tmp_path: Path, portrait: Image) -> Path:
    """Two pictures with the portrait, one without, and their labels."""
    (tmp_path / "negatives").mkdir()
    (tmp_path / "pictures").mkdir()
    image, box = collage(portrait)
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), image)
    cv2.imwrite(str(tmp_path / "pictures" / "b.png"), image[:, ::-1])
    other = [700 - box[0] - box[2], *box[1:]]
    lines = [line("a.png", [face(box)], size=[700, 512]), line("b.png", [face(other)], size=[700, 512])]
    (tmp_path / "labels.jsonl").write_text("\n".join(lines))
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "negatives" / "noise.png"), noise)
    return tmp_path


def command(folder: Path, *more: str) -> list[str]:
    return [
        "faces-detect",
        "--labels",
        str(folder / "labels.jsonl"),
        "--pictures",
        str(folder / "pictures"),
        *more,
    ]


def test_json_is_one_object_with_the_documented_keys(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--negatives", str(folder / "negatives"), "--plots", str(folder / "out"))
    assert main(command(folder, *more, "--sheet", str(folder / "sheet.png"), "--json")) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) >= {
        "ap", "recall_at_false_per_picture", "masked", "bare", "by_height",
        "recall_at_0.1_false_per_negative", "point_error", "ms", "ms_ratio_to_yunet",
    }  # fmt: skip
    assert told["ap"] == told["bare"] == told["by_height"]["32-64"] == 1.0
    assert told["masked"] is told["by_height"]["<16"] is None
    assert 0 < told["ms"] < 10_000
    for name in ("faces-froc.png", "faces-precision.png"):
        picture = cv2.imread(str(folder / "out" / name))
        assert picture is not None
        assert np.ptp(picture) > 200
    assert cv2.imread(str(folder / "sheet.png")) is not None


def test_wrong_input_ends_the_command_with_its_exit_code(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(folder, "--iou", "1.5")) == 2
    assert main(command(folder, "--model", "./nowhere")) == 78
    assert main(command(folder, "--peers", str(folder / "negatives"))) == 1
    assert main(command(folder, "--negatives", str(folder / "nowhere"))) == 1
    assert main(command(folder, "--sheet", "/dev/null/x.png")) == 1
    (folder / "pictures" / "b.png").unlink()
    assert main(command(folder)) == 1
    (folder / "pictures" / "b.png").write_bytes(
        cv2.imencode(".png", np.full((240, 320, 3), 120, np.uint8))[1].tobytes()
    )
    assert main(command(folder)) == 1
    output = capsys.readouterr()
    assert output.out == ""
    errors = [text for text in output.err.splitlines() if text.startswith("evaluate: ")]
    assert len(errors) == 7
    assert "b.png is 320x240, its label says 700x512" in errors[-1]


@pytest.mark.slow
@pytest.mark.shared
def test_peers_have_the_figures_that_others_measured(shared: Path) -> None:
    data = shared / "data" / "faces" / "detect"
    peers = load_peers(shared / "models-public" / "face_detector", (320,))
    chosen = {name: peers[name] for name in ("YuNet 320", "BlazeFace short range")}
    runs = judge(
        chosen,
        load_labels(data / "dev.jsonl"),
        open_pictures(data / "dev.tar"),
        open_pictures(data / "negatives_dev.tar"),
        0.3,
    )
    yunet, blaze = (figures(run.judged()) for run in runs.values())
    assert yunet["n"] == {"pictures": 265, "faces": 866, "masked": 392}
    assert yunet["ap"] == pytest.approx(0.887, abs=0.005)
    assert list(yunet["recall_at_false_per_picture"].values()) == pytest.approx(
        [0.703, 0.742, 0.804], abs=0.005
    )
    assert (yunet["masked"], yunet["bare"]) == pytest.approx((0.679, 0.795), abs=0.005)
    assert list(yunet["by_height"].values()) == pytest.approx([0.361, 0.841, 0.944, 0.968], abs=0.005)
    assert yunet["recall_at_0.1_false_per_negative"] == pytest.approx(0.846, abs=0.005)
    assert yunet["point_error"] == pytest.approx(0.126, abs=0.003)
    assert blaze["ap"] == pytest.approx(0.293, abs=0.005)
    assert blaze["by_height"][">64"] == pytest.approx(0.927, abs=0.01)
