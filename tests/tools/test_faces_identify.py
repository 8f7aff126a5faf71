"""``faces-identify``: who is there, what a track's answer is, and a whole run with one real face."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from edge.records import UNKNOWN, Image
from tools.evaluate.__main__ import main
from tools.evaluate.faces.clips import Person, frames_of, largest, persons_in
from tools.evaluate.faces.following import Track
from tools.evaluate.faces.identify import counts

ROOT = Path(__file__).parents[2]


def pictures(folder: Path, *images: Image) -> None:
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number:02}.png"), image)


BLANK = np.full((60, 80, 3), 99, np.uint8)


def test_persons_are_the_folders_with_clips(tmp_path: Path) -> None:
    pictures(tmp_path / "bert" / "b", BLANK)
    pictures(tmp_path / "bert" / "a", BLANK, BLANK)
    pictures(tmp_path / "_several" / "a", BLANK)
    pictures(tmp_path / ".hidden" / "a", BLANK)
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "notes.txt").write_text("x")
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "one.mp4").write_bytes(b"no video")
    found = persons_in(tmp_path)
    assert [(person.name, [clip.name for clip in person.clips]) for person in found] == [
        ("anna", ["one.mp4"]),
        ("bert", ["a", "b"]),
    ]
    assert [at for at, _ in frames_of(tmp_path / "bert" / "a")] == [0.0, 1.0]
    with pytest.raises(InputError, match=r"one\.mp4"):
        list(frames_of(tmp_path / "anna" / "one.mp4"))


def test_a_folder_without_clips_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert main(["faces-identify", "--video", str(folder), "--json"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert len(output.err.splitlines()) == 2


def test_the_frames_of_a_video_come_at_its_rate(tmp_path: Path) -> None:
    file = tmp_path / "x.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 5.0, (80, 60))
    for _ in range(3):
        writer.write(BLANK)
    writer.release()
    assert [round(at, 3) for at, _ in frames_of(file)] == [0.0, 0.2, 0.4]


def test_the_largest_box() -> None:
    assert largest([(0, 0, 5, 5), (0, 0, 4, 9)]) == 1
    assert largest([]) is None


def track(expected: str | None, told: str | None, held: str | None) -> Track:
    person = Person("anna", ())
    return Track(person, Path("x"), expected, told, held, None, 1, 1, 0.0, 0.0, None)


@pytest.mark.parametrize(
    ("expected", "told", "held", "answer"),
    [
        ("anna", "anna", "anna", "right"),
        ("anna", "bert", "anna", "wrong"),
        ("anna", "bert", "bert", "wrong"),
        ("anna", None, UNKNOWN, "unknown"),
        ("anna", None, None, "unsure"),
        ("anna", "anna", UNKNOWN, "unknown"),
        (None, "anna", "anna", "named"),
        (None, "anna", UNKNOWN, "named"),
        (None, None, UNKNOWN, "unknown"),
        (None, None, None, "unsure"),
    ],
)
def test_a_wrong_name_is_wrong_whatever_comes_later(
    expected: str | None, told: str | None, held: str | None, answer: str
) -> None:
    assert track(expected, told, held).answer == answer


def test_counts_of_a_pass() -> None:
    tracks = [
        track("anna", "anna", "anna"),
        track("anna", "bert", "anna"),
        track("anna", None, None),
        track("anna", None, UNKNOWN),
        track(None, "anna", "anna"),
        track(None, None, UNKNOWN),
    ]
    told = counts(tracks, {"carl": (False, "too small"), "dora": (True, "two faces")})
    assert {key: told[key] for key in ("right", "wrong", "unknown", "n", "strangers_named", "strangers")} == {
        "right": 1, "wrong": 1, "unknown": 2, "n": 4, "strangers_named": 1, "strangers": 2,
    }  # fmt: skip
    assert told["not_enrolled"] == {"carl": "too small"}
    assert told["enrolled_as_track"] == {"dora": "two faces"}


@pytest.mark.shared
def test_one_real_face_is_known_again_and_a_stranger_is_not(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from skimage import data

    portrait = np.ascontiguousarray(data.astronaut()[:300, 60:400, ::-1])
    dim = np.asarray(portrait * 0.6, np.uint8)
    turned = cv2.warpAffine(portrait, cv2.getRotationMatrix2D((160, 120), 8, 1.0), (340, 300))
    video = tmp_path / "video"
    pictures(video / "eileen" / "1", portrait)
    pictures(video / "eileen" / "2", dim, np.asarray(turned, np.uint8), portrait, dim)
    (video / "stranger").mkdir()
    (video / "stranger" / "1").symlink_to(shared / "data" / "faces" / "video" / "ytf_Elijah_Wood" / "clip0")
    model = tmp_path / "mobilefacenet-ltk-uint8"
    model.mkdir()
    card = ROOT / "config" / "examples" / "cards" / model.name / "card.yaml"
    (model / "card.yaml").write_text(card.read_text("utf-8"), "utf-8")
    (model / "mobilefacenet_ltk_uint8.tflite").symlink_to(
        shared / "models-public" / "face_embed" / "mobilefacenet_ltk_uint8.tflite"
    )
    command = ["faces-identify", "--video", str(video), "--model", str(model), "--json", "--clips"]
    assert main([*command, "--sheet", str(tmp_path / "sheet.png")]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["all"]["right"] == told["all"]["n"] == 1
    assert told["all"]["strangers_named"] == 0
    assert told["all"]["strangers"] == 1
    assert told["half"] == told["all"], "the second person has one clip in any case"
    assert 0 <= told["time_to_name_s"] <= 3
    assert told["fps"] > 0
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
