"""The digit and letter sets, as pictures with labels.

What is called a test set here is never trained on and never tuned on.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.records import Image
from tools.data.files import Source, verified
from tools.data.idx import read_idx

_LECUN = "yann.lecun.com/exdb/mnist (mirrors: ossci-datasets, Kaggle)"
MNIST = {
    "train-images": Source(
        "digits/mnist/train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", _LECUN
    ),
    "train-labels": Source(
        "digits/mnist/train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", _LECUN
    ),
    "test-images": Source(
        "digits/mnist/t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", _LECUN
    ),
    "test-labels": Source(
        "digits/mnist/t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", _LECUN
    ),
}
SEMEION = Source(
    "digits/semeion/semeion.data", "c45e66432c27059c0109c94100394ff3", "archive.ics.uci.edu/dataset/178"
)
OPTDIGITS = Source(
    "digits/optdigits/optdigits-orig.windep.gz",
    "c3ffafa2e33409263802705720c508b8",
    "archive.ics.uci.edu/dataset/80",
)
OMNIGLOT = Source(
    "digits/letters/omniglot_images_background_small1.zip",
    "e704a628b5459e08445c13499850abc4",
    "github.com/brendenlake/omniglot",
)
SOURCES = (*MNIST.values(), SEMEION, OPTDIGITS, OMNIGLOT)

_LOOK_ALIKES = {
    "Balinese": {5, 14},
    "Early_Aramaic": {2, 3, 4, 5, 6, 7, 10, 12, 13, 14, 16, 17, 20},
    "Greek": {3, 4, 6, 8, 9, 15, 18},
    "Korean": {10, 21, 22, 23, 27, 28, 33, 37},
    "Latin": {2, 7, 9, 12, 15, 17, 19, 25, 26},
}
"""Omniglot characters that a person would read as a digit somewhere: o l i s z b q g, bars, rings, hooks."""


class Labelled(NamedTuple):
    """Pictures (N, H, W) uint8 with ink bright, and the digit of each, (N,) uint8."""

    pictures: Image
    digits: NDArray[np.uint8]


def mnist(root: Path, part: Literal["train", "test"]) -> Labelled:
    """MNIST: 60 000 (train) or 10 000 (test) pictures of 28x28. Raises InputError."""
    pictures = read_idx(verified(root, MNIST[f"{part}-images"]))
    digits = read_idx(verified(root, MNIST[f"{part}-labels"]))
    if pictures.ndim != 3 or digits.ndim != 1 or len(pictures) != len(digits):
        raise InputError(f"MNIST's {part} pictures {pictures.shape} and labels {digits.shape} do not fit")
    return Labelled(pictures, digits)


def semeion(root: Path) -> Labelled:
    """Semeion: 1593 binary pictures of 16x16, as 0 and 255. For testing only. Raises InputError."""
    path = verified(root, SEMEION)
    try:
        table = np.loadtxt(path, dtype=np.float32)
        pictures, one_hot = table[:, :256].reshape(-1, 16, 16), table[:, 256:266]
    except (ValueError, IndexError) as error:
        raise InputError(f"{path} is not the table of Semeion ({error})", "get it again") from error
    return Labelled((pictures * 255).astype(np.uint8), one_hot.argmax(1).astype(np.uint8))


def optdigits(root: Path) -> Labelled:
    """Optdigits' 1797 raw bitmaps of 32x32, as 0 and 255. For testing only. Raises InputError."""
    path = verified(root, OPTDIGITS)
    try:
        lines = gzip.decompress(path.read_bytes()).decode("ascii").splitlines()
        rows = [line for line in lines if len(line) == 32 and set(line) <= {"0", "1"}]
        digits = [int(line) for line in lines if len(line.strip()) == 1]
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise InputError(f"{path} is not Optdigits' file ({error})", "get it again") from error
    if len(rows) != 32 * len(digits):
        raise InputError(f"{path} has {len(rows)} rows for {len(digits)} labels", "get it again")
    bits = np.frombuffer("".join(rows).encode(), np.uint8).reshape(-1, 32, 32) - ord("0")
    return Labelled(bits * np.uint8(255), np.array(digits, np.uint8))


def letters(root: Path) -> Image:
    """Omniglot characters that look like no digit: (N, 105, 105) uint8, ink 255. Raises InputError."""
    path = verified(root, OMNIGLOT)
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(
                name for name in archive.namelist() if name.endswith(".png") and _is_no_digit(name)
            )
            pictures = [
                cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
                for name in names
            ]
    except (zipfile.BadZipFile, zlib.error, ValueError) as error:
        raise InputError(f"{path} is no whole archive of characters ({error})", "get it again") from error
    return 255 - np.stack([np.asarray(picture, np.uint8) for picture in pictures])


def _is_no_digit(name: str) -> bool:
    alphabet, character = name.split("/")[1:3]
    return int(character.removeprefix("character")) not in _LOOK_ALIKES[alphabet]
