"""Pictures from files: every kind upright in BGR, every bad one with a sentence."""

from __future__ import annotations

import logging
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from media import flat, frame_number, jpeg

from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.capture.stills import picture_files, read_picture
from edge.clock import SystemClock
from edge.errors import InputError, UnavailableError


def exif(orientation: int) -> bytes:
    """A TIFF block with nothing but the orientation."""
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + bytes(6)


def half_red() -> np.ndarray:
    """Wide, and red in its left half."""
    picture = np.full((32, 64, 3), 255, np.uint8)
    picture[:, :32] = (0, 0, 255)
    return picture


def test_exif_turns_a_jpeg_upright(tmp_path: Path) -> None:
    data = cv2.imencode(".jpg", half_red())[1].tobytes()
    block = b"Exif\0\0" + exif(6)  # 6: to be turned by 90 degrees clockwise
    file = tmp_path / "phone.jpg"
    file.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    picture = read_picture(file)
    assert picture.shape == (64, 32, 3)
    assert picture[5, 16, 0] < 40  # red at the top
    assert picture[60, 16, 0] > 215


def test_exif_turns_a_png_upright(tmp_path: Path) -> None:
    data = cv2.imencode(".png", half_red())[1].tobytes()
    block = b"eXIf" + exif(6)
    chunk = struct.pack(">I", len(block) - 4) + block + struct.pack(">I", zlib.crc32(block))
    file = tmp_path / "phone.png"
    file.write_bytes(data[:33] + chunk + data[33:])
    assert read_picture(file).shape == (64, 32, 3)


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("grey.png", np.full((4, 6), 77, np.uint8)),
        ("grey16.png", np.full((4, 6), 77 * 257, np.uint16)),
        ("grey16.tiff", np.full((4, 6), 77 * 257, np.uint16)),
        ("colour16.png", np.full((4, 6, 3), 77 * 257, np.uint16)),
        ("colour16.tiff", np.full((4, 6, 3), 77 * 257, np.uint16)),
        ("opaque.png", np.dstack([np.full((4, 6, 3), 77, np.uint8), np.full((4, 6), 255, np.uint8)])),
        ("opaque.tiff", np.dstack([np.full((4, 6, 3), 77, np.uint8), np.full((4, 6), 255, np.uint8)])),
        ("grey.bmp", np.full((4, 6), 77, np.uint8)),
        ("grey.pgm", np.full((4, 6), 77, np.uint8)),
    ],
)
def test_every_depth_becomes_8_bit_bgr(tmp_path: Path, name: str, picture: np.ndarray) -> None:
    file = tmp_path / name
    assert cv2.imwrite(str(file), picture)
    read = read_picture(file)
    assert read.dtype == np.uint8
    assert read.shape == (4, 6, 3)
    assert (read == 77).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_what_is_transparent_lies_on_white(tmp_path: Path, depth: type[np.unsignedinteger]) -> None:
    full = np.iinfo(depth).max
    picture = np.zeros((4, 6, 4), depth)
    picture[:, :2, 3] = full
    picture[:, 2:4, 3] = full // 2
    file = tmp_path / "digit.png"
    cv2.imwrite(str(file), picture)
    read = read_picture(file)
    assert (read[:, :2] == 0).all()
    assert (np.abs(read[:, 2:4].astype(int) - 128) <= 1).all()
    assert (read[:, 4:] == 255).all()


def test_cmyk_becomes_bgr(tmp_path: Path) -> None:
    # OpenCV writes none, so this is a TIFF by hand: 8 x 4, four inks of 8 bits, one strip.
    file = tmp_path / "ink.tiff"
    ink = bytes([0, 255, 255, 0]) * (8 * 4)  # no cyan, all magenta and yellow: red
    tags = [
        (256, 3, 1, 8), (257, 3, 1, 4), (258, 3, 4, 122), (259, 3, 1, 1), (262, 3, 1, 5), (273, 4, 1, 130),
        (277, 3, 1, 4), (278, 3, 1, 4), (279, 4, 1, len(ink)),
    ]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    file.write_bytes(head + struct.pack("<4H", 8, 8, 8, 8) + ink)
    assert len(head) == 122
    picture = read_picture(file)
    assert picture.shape == (4, 8, 3)
    assert picture[0, 0].tolist() == [0, 0, 255]


