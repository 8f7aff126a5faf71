"""Which pictures the detector learns from, and the cache in which they lie with their labels.

The cache is two files for each source, outside the repository: ``NAME.bin``, the pixels of its pictures one
after the other (uint8 BGR, as large as they are of use), and ``NAME.npz``, what is known of each.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.records import Image
from tools.train_faces.sources import SOURCES, Source


@dataclass(frozen=True, slots=True)
class Pool:
    """How the pictures of a source are used. ``name``: of its files in the cache.

    ``side``: the longer side that is kept at most. ``looks``: longer sides at which the labelling detector
    looks. ``most``: how many pictures are taken. ``kind``: many faces in the ``wild``, one that was ``cut``
    out, or ``none`` at all. ``without``: folders that are left out.
    """

    name: str
    source: Source
    kind: str
    side: int
    looks: tuple[int, ...]
    most: int = 10_000
    without: tuple[str, ...] = ()


def _known(repository: str) -> Source:
    return next(source for source in SOURCES if source.repository == repository)


def _nobody(_path: PurePosixPath) -> str:
    return ""


ILC = "jolignier/face-mask-dataset-ilc-2021"
ILC_NOTES, ILC_PICTURES = "annotations", "JPEGImages"
VIDEO = "udacity/P1_Facial_Keypoints"

POOLS = (
    Pool("ilc", _known(ILC), "wild", 640, (320, 640, 1120)),
    Pool(
        "crowds",
        Source("KaranFriends/Mask-Dataset", "trainingimages", _nobody, "not stated"),
        "wild",
        800,
        (320, 1120),
    ),
    Pool(
        "things",
        Source(
            "MachineLearning2020/Homework2-Caltech101",
            "101_ObjectCategories",
            _nobody,
            "Caltech 101: CC BY 4.0",
        ),
        "none",
        300,
        (320,),
        without=("Faces", "Faces_easy", "buddha", "dollar_bill"),
    ),
    Pool(
        "pets",
        Source("ardamavi/Dog-Cat-Classifier", "Data/Train_Data", _nobody, "Apache-2.0"),
        "none",
        360,
        (320,),
    ),
    Pool(
        "breeds",
        Source("chanakya2734/Image-classification-using-CNN", "dataset", _nobody, "not stated"),
        "none",
        300,
        (320,),
        most=5000,
    ),
    Pool(
        "monkeys",
        Source("nikhildutta333/Monkey-Species-Classification", "training", _nobody, "not stated"),
        "none",
        300,
        (320,),
    ),
    Pool(
        "hands",
        Source("ardamavi/Sign-Language-Digits-Dataset", "Dataset", _nobody, "Apache-2.0"),
        "none",
        100,
        (320,),
    ),
    Pool("celebrities", _known("matush97/faceRecognition"), "wild", 384, (384,)),
    Pool("masks", _known("chandrikadeb7/Face-Mask-Detection"), "cut", 288, (288,)),
    Pool("ages", _known("xerow03/UTKFace"), "cut", 200, (160,), most=5000),
    Pool("video", _known(VIDEO), "cut", 256, (192,), most=4000),
    Pool("masked", _known("KaranFriends/Mask-Dataset"), "cut", 224, (160,), most=1500),
    Pool(
        "scenes",
        Source("BIDS/BSDS500", "BSDS500/data/images", _nobody, "BSDS: research"),
        "wild",
        480,
        (320, 640),
    ),
)


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The N faces of one picture: ``boxes`` (N, 4) float32 x, y, w, h; ``points`` (N, 5, 2) float32, image
    left to right, NaN where nobody knows them; ``masked`` (N,); ``ignore`` (N,): neither a face nor none."""

    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    masked: NDArray[np.bool_]
    ignore: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.boxes)

    def scaled(self, by: float) -> Faces:
        """The same in a picture of another size."""
        return Faces(self.boxes * np.float32(by), self.points * np.float32(by), self.masked, self.ignore)

    @staticmethod
    def none() -> Faces:
        """No face at all."""
        empty = np.zeros(0, np.bool_)
        return Faces(np.zeros((0, 4), np.float32), np.zeros((0, 5, 2), np.float32), empty, empty)


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """The cached pictures of one pool. ``pixels``: of all in a row; ``starts`` (N,); ``sizes`` (N, 2): height
    and width; and the faces of each."""

    pool: Pool
    pixels: NDArray[np.uint8]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    faces: list[Faces]

    def __len__(self) -> int:
        return len(self.faces)

    def take(self, which: Sequence[int]) -> Material:
        """Some of the pictures."""
        chosen = list(which)
        return Material(
            self.pool, self.pixels, self.starts[chosen], self.sizes[chosen], [self.faces[n] for n in chosen]
        )

    def picture(self, place: int) -> Image:
        """(H, W, 3) BGR, a view of the cache."""
        height, width = self.sizes[place]
        start = int(self.starts[place])
        return self.pixels[start : start + height * width * 3].reshape(height, width, 3)


