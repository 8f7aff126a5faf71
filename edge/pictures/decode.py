"""The picture in bytes that anybody may have sent: judged by its header before anything is decoded."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.pictures.header import FORMATS, foreign, read_header
from edge.pictures.quiet import silence
from edge.records import Image

BYTES_PER_PIXEL = 8
"""A file may have this many for each allowed pixel: 16 bits in four channels, uncompressed."""

MOST_SCANS = 64
"""Of a progressive JPEG; encoders make about ten. Each costs time for all pixels and next to no bytes."""


class PictureError(InputError):
    """Bytes that are no picture which can be used; ``message`` says what they are, without a name."""


class TooManyPixelsError(PictureError):
    """A picture that would be larger, once decoded, than is allowed."""


def decoded(data: bytes, max_pixels: int) -> Image:
    """The picture as (H, W, 3) uint8 BGR, upright by its EXIF data, on white where transparent.

    Grey, 16 bits and CMYK are converted. Raises ``PictureError`` for everything else: empty, truncated,
    damaged, no picture, animated; and where it has more than ``max_pixels``, which its header tells: a
    decompression bomb is never unpacked.
    """
    if not data:
        raise PictureError("empty, 0 bytes", "copy it again")
    header = read_header(data)
    if header is None:
        known = foreign(data)
        is_it = f", it is {known}" if known else ""
        raise PictureError(f"no picture in a known format{is_it}", f"allowed: {FORMATS}")
    if header.width * header.height > max_pixels:
        raise TooManyPixelsError(
            f"{header.width} x {header.height} is more than {max_pixels} pixels", "make it smaller"
        )
    if header.animated:
        raise PictureError(f"an animated {header.format}", "allowed: files of one picture, or a video file")
    if not header.whole:
        raise PictureError(f"truncated, the end of the {header.format} is missing", "copy it again")
    if header.scans > MOST_SCANS:
        raise PictureError(f"a JPEG of {header.scans} scans, more than {MOST_SCANS}", "save it again")
    image = _decode(data, alpha=header.alpha)
    if image is None:
        raise PictureError(f"damaged, the {header.format} cannot be decoded", "copy it again")
    if image.shape[0] * image.shape[1] > max_pixels:  # a header that lied; the codec has its own bounds
        raise TooManyPixelsError(
            f"{image.shape[1]} x {image.shape[0]} is more than {max_pixels} pixels", "make it smaller"
        )
    return image


def _decode(data: bytes, *, alpha: bool) -> Image | None:
    silence()
    content = np.frombuffer(data, np.uint8)
    try:
        whole = cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if alpha else None
        if whole is not None and whole.ndim == 3 and whole.shape[2] == 4:
            return _on_white(whole)
        # Also where a header promised transparency that is none to the codec, as grey with one clear shade.
        image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if image is None else image.astype(np.uint8, copy=False)


def _on_white(image: NDArray[Any]) -> Image:
    """What is drawn on a transparent ground was made to be seen on paper. ``image``: BGRA of 8 or 16 bits."""
    shades = (image >> 8 if image.dtype == np.uint16 else image).astype(np.uint16)
    opaque = shades[:, :, 3:]
    mixed = (shades[:, :, :3] * opaque + 255 * (255 - opaque) + 127) // 255
    return mixed.astype(np.uint8)
