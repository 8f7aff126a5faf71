"""Bytes that claim to be harmless: what decodes is (H, W, 3) of 8 bits, and costs what its size says."""

from __future__ import annotations

import struct
import time
import zlib

import numpy as np
import pytest

from edge.pictures.decode import MOST_SCANS, PictureError, TooManyPixelsError, decoded

SIDE = 32


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def png(pixel: bytes, colour: int, bits: int, *before: bytes) -> bytes:
    """``SIDE`` squared of one ``pixel``; ``before``: chunks before the pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, bits, colour, 0, 0, 0))
    rows = zlib.compress((b"\0" + pixel * SIDE) * SIDE)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


SAYS_SO = chunk(b"tEXt", b"Comment\0tRNS")


@pytest.mark.parametrize(
    ("data", "shade"),
    [
        (png(b"\x64", 0, 8, chunk(b"tRNS", b"\0\x01")), 0x64),
        (png(b"\x64", 0, 8, SAYS_SO), 0x64),
        (png(b"\x64\x02", 0, 16, SAYS_SO), 0x64),
        (png(b"\x64\x02" * 3, 2, 16, SAYS_SO), 0x64),
    ],
    ids=["a clear shade of grey", "a text", "a text in 16 bits", "a text in 48 bits"],
)
def test_what_is_only_said_to_be_transparent_is_a_picture_as_any(data: bytes, shade: int) -> None:
    picture = decoded(data, SIDE * SIDE)
    assert picture.shape == (SIDE, SIDE, 3)
    assert picture.dtype == np.uint8
    assert (picture == shade).all()


def tiff(*widths: tuple[int, int], side: int, content: bytes) -> bytes:
    """Grey, deflated. ``widths``: entries of its width, as type and value."""
    others = [(258, 3, 8), (259, 3, 8), (262, 3, 1), (273, 4, 0), (277, 3, 1), (278, 4, side)]
    entries = [
        *((256, kind, value) for kind, value in widths),
        (257, 4, side),
        *others,
        (279, 4, len(content)),
    ]
    begin = 8 + 2 + 12 * len(entries) + 4
    packed = (
        struct.pack("<HHII", tag, kind, 1, begin if tag == 273 else value) for tag, kind, value in entries
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(packed) + bytes(4) + content


def test_a_tiff_with_one_width_is_read() -> None:
    data = tiff((4, 64), side=64, content=zlib.compress(b"\x4d" * 64 * 64))
    assert (decoded(data, 64 * 64) == 0x4D).all()


def test_the_second_width_of_a_tiff_hides_nothing() -> None:
    # The codec takes the first one.
    data = tiff((4, 6000), (4, 10), side=6000, content=zlib.compress(b"\x80" * 6000 * 6000, 1))
    with pytest.raises(TooManyPixelsError, match="6000 x 6000"):
        decoded(data, 1_000_000)


def test_a_width_of_a_tiff_that_stands_elsewhere_is_not_guessed() -> None:
    with pytest.raises(PictureError, match="no picture in a known format"):
        decoded(tiff((16, 10), side=64, content=b""), 1_000_000)


def progressive(side: int, scans: int) -> bytes:
    """A JPEG of nothing (ITU T.81, annex G): each scan after the first says that there is no detail."""

    def segment(marker: int, content: bytes) -> bytes:
        return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content

    blocks = (side // 8) ** 2
    frame = segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + bytes([1, 0x11, 0]))
    one_code = bytes([1] + [0] * 15)
    tables = segment(0xDB, b"\0" + bytes([1] * 64))
    tables += segment(0xC4, b"\x00" + one_code + b"\x00") + segment(0xC4, b"\x10" + one_code + b"\xe0")
    first = segment(0xDA, bytes([1, 1, 0, 0, 0, 0])) + bytes(-(-blocks // 8))
    # Runs of 32767 blocks without detail: one code and 14 bits each.
    bits = ("0" + "1" * 14) * -(-blocks // 32767)
    bits += "1" * (-len(bits) % 8)
    runs = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    more = segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + runs
    return b"\xff\xd8" + tables + frame + first + more * (scans - 1) + b"\xff\xd9"


def test_a_jpeg_goes_over_its_pixels_a_few_times_at_most() -> None:
    assert decoded(progressive(256, MOST_SCANS), 256 * 256).shape == (256, 256, 3)
    data = progressive(2560, 1500)
    assert len(data) < 50_000
    begun = time.process_time()
    with pytest.raises(PictureError, match="a JPEG of 1500 scans, more than 64; save it again"):
        decoded(data, 2560 * 2560)
    assert time.process_time() - begun < 1
