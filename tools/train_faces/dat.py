"""Reads dlib's network files: the parameter tensors, in the order from the input to the output.

Format: dlib's serialization (dlib/serialize.h, dlib/cuda/tensor.h): whole numbers with a byte of sign and
length before them, tensors as a version, four sizes and 4-byte little-endian floats.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

_VERSION = b"\x01\x02"
"""The whole number 2 in one byte: what every tensor begins with."""


def tensors(path: Path) -> list[NDArray[np.float32]]:
    """All tensors of at least two values, flat, in file order. Raises InputError for what is no such file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    found = []
    place = content.find(_VERSION)
    while place >= 0:
        read = _tensor(content, place + len(_VERSION))
        if read is None:
            place = content.find(_VERSION, place + 1)
            continue
        values, end = read
        found.append(values)
        place = content.find(_VERSION, end)
    if not found:
        raise InputError(f"{path} holds no tensors", "give dlib_face_recognition_resnet_model_v1.dat")
    return found


def _tensor(content: bytes, place: int) -> tuple[NDArray[np.float32], int] | None:
    sizes = []
    for _ in range(4):
        number = _number(content, place)
        if number is None:
            return None
        value, place = number
        sizes.append(value)
    count = int(np.prod(sizes))
    end = place + 4 * count
    if min(sizes) < 1 or not 2 <= count <= 2**26 or end > len(content):
        return None
    values = np.frombuffer(content, "<f4", count, place)
    sane = np.isfinite(values).all() and np.abs(values).max() < 1e4
    return (values.astype(np.float32), end) if sane else None


def _number(content: bytes, place: int) -> tuple[int, int] | None:
    """A whole number and where it ends: a byte with its length (and its sign in the top bit), then bytes."""
    if place >= len(content):
        return None
    length = content[place] & 0x0F
    if content[place] & 0xF0 or not 1 <= length <= 8:
        return None
    end = place + 1 + length
    return int.from_bytes(content[place + 1 : end], "little"), end
