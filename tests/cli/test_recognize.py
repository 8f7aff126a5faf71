"""``edge recognize`` goes on with the next file, whatever the last was, and never writes over a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.stills import read_picture
from edge.cli.main import main
from edge.geometry import size_of
from edge.records import Image


def paper(size: tuple[int, int] = (96, 64)) -> Image:
    """A sheet with nothing on it."""
    return np.full((size[1], size[0], 3), 230, np.uint8)


def picture(file: Path, size: tuple[int, int] = (96, 64)) -> Path:
    assert cv2.imwrite(str(file), paper(size))
    return file


def test_every_bad_file_is_named_and_the_good_ones_are_read(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    good = picture(tmp_path / "good.png")
    content = good.read_bytes()
    bad = {
        "empty.jpg": b"",
        "text.jpg": b"hello\n" * 50,
        "half.png": content[: len(content) // 2],
        "flipped.png": content[:-20] + bytes([content[-20] ^ 255]) + content[-19:],
        "vast.png": content[:16] + b"\0\1\0\0" * 2 + content[24:],
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "none").mkdir()
    arguments = [str(tmp_path / name) for name in [*bad, "pipe.jpg", "none", "missing.jpg", "m" * 300]]
    assert main(["recognize", "--json", *arguments, "", "~nobody-of-this-name/x.jpg", str(good)]) == 1
    output = capfd.readouterr()
    assert [json.loads(line)["file"] for line in output.out.splitlines()] == [str(good)]
    told = [line for line in output.err.splitlines() if "XNNPACK" not in line]
    assert len(told) == len(arguments) + 2
    for line, argument in zip(told, arguments, strict=False):
        assert line.startswith(f"edge: {argument}: ")


def test_names_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = picture(tmp_path / "a.png").rename(tmp_path / "a\x1b[31m\n.png")
    assert main(["recognize", str(good), str(tmp_path / "\x1b]0;title\a.jpg")]) == 1
    output = capsys.readouterr()
    assert output.out.count("\n") == 1
    for text in (output.out, output.err):
        assert "\x1b" not in text
        assert "\a" not in text


def test_a_name_that_is_not_utf8_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = picture(tmp_path / "a.png").rename(tmp_path / os.fsdecode(b"a\xff.png"))
    assert main(["recognize", "--json", "--annotate", str(tmp_path / "out"), str(file)]) == 0
    assert json.loads(capsys.readouterr().out)["file"] == str(file)
    assert (tmp_path / "out" / file.name).exists()


def test_pictures_of_one_name_get_a_file_each(tmp_path: Path) -> None:
    files = []
    for name, width in (("one", 96), ("two", 112), ("three", 128)):
        (tmp_path / name).mkdir()
        files.append(str(picture(tmp_path / name / "a.jpg", (width, 64))))
    out = tmp_path / "out"
    for _ in range(2):  # a second run takes the place of the first
        assert main(["recognize", "--annotate", str(out), *files]) == 0
        widths = {file.name: size_of(read_picture(file))[0] for file in out.iterdir()}
        assert widths == {"a.png": 96, "a-2.png": 112, "a-3.png": 128}


def test_no_picture_is_written_over(tmp_path: Path) -> None:
    jpeg, png = picture(tmp_path / "a.jpg"), picture(tmp_path / "a.png")
    before = png.read_bytes()
    assert main(["recognize", "--annotate", str(tmp_path), str(jpeg), str(png)]) == 0
    assert png.read_bytes() == before
    assert (tmp_path / "a-3.png").exists()


def test_a_folder_that_cannot_be_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = picture(tmp_path / "a.png")
    assert main(["recognize", "--annotate", str(file), str(file)]) == 2
    assert f"--annotate {file}: File exists" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = picture(tmp_path / "a.png")
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    assert main(["recognize", "--annotate", str(tmp_path / "out"), str(file)]) == 1
    output = capsys.readouterr()
    assert "a.png: cannot be written: Is a directory" in output.err
    assert str(file)[:20] in output.out


def test_explanations_are_pictures_beside_their_files(tmp_path: Path) -> None:
    image = paper((320, 200))
    cv2.putText(image, "7", (120, 150), cv2.FONT_HERSHEY_SIMPLEX, 4, (30, 30, 30), 9, cv2.LINE_AA)
    assert cv2.imwrite(str(tmp_path / "seven.png"), image)
    picture(tmp_path / "nothing.png")
    out = tmp_path / "out"
    files = [str(tmp_path / name) for name in ("seven.png", "nothing.png")]
    assert main(["recognize", "--explain", str(out), *files]) == 0
    width, height = size_of(read_picture(out / "seven.png"))
    assert width >= 300
    assert height >= 140
    sheet = read_picture(out / "seven.png").astype(int)
    assert ((sheet[..., 2] - sheet[..., 0]) > 60).any()  # somewhere something spoke for the seven
    assert (out / "nothing.png").exists()
    assert main(["recognize", "--explain", "/dev/null/x", *files]) == 2


def test_readings_that_are_not_explained_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = paper((480, 200))
    cv2.putText(image, "7 3", (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 4, (30, 30, 30), 9, cv2.LINE_AA)
    assert cv2.imwrite(str(tmp_path / "two.png"), image)
    call = ["recognize", "--explain", str(tmp_path / "why"), str(tmp_path / "two.png")]
    assert main(call) == 0
    assert "left out" not in capsys.readouterr().err
    monkeypatch.setattr("edge.recognize.digits.recognizer.EXPLAINED", 1)
    assert main(call) == 0
    assert "two.png: 1 of 2 readings are explained, the most doubtful, 1 left out" in capsys.readouterr().err
