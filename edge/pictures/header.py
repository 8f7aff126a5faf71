"""The size of a picture file from its first bytes, so that nothing is decoded before it is judged."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

FORMATS = "JPEG, PNG, WebP, BMP, TIFF or PNM"
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm")
)

_STILLS = {
    "heic": "heic", "heix": "heic", "mif1": "heic", "msf1": "heic", "heim": "heic", "heis": "heic",
    "avif": "avif", "avis": "avif",
}  # fmt: skip
"""Brands of files that are built like MP4 and hold pictures."""

_OTHERS = {
    b"\x1aE\xdf\xa3": "a video (Matroska or WebM)",
    b"\x00\x00\x01\xba": "a video (MPEG)",
    b"\x00\x00\x01\xb3": "a video (MPEG)",
    b"FLV\x01": "a video (FLV)",
    b"GIF8": "a GIF",
    b"%PDF": "a PDF document",
}


_TIFF_SIDES = {1: "B", 3: "H", 4: "I"}
"""Types that the sides of a TIFF may have here; 64 bits would stand elsewhere in the file."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself. ``whole``: its end is there; ``alpha``: it has transparent pixels;
    ``scans``: how often a JPEG goes over all of its pixels."""

    format: str
    width: int
    height: int
    whole: bool = True
    animated: bool = False
    alpha: bool = False
    scans: int = 1


def read_header(data: bytes) -> Header | None:
    """The header of a file's bytes, all of them where ``whole`` matters; None: no picture."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data.startswith(b"BM"):
            return _bmp(data)
        if data[:4] in (b"II*\0", b"MM\0*"):
            return _tiff(data)
        return _pnm(data)
    except (struct.error, IndexError, KeyError):
        return None


def foreign(data: bytes) -> str | None:
    """What bytes without a header are, where people often take that for a picture; None: who knows."""
    if data[4:8] == b"ftyp":  # ISO/IEC 14496-12; phones keep pictures in it, too
        brand = data[8:12].decode("ascii", "replace")
        return {"heic": "a HEIC picture", "avif": "an AVIF picture"}.get(
            _STILLS.get(brand, ""), "a video (MP4)"
        )
    if data[:4] == b"RIFF" and data[8:12] == b"AVI ":
        return "a video (AVI)"
    for magic, name in _OTHERS.items():
        if data.startswith(magic):
            return name
    # MPEG transport streams: a sync byte every 188.
    return "a video (MPEG)" if len(data) > 188 and data[0] == data[188] == 0x47 else None


def _jpeg(data: bytes) -> Header | None:
    place = 2
    while True:
        while data[place] == 0xFF:  # any number of fill bytes before a marker
            place += 1
        marker = data[place]
        length = struct.unpack_from(">H", data, place + 1)[0]
        # Start of frame: C0 to CF but for tables (C4, CC) and the extension (C8).
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, place + 4)
            # Compressed data stuffs its FF bytes, so these can only be markers.
            whole = data.find(b"\xff\xd9", place) >= 0
            return Header("JPEG", width, height, whole, scans=data.count(b"\xff\xda", place))
        place += 1 + length
        if data[place] != 0xFF:
            return None


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack_from(">II", data, 16)
    before_pixels = data[: max(data.find(b"IDAT"), 0)]
    alpha = data[25] in (4, 6) or b"tRNS" in before_pixels
    whole = b"IEND\xaeB\x60\x82" in data  # the last chunk, with its checksum
    return Header("PNG", width, height, whole, b"acTL" in before_pixels, alpha)


def _webp(data: bytes) -> Header | None:
    whole = len(data) >= struct.unpack_from("<I", data, 4)[0] + 8
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return Header("WebP", width, height, whole, bool(data[20] & 0x02), bool(data[20] & 0x10))
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        return Header("WebP", width, height, whole, alpha=bool(bits >> 28 & 1))
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF, whole)
    return None


def _bmp(data: bytes) -> Header:
    size, header = struct.unpack_from("<I8xI", data, 2)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    return Header("BMP", width, abs(height), len(data) >= size)  # negative height: rows from the top


def _tiff(data: bytes) -> Header | None:
    order = "<" if data[:2] == b"II" else ">"
    place = struct.unpack_from(order + "I", data, 4)[0]
    if place + 2 > len(data):  # the directory may stand behind the pixels
        return Header("TIFF", 0, 0, whole=False)
    count = struct.unpack_from(order + "H", data, place)[0]
    sides: dict[int, int] = {}
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in (256, 257):  # width, height; a second one is ignored by the codec too
            side = struct.unpack_from(order + _TIFF_SIDES[kind], data, entry + 8)[0]
            sides.setdefault(tag, side)
    return Header("TIFF", sides[256], sides[257]) if len(sides) == 2 else None


def _pnm(data: bytes) -> Header | None:
    gap = rb"(?:\s+|#[^\n]*\n)+"
    found = re.match(rb"P[1-6]" + gap + rb"(\d{1,9})" + gap + rb"(\d{1,9})\s", data[:4096])
    return Header("PNM", int(found[1]), int(found[2])) if found else None