class Writer:
    """Fills the cache of one pool picture by picture; ``close`` makes it whole."""

    def __init__(self, cache: Path, pool: Pool) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        self._known = cache / f"{pool.name}.npz"
        self._known.unlink(missing_ok=True)  # until it is whole again there is none
        self._pixels = (cache / f"{pool.name}.bin").open("wb")
        self._rows: list[tuple[int, int, int]] = []
        self._faces: list[Faces] = []

    def add(self, image: Image, faces: Faces) -> None:
        """``image`` (H, W, 3) BGR with its faces."""
        self._rows.append((self._pixels.tell(), image.shape[0], image.shape[1]))
        self._pixels.write(np.ascontiguousarray(image).tobytes())
        self._faces.append(faces)

    def __len__(self) -> int:
        return len(self._faces)

    def close(self) -> None:
        """Writes what is known of the pictures; of none nothing is left, and they are looked for again."""
        self._pixels.close()
        if not self._rows:
            Path(self._pixels.name).unlink()
            return
        faces = [Faces.none(), *self._faces]
        partial = self._known.with_suffix(".partial.npz")
        np.savez(
            partial,
            rows=np.array(self._rows, np.int64).reshape(-1, 3),
            counts=np.array([len(some) for some in self._faces], np.int64),
            boxes=np.concatenate([some.boxes for some in faces]),
            points=np.concatenate([some.points for some in faces]),
            masked=np.concatenate([some.masked for some in faces]),
            ignore=np.concatenate([some.ignore for some in faces]),
        )
        partial.replace(self._known)


def load(cache: Path, pools: Sequence[Pool] = POOLS) -> list[Material]:
    """The cached pictures of each pool that is there. Raises InputError where none is, or one is damaged."""
    found = [_load(cache, pool) for pool in pools if (cache / f"{pool.name}.npz").exists()]
    if not any(len(material) for material in found):
        raise InputError(f"no pictures in {cache}", "make them: train_faces labels")
    return found


def _load(cache: Path, pool: Pool) -> Material:
    file = cache / f"{pool.name}.npz"
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as known:
            rows, counts = known["rows"], known["counts"]
            arrays = [known[name] for name in ("boxes", "points", "masked", "ignore")]
        pixels = np.memmap(cache / f"{pool.name}.bin", np.uint8, "r")
        ends = np.cumsum(counts)
        if not len(rows) or len(pixels) < int(rows[-1, 0] + 3 * rows[-1, 1] * rows[-1, 2]):
            raise ValueError("it holds fewer pictures than it should")
        if len(counts) != len(rows) or any(len(array) != ends[-1] for array in arrays):
            raise ValueError("its parts do not fit each other")
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{file} is damaged ({error})", "delete it and call train_faces labels again"
        ) from error
    parts = [np.split(array, ends[:-1]) for array in arrays]
    return Material(
        pool, pixels, rows[:, 0], rows[:, 1:], [Faces(*some) for some in zip(*parts, strict=True)]
    )