def spoil(data: bytes, at: float) -> bytes:
    place = int(len(data) * at)
    return data[:place] + bytes(40) + data[place + 40 :]


BAD = {
    "missing.jpg": (None, "no such file"),
    "empty.jpg": (b"", "empty, 0 bytes"),
    "text.jpg": (b"this is text, whatever its name says\n", "no picture in a known format"),
    "animation.gif": (b"GIF89a" + bytes(50), "no picture in a known format"),
    "half.jpg": (jpeg(half_red())[:-200], "truncated"),
    "half.png": (cv2.imencode(".png", half_red())[1].tobytes()[:-30], "truncated"),
    "half.tiff": (cv2.imencode(".tiff", half_red())[1].tobytes()[:200], "truncated"),
    "half.ppm": (cv2.imencode(".ppm", half_red())[1].tobytes()[:-30], "damaged"),
    "spoilt.png": (spoil(cv2.imencode(".png", half_red())[1].tobytes(), 0.4), "damaged"),
    "bomb.png": (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 60_000, 60_000, 8, 2, 0, 0, 0)
        + bytes(40),
        "more than 64000000 pixels",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    content, message = BAD[name]
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_picture(file)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    assert "OpenCV" not in capfd.readouterr().err


def test_a_folder_is_no_picture_and_the_bound_can_be_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_picture(tmp_path)
    file = tmp_path / "large.png"
    cv2.imwrite(str(file), np.zeros((100, 200, 3), np.uint8))
    with pytest.raises(InputError, match=r"200 x 100 is more than 19999 pixels; .*max_pixels"):
        read_picture(file, 19_999)
    assert read_picture(file, 20_000).shape == (100, 200, 3)
    noise = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
    cv2.imwrite(str(file), noise)
    with pytest.raises(InputError, match="bytes are too many"):
        read_picture(file, 1000)


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["frame10.png", "frame2.png", "frame1.PNG", "a.jpg", "notes.txt", "frame02b.png"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    assert [file.name for file in picture_files(str(tmp_path))] == [
        "a.jpg", "frame1.PNG", "frame2.png", "frame02b.png", "frame10.png",
    ]  # fmt: skip
    found = picture_files(str(tmp_path / "frame*.png"))
    assert [file.name for file in found] == ["frame2.png", "frame02b.png", "frame10.png"]


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    file = tmp_path / "scan[1].png"
    file.write_bytes(b"x")
    assert picture_files(str(file)) == [file]


@pytest.mark.parametrize("what", [".", "*.png", "**/*.png"])
def test_no_picture_found_is_told(tmp_path: Path, what: str) -> None:
    text = str(tmp_path / what) if what != "." else str(tmp_path)
    with pytest.raises(InputError, match=r"no pictures in this folder|no file fits"):
        picture_files(text)
    source = open_source(CameraSettings(source=text), SystemClock())
    with pytest.raises(UnavailableError, match=r"no pictures in this folder|no file fits"):
        source.open()


def test_a_source_leaves_out_what_is_no_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), flat(20 * number))
    (tmp_path / "frame1.png").write_bytes(b"")
    (tmp_path / "frame3.png").write_bytes(b"no picture")
    source = open_source(CameraSettings(source=str(tmp_path)), SystemClock())
    source.open()
    with caplog.at_level(logging.WARNING, "edge.capture"):
        frames = list(iter(source.read, None))
    assert [frame_number(frame.image) for frame in frames if frame] == [0, 2]
    assert source.counters() == {"corrupt": 2}
    assert [record.message for record in caplog.records] == [
        f"left out: {tmp_path / 'frame1.png'}: empty, 0 bytes; copy it again"
    ]


def test_a_single_bad_picture_is_an_unavailable_source(tmp_path: Path) -> None:
    file = tmp_path / "bad.jpg"
    file.write_bytes(b"text")
    source = open_source(CameraSettings(source=str(file)), SystemClock())
    source.open()
    with pytest.raises(UnavailableError, match="no picture in a known format"):
        source.read()
