"""Sets for verification: crops, and pairs of them that show one person or two."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.pictures.decode import PictureError, decoded
from edge.records import Image
from tools.evaluate.faces.npz import Arrays

SIDE = 112
POINTS = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    np.float32,
)
"""Where eye, eye, nose, mouth, mouth lie in a crop of 112x112 (Deng et al. 2019, "ArcFace", arXiv 1801.07698,
in the reference alignment). An embedder with other points is shown a part of such a crop."""

MAX_PIXELS = 1 << 20
FOLDS = 10


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """Aligned faces as the bytes of JPEG files, with what a set says of each."""

    path: Path
    jpegs: NDArray[np.object_]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.jpegs)

    def image(self, index: int) -> Image:
        """One crop (112, 112, 3) uint8 BGR. Raises ``InputError`` where it is damaged or of another size."""
        try:
            image = decoded(self.jpegs[index], MAX_PIXELS)
        except PictureError as error:
            raise InputError(f"{self.path}: image {index}: {error.message}", error.hint) from None
        if image.shape != (SIDE, SIDE, 3):
            height, width = image.shape[:2]
            raise InputError(
                f"{self.path}: image {index} is {width}x{height}", f"crops of {SIDE}x{SIDE} are needed"
            )
        return image


@dataclass(frozen=True, slots=True, eq=False)
class PairSet:
    """Crops and N pairs of them: ``pairs`` (N, 2), ``same`` (N,), ``fold`` (N,) or None where there are not
    ten, ``protocol`` (N,) names, or None."""

    crops: Crops
    pairs: NDArray[np.intp]
    same: NDArray[np.bool_]
    fold: NDArray[np.intp] | None
    protocol: NDArray[np.str_] | None


def load_crops(path: Path) -> tuple[Crops, Arrays]:
    """The crops of an ``.npz`` with ``images`` and perhaps ``names``. Raises ``InputError``."""
    arrays = Arrays(path)
    images = arrays.get("images")
    if images.dtype != object or not len(images):
        raise InputError(f"{path}: images is {images.dtype} {images.shape}", "JPEG files as bytes are needed")
    names: tuple[str, ...] = ()
    if "names" in arrays.names:
        found = arrays.get("names")
        names = tuple(
            name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in found
        )
        if len(names) != len(images):
            raise InputError(f"{path}: {len(names)} names of {len(images)} images", "each image has one")
    return Crops(path, images, names), arrays


def load_pairs(path: Path) -> PairSet:
    """The crops and pairs of an ``.npz``. Raises ``InputError`` where something is missing or does not
    fit."""
    crops, arrays = load_crops(path)
    pairs, same = arrays.get("pairs"), arrays.get("same")
    if pairs.ndim != 2 or pairs.shape[1] != 2 or not len(pairs) or pairs.dtype.kind not in "iu":
        raise InputError(f"{path}: pairs is {pairs.dtype} {pairs.shape}", "whole numbers (N, 2) are needed")
    if pairs.min() < 0 or pairs.max() >= len(crops):
        raise InputError(
            f"{path}: pairs names image {int(pairs.max())} of {len(crops)}",
            "pairs and images belong together",
        )
    count = len(pairs)
    found = _column(path, "same", same, count)
    if found.dtype.kind not in "biu" or found.all() or not found.any():
        raise InputError(
            f"{path}: same is {found.dtype}, {int(found.sum())} of {count}",
            "some pairs of each kind are needed",
        )
    fold = _column(path, "fold", arrays.get("fold"), count) if "fold" in arrays.names else None
    if fold is not None and fold.dtype.kind not in "iu":
        raise InputError(f"{path}: fold is {fold.dtype}", "whole numbers are needed")
    protocol = (
        _column(path, "protocol", arrays.get("protocol"), count) if "protocol" in arrays.names else None
    )
    ten = fold is not None and len(np.unique(fold)) == FOLDS
    return PairSet(
        crops,
        pairs.astype(np.intp),
        found.astype(bool),
        fold.astype(np.intp) if fold is not None and ten else None,
        None if protocol is None else protocol.astype(np.str_),
    )


def _column(path: Path, name: str, values: NDArray[Any], count: int) -> NDArray[Any]:
    if values.shape != (count,):
        raise InputError(f"{path}: {name} is {values.shape}, pairs has {count}", "each pair has one")
    return values
