"""``edge enroll``, ``people``, ``forget``, ``deny`` without a service: on the gallery itself, for real."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.cli.main import main
from edge.people.scout import ROOM, SIDE, encoded
from edge.pictures.decode import decoded

sys.path.insert(0, str(Path(__file__).parents[1] / "recognize" / "faces"))
import portraits


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "edge.yaml"
    file.write_text(json.dumps({"state": {"folder": str(tmp_path / "state")}, "recognizers": ["faces"]}))
    return file


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three good pictures of somebody, in three formats."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(portraits.jpeg(portraits.portrait()))
    (folder / "b.png").write_bytes(portraits.png(portraits.turned(12, 0.7)))
    (folder / "c.jpg").write_bytes(portraits.on_its_side(portraits.turned(-12, 0.6)))
    return folder


def people(config: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["people", "--json", "-c", str(config)]) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["people"]
    return found


def enroll(config: Path, *words: str) -> int:
    return main(["enroll", *words, "-c", str(config)])


def test_a_person_of_files_and_of_a_folder(
    config: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enroll(config, "Eileen", str(pictures / "a.jpg"), str(pictures / "b.png")) == 0
    output = capsys.readouterr()
    assert "Eileen" in output.out
    assert output.err == ""
    (eileen,) = people(config, capsys)
    assert (eileen["name"], eileen["usable"]) == ("Eileen", True)
    assert eileen["count"] >= 1
    assert enroll(config, "Eileen", str(pictures)) == 0, "the same again is no error"
    (again,) = people(config, capsys)
    assert again["count"] >= eileen["count"]
    gallery = config.parent / "state" / "gallery.db"
    assert gallery.stat().st_mode & 0o777 == 0o600
    assert portraits.jpeg(portraits.portrait()) not in gallery.read_bytes()


def test_every_refused_picture_is_named_with_its_reason(
    config: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {
        "empty.jpg": (b"", "empty"),
        "nobody.jpg": (portraits.jpeg(portraits.nobody()), "no face"),
        "two.jpg": (portraits.jpeg(portraits.two()), "2 faces"),
        "text.png": (b"hello" * 100, "no picture"),
        "phone.jpg": (b"\0\0\0\x18ftypheic" + bytes(99), "it is a HEIC picture"),
        "clip.mp4": (b"\0\0\0\x20ftypisom" + bytes(99), "no video that can be read"),
        "other.jpg": (portraits.jpeg(portraits.stranger()), "too unlike"),
    }
    for name, (data, _) in bad.items():
        (pictures / name).write_bytes(data)
    assert enroll(config, "Eileen", "--json", str(pictures), str(pictures / "missing.jpg")) == 1
    output = capsys.readouterr()
    told = [json.loads(line) for line in output.out.splitlines()]
    lines = output.err.splitlines()
    assert len(lines) == len(bad) + 1
    for name, (_, words) in {**bad, "missing.jpg": (b"", "no such file")}.items():
        (line,) = [line for line in lines if name in line]
        assert line.startswith("edge: Eileen: ")
        assert words in line, line
        assert not [each for each in told if each["kept"] and str(each["file"]).endswith(name)]
    assert {each["reason"] for each in told} >= {"bad-picture", "no-face", "two-faces", "too-unlike"}
    assert [person["name"] for person in people(config, capsys)] == ["Eileen"]


def test_a_folder_for_each_person(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "people"
    for name, image in (
        ("Eileen", portraits.portrait()),
        ("Caroline", portraits.stranger()),
        ("unknown", portraits.portrait()),
        ("Nobody", None),
        (".git", portraits.portrait()),
    ):
        (folder / name).mkdir(parents=True)
        if image is not None:
            (folder / name / "a.jpg").write_bytes(portraits.jpeg(image))
    assert enroll(config, "--folder", str(folder)) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    assert any("nobody can be called unknown" in line for line in errors)
    assert any("no pictures and no videos in this folder" in line for line in errors)
    assert [person["name"] for person in people(config, capsys)] == ["Caroline", "Eileen"]
    for name in ("unknown", "Nobody"):
        shutil.rmtree(folder / name)
    assert enroll(config, "--folder", str(folder)) == 0


def test_a_video_gives_its_best_looks(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip.avi"
    size = (340, 300)
    writer = cv2.VideoWriter(str(clip), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, size)
    for number in range(60):
        writer.write(
            portraits.blurred(6) if number < 20 else portraits.turned(number - 40, 0.6 + number / 150)
        )
    writer.release()
    assert enroll(config, "Eileen", "--json", str(clip)) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert 2 <= sum(each["kept"] for each in told) <= 8
    assert {each["file"] for each in told} == {str(clip)}
    assert people(config, capsys)[0]["count"] >= 2


def test_a_video_without_a_face_says_what_its_frames_are(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(
        str(clip), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (340, 300)
    )
    for _ in range(20):
        writer.write(portraits.nobody())
    writer.release()
    assert enroll(config, "Eileen", str(clip)) == 1
    assert "no frame of it is good enough: 4 no-face" in capsys.readouterr().err


def test_a_huge_picture_is_refused_by_its_header(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "huge.png"
    png = portraits.png(portraits.portrait())
    file.write_bytes(png[:16] + b"\0\0\xea\x60" * 2 + png[24:])
    assert enroll(config, "Eileen", str(file)) == 1
    assert "60000 x 60000 is more than" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "a\nb", "\x1b[31m", "x" * 1_000_000, "unknown", "", "a\\b", os.fsdecode(b"\xff")],
)
def test_a_name_that_nobody_can_have_is_wrong_usage(
    config: Path, pictures: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enroll(config, name, str(pictures / "a.jpg")) == 2
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert len(error) < 400
    assert error.count("\n") == 1
    assert not (config.parent / "state" / "gallery.db").exists()


@pytest.mark.parametrize(
    "words", [[], ["Eileen"], ["Eileen", "a.jpg", "--folder", "x"], ["--folder", "missing"], ["--folder", ""]]
)
def test_wrong_usage_is_told(config: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert enroll(config, *words) == 2
    assert "allowed: " in capsys.readouterr().err


def test_who_is_forgotten_is_gone(config: Path, pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert enroll(config, "Eileen", str(pictures)) == 0
    assert main(["forget", "eileen", "Nobody", "-c", str(config)]) == 1
    output = capsys.readouterr()
    assert "Eileen is forgotten" in output.out
    assert "nobody is called Nobody here" in output.err
    assert people(config, capsys) == []
    assert b"Eileen" not in (config.parent / "state" / "gallery.db").read_bytes()


def test_people_go_to_another_device_in_a_file(
    config: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enroll(config, "Eileen", str(pictures)) == 0
    (before,) = people(config, capsys)
    file = tmp_path / "people.json"
    assert main(["people", "--export", str(file), "-c", str(config)]) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["forget", "Eileen", "-c", str(config)]) == 0
    assert main(["people", "--import", str(file), "-c", str(config)]) == 0
    (after,) = people(config, capsys)
    assert {**after, "enrolled": ""} == {**before, "enrolled": ""}
    assert main(["people", "-c", str(config)]) == 0
    assert "Eileen" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, None])
def test_a_file_that_is_no_export_is_refused(
    config: Path, tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.json"
    if content is not None:
        file.write_bytes(content)
    assert main(["people", "--import", str(file), "-c", str(config)]) == 1
    error = capsys.readouterr().err
    assert str(file) in error
    assert "Traceback" not in error


def test_without_a_service_nobody_is_in_view(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deny", "Eileen", "--track", "3", "-c", str(config)]) == 69
    assert "no service runs" in capsys.readouterr().err


def test_recognize_names_whom_it_knows(
    config: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert enroll(config, "Eileen", str(pictures / "a.jpg")) == 0
    stranger, wall = tmp_path / "stranger.jpg", tmp_path / "wall.jpg"
    stranger.write_bytes(portraits.jpeg(portraits.stranger()))
    wall.write_bytes(portraits.jpeg(portraits.nobody()))
    capsys.readouterr()
    files = [str(pictures / "b.png"), str(stranger), str(wall)]
    assert main(["recognize", "--json", "--annotate", str(tmp_path / "out"), "-c", str(config), *files]) == 0
    known, other, nobody = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    (face,) = known["faces"]
    assert face["name"] == "Eileen"
    assert 0.5 < face["score"] <= 1
    assert np.array(face["landmarks"]).shape == (5, 2)
    x, y, w, h = face["box"]
    assert x < face["landmarks"][2][0] < x + w
    assert y < face["landmarks"][2][1] < y + h
    assert [each["name"] for each in other["faces"]] in (["unknown"], [None])
    assert nobody["faces"] == []
    assert "digits" not in known
    assert (tmp_path / "out" / "b.png").exists()
    assert main(["recognize", "-c", str(config), *files]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Eileen (" in lines[0]
    assert lines[2].endswith("nothing")


def test_recognize_looks_for_faces_when_asked(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    assert main(["recognize", "--json", str(pictures / "a.jpg")]) == 0
    assert "faces" not in json.loads(capsys.readouterr().out)
    assert main(["recognize", "--json", "--faces", str(pictures / "a.jpg")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [face["name"] for face in told["faces"]] == ["unknown"]
    assert told["digits"] == []
    assert not (tmp_path / "state").exists(), "looking leaves nothing behind"


@pytest.mark.parametrize("size", [(1, 1), (640, 480), (4000, 3000), (9000, 40)])
def test_what_is_sent_to_the_service_always_fits(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    jpeg = encoded(noise)
    assert len(jpeg) <= ROOM
    back = decoded(jpeg, SIDE * SIDE)
    assert max(back.shape[:2]) <= SIDE


def test_a_pipe_is_no_picture_and_nobody_waits_for_it(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert enroll(config, "Anna", str(tmp_path / "pipe.jpg")) == 1
    assert "pipe.jpg: no file; allowed: a picture file" in capsys.readouterr().err
