"""Pictures of faces for tests: one portrait that anybody may use, and what can be made of it at run time.

It is NASA's photograph of Eileen Collins, which scikit-image ships. Nothing that is made of it is kept.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from edge.records import Image


@cache
def portrait() -> Image:
    """The head, (300, 340, 3) BGR; its eyes are some 47 pixels apart."""
    return np.ascontiguousarray(data.astronaut()[:300, 60:400, ::-1])


@cache
def stranger() -> Image:
    """Somebody else: a face with a large middle that sits too low, and wide; no alignment undoes it."""
    image = portrait()
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    dx, dy = x - 163, y - 124
    # Within 100 pixels of the nose a place shows what lies nearer to it, and further down.
    reach = (np.minimum(np.hypot(dx, dy) / 100, 1) ** 0.7).astype(np.float32)
    bulged = cv2.remap(image, 163 + dx * reach, 124 + dy * reach + 30 * (1 - reach), cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(bulged, None, fx=1.2, fy=1), np.uint8)


def turned(degrees: float, light: float = 1.0) -> Image:
    """The portrait turned about the nose, in other light."""
    image = portrait()
    matrix = cv2.getRotationMatrix2D((163, 124), degrees, 1.0)
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.convertScaleAbs(moved, alpha=light), np.uint8)


def smaller(share: float) -> Image:
    """The portrait from farther away, on grey of the same size."""
    small = cv2.resize(portrait(), None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    image = np.full_like(portrait(), 128)
    image[60 : 60 + small.shape[0], 80 : 80 + small.shape[1]] = small
    return image


def blurred(sigma: float) -> Image:
    """The portrait out of focus."""
    return np.asarray(cv2.GaussianBlur(portrait(), (0, 0), sigma), np.uint8)


def two() -> Image:
    """Two of it side by side."""
    return np.ascontiguousarray(np.hstack((portrait(), portrait())))


def nobody() -> Image:
    """A wall."""
    return np.random.default_rng(0).integers(90, 160, (300, 340, 3), np.uint8)


def jpeg(image: Image, quality: int = 92) -> bytes:
    """As a camera writes it."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(image: NDArray[Any]) -> bytes:
    """Without loss."""
    return cv2.imencode(".png", image)[1].tobytes()


def on_its_side(image: Image) -> bytes:
    """A JPEG that lies on its side, and whose EXIF data say so (orientation 6: turn clockwise)."""
    lying = jpeg(np.asarray(cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE), np.uint8))
    tag = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06" + bytes(6)
    block = b"Exif\0\0" + tag
    return lying[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + lying[2:]


def cmyk(image: Image) -> bytes:
    """A JPEG in four inks, as printers have them."""
    import io

    from PIL import Image as Pillow

    stream = io.BytesIO()
    Pillow.fromarray(image[:, :, ::-1]).convert("CMYK").save(stream, "JPEG", quality=92)
    return stream.getvalue()
