"""The idx format of MNIST (LeCun et al.): a big-endian header, then bytes; gzip around it."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from edge.errors import InputError
from edge.records import Image

_UNSIGNED_BYTE = 8
_MOST_AXES = 4


def read_idx(path: Path) -> Image:
    """The array of a gzipped idx file of unsigned bytes, in the shape that its header tells.

    Raises InputError where the file is no gzip, is cut off, or its header and length do not fit.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is no whole gzip file ({error})", "get it again") from error
    if len(raw) < 4 or raw[:2] != b"\0\0" or raw[2] != _UNSIGNED_BYTE or not 1 <= raw[3] <= _MOST_AXES:
        raise InputError(f"{path} is no idx file of unsigned bytes", "get it again")
    axes = raw[3]
    start = 4 + 4 * axes
    if len(raw) < start:
        raise InputError(f"{path} ends within its header", "get it again")
    shape = struct.unpack(f">{axes}I", raw[4:start])
    if math.prod(shape) != len(raw) - start:
        raise InputError(f"{path} holds {len(raw) - start} values, its header tells {shape}", "get it again")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
