"""A file as dlib writes its face network, with random parameters, and a cache of faces that are blots."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import numpy as np

SIZE, STORED = 128, 128
"""Values of an embedding, pixels of a stored chip: told here, since this is read without PyTorch too."""

WIDTHS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
"""Channels of dlib's 14 blocks."""


def dat(parts: list[np.ndarray]) -> bytes:
    """As dlib writes it: every tensor with its version, sizes and floats, other fields between."""
    written = b"\x01\x04loss\x01\x02\x01\x00"
    for values in parts:
        sizes = struct.pack("<BBBBBB", 1, 1, 1, 1, 1, 1)
        length = len(values)
        packed = length.to_bytes((length.bit_length() + 7) // 8, "little")
        written += (
            b"\x01\x02"
            + bytes([len(packed)])
            + packed
            + sizes
            + values.astype("<f4").tobytes()
            + b"\x05con_4"
        )
    return written


def network(seed: int = 3) -> list[np.ndarray]:
    """Parameters of the sizes of dlib's face network."""
    rng = np.random.default_rng(seed)
    layers, before = [(32, 3, 7)], 32
    for width in WIDTHS:
        layers += [(width, before, 3), (width, width, 3)]
        before = width
    found = []
    for width, inputs, side in layers:
        fan = inputs * side * side
        found.append(np.concatenate([rng.normal(0, fan**-0.5, width * fan), rng.normal(0, 0.1, width)]))
        found.append(np.concatenate([rng.uniform(0.5, 1.5, width), rng.normal(0, 0.1, width)]))
    found.append(rng.normal(0, 0.06, 256 * SIZE))
    return [values.astype(np.float32) for values in found]


def cached(folder: Path, count: int) -> None:
    """Faces that are blots, whose embedding is a fixed function of the blot."""
    rng = np.random.default_rng(9)
    small = rng.integers(0, 256, (count, 8, 8, 3)).astype(np.uint8)
    chips = np.stack([cv2.resize(one, (STORED, STORED)) for one in small])
    targets = small.reshape(count, -1).astype(np.float32) @ rng.normal(0, 0.001, (192, SIZE)).astype(
        np.float32
    )
    np.save(folder / "chips.npy", chips)
    np.save(folder / "targets.npy", targets.astype(np.float32))
    (folder / "faces.json").write_text(json.dumps([["blots", ""]] * count))
