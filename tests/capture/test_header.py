"""Sizes from the first bytes, against what OpenCV itself writes."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media import ffmpeg

from edge.pictures.header import foreign, read_header

WRITTEN = {
    ".jpg": "JPEG", ".png": "PNG", ".webp": "WebP", ".bmp": "BMP", ".tiff": "TIFF", ".ppm": "PNM",
}  # fmt: skip


@pytest.mark.parametrize("suffix", WRITTEN)
@pytest.mark.parametrize("size", [(1, 1), (33, 70), (640, 3), (4001, 2)])
def test_the_size_is_read(suffix: str, size: tuple[int, int]) -> None:
    width, height = size
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    header = read_header(cv2.imencode(suffix, picture)[1].tobytes())
    assert header is not None
    assert (header.format, header.width, header.height) == (WRITTEN[suffix], width, height)
    assert (header.whole, header.animated, header.alpha) == (True, False, False)


@pytest.mark.parametrize("quality", [80, 101])  # lossy, lossless
def test_transparency_is_seen(quality: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 11, 4), np.uint8)
    for data in (
        cv2.imencode(".png", picture)[1].tobytes(),
        cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes(),
    ):
        header = read_header(data)
        assert header is not None
        assert header.alpha
        assert (header.width, header.height) == (11, 9)


def test_a_progressive_jpeg_and_one_with_much_before_its_size() -> None:
    picture = np.zeros((50, 70, 3), np.uint8)
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    # An Exif thumbnail has an end mark of its own, and filler may stand before any marker.
    thumbnail = b"\xff\xe1" + struct.pack(">H", 60_002) + b"\xff\xd9" * 30_000
    header = read_header(data[:2] + thumbnail + b"\xff\xff" + data[2:])
    assert header is not None
    assert (header.width, header.height, header.whole) == (70, 50, True)
    cut = read_header(data[:2] + thumbnail + data[2:-40])
    assert cut is not None
    assert not cut.whole


def test_animations_are_seen(tmp_path: Path) -> None:
    for name in ("moving.apng", "moving.webp"):
        file = tmp_path / name
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5", "-t", "1", str(file))
        header = read_header(file.read_bytes())
        assert header is not None, name
        assert header.animated, name


def test_rows_from_the_top_and_old_headers_of_bmp() -> None:
    modern = b"BM" + struct.pack("<IIIIii", 54, 0, 54, 40, 30, -20) + bytes(28)
    header = read_header(modern)
    assert header is not None
    assert (header.width, header.height, header.whole) == (30, 20, True)
    old = read_header(b"BM" + struct.pack("<IIIIHH", 26, 0, 26, 12, 30, 20) + bytes(4))
    assert old is not None
    assert (old.width, old.height) == (30, 20)


@pytest.mark.parametrize(
    "data", [b"", b"hello, this is text", b"\xff\xd8\xff", b"GIF89a\x01\x00\x01\x00", b"P5 10"]
)
def test_what_is_no_picture_has_none(data: bytes) -> None:
    assert read_header(data) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.mp4", "a video (MP4)"),
        ("a.mkv", "a video (Matroska or WebM)"),
        ("a.avi", "a video (AVI)"),
        ("a.ts", "a video (MPEG)"),
        ("a.mpg", "a video (MPEG)"),
        ("a.flv", "a video (FLV)"),
        ("a.gif", "a GIF"),
    ],
)
def test_what_people_take_for_a_picture_is_named(tmp_path: Path, name: str, told: str) -> None:
    file = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-t", "1", str(file))
    data = file.read_bytes()
    assert read_header(data) is None
    assert foreign(data) == told


def test_a_picture_of_a_phone_is_no_video() -> None:
    assert foreign(b"\0\0\0\x18ftypheic" + bytes(40)) == "a HEIC picture"
    assert foreign(b"\0\0\0\x18ftypavif" + bytes(40)) == "an AVIF picture"
    assert foreign(b"hello, this is text") is None
    assert foreign(b"") is None


MAGIC = [b"\xff\xd8\xff\xc0", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBPVP8X", b"BM", b"II*\0", b"MM\0*", b"P6 "]


@given(st.sampled_from(MAGIC), st.binary(max_size=200))
def test_no_bytes_break_it(magic: bytes, rest: bytes) -> None:
    header = read_header(magic + rest)
    assert header is None or header.format


@given(st.sampled_from([".jpg", ".png", ".webp", ".bmp"]), st.integers(1, 3000))
def test_a_missing_end_is_seen(suffix: str, missing: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    header = read_header(cv2.imencode(suffix, picture)[1].tobytes()[:-missing])
    assert header is None or not header.whole
