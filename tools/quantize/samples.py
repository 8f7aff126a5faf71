"""The data that quantizing needs: inputs of the float model with labels where there are some, and which of
them calibrate and judge."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.infer.card import CHANNELS, Colour
from tools.data import Labelled, data_folder, mnist

Calibration = NDArray[np.float32]
"""Samples as the float model takes them, a sample a row: (N, …) float32, real values."""

Sample = NDArray[np.float32]
"""One of them: (…) float32."""

SETS = ("mnist-train", "mnist-test")
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How pixels become the float model's values: ``real = (pixel - mean) / std``."""

    colour: Colour = "grey"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (255.0,)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """``count`` samples, each made when it is asked for: a set as the model takes it may need more memory
    than there is (MNIST at 112x112x3 in float: 9 GB)."""

    count: int
    labels: NDArray[np.intp] | None
    """(N,) of places in the model's output."""
    origin: str
    """Where they are from, for people."""
    made: Callable[[int], Sample]
    """The sample at a place. Raises InputError where it cannot be read."""

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Sample]:
        return (self.made(place) for place in range(self.count))

    def take(self, chosen: NDArray[np.intp]) -> Samples:
        """Those of the given places."""
        labels = None if self.labels is None else self.labels[chosen]
        return Samples(len(chosen), labels, self.origin, lambda place: self.made(int(chosen[place])))

    def inputs(self) -> Calibration:
        """All at once; for as many as are known to fit into memory. Raises InputError."""
        return np.stack(list(self))


def load_samples(where: str, shape: tuple[int, ...], pixels: Normalisation) -> Samples:
    """``where``: a set by name, a folder of pictures (in folders by label, or loose), or an .npz file with
    ``inputs`` and perhaps ``labels``. ``shape``: (1, …) of the model's input.

    Raises InputError where there is nothing usable, or it does not fit the model.
    """
    place = Path(where)
    if where in SETS:
        found = _set(where, shape, pixels)
    elif place.is_dir():
        found = _folder(place, shape, pixels)
    else:
        found = _archive(place, shape)
    labels = found.labels
    if labels is not None and len(labels) != len(found):
        raise InputError(f"{where}: {len(labels)} labels for {len(found)} samples", "one each is needed")
    return found


def check_inputs(inputs: NDArray[np.generic], shape: tuple[int, ...], origin: str) -> None:
    """Raises InputError where ``inputs`` are none for a model of input ``shape``."""
    if inputs.ndim != len(shape) or inputs.shape[1:] != shape[1:]:
        raise InputError(
            f"{origin}: the samples are {inputs.shape}, the model takes {shape}", "one sample a row"
        )
    if not len(inputs):
        raise InputError(f"{origin}: is empty", "give some hundred real samples")
    if not np.isfinite(inputs).all():
        raise InputError(f"{origin}: holds what is no number", "give real samples")


def split(samples: Samples, calibrate: int, judge: int, seed: int) -> tuple[Samples, Samples]:
    """At most ``calibrate`` samples to calibrate with, as many of each label as can be, and at most ``judge``
    others, as they come; each in their order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(samples))
    others = order
    if samples.labels is not None:
        labels = samples.labels[order]
        turn = np.empty(len(order), np.intp)  # the how-many-eth of its label each one is
        for label in np.unique(labels):
            (places,) = np.nonzero(labels == label)
            turn[places] = np.arange(len(places))
        order = order[np.argsort(turn, kind="stable")]
    chosen = order[:calibrate]
    # Of the order before labels had turns: what judges is made up as the set is.
    others = others[~np.isin(others, chosen)][:judge]
    return samples.take(np.sort(chosen)), samples.take(np.sort(others))


def counts(samples: Samples) -> dict[str, int]:
    """How many samples there are of each label, or of all where there are none."""
    if samples.labels is None:
        return {"all": len(samples)}
    labels, numbers = np.unique(samples.labels, return_counts=True)
    return {str(label): int(number) for label, number in zip(labels, numbers, strict=True)}


def _set(name: str, shape: tuple[int, ...], pixels: Normalisation) -> Samples:
    height, width = _sides(shape, pixels, name)
    if height < 28 or width < 28:
        raise InputError(f"{name}: pictures of 28x28, the model takes {shape}", "give a folder of pictures")
    part: Labelled = mnist(data_folder(), "train" if name == "mnist-train" else "test")
    y, x = (height - 28) // 2, (width - 28) // 2

    def made(place: int) -> Sample:
        # As the recognizer is trained: MNIST's pictures keep their size, with a border around.
        padded = np.zeros((height, width, 1), np.uint8)
        padded[y : y + 28, x : x + 28, 0] = part.pictures[place]
        return _real(np.repeat(padded, CHANNELS[pixels.colour], axis=-1), shape, pixels)

    return Samples(len(part.pictures), part.digits.astype(np.intp), name, made)


def _folder(folder: Path, shape: tuple[int, ...], pixels: Normalisation) -> Samples:
    height, width = _sides(shape, pixels, str(folder))
    try:
        groups = sorted(path for path in folder.iterdir() if path.is_dir())
        files = [
            (label, file)
            for label, group in enumerate(groups or [folder])
            for file in sorted(group.iterdir())
            if file.suffix.lower() in PICTURES
        ]
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
    if not files:
        raise InputError(f"{folder}: no pictures in it", f"allowed: {', '.join(sorted(PICTURES))}")

    def made(place: int) -> Sample:
        image = _picture(files[place][1], pixels.colour)
        return _real(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), shape, pixels)

    labels = np.array([label for label, _ in files], np.intp) if groups else None
    return Samples(len(files), labels, str(folder), made)


def _picture(file: Path, colour: Colour) -> NDArray[np.uint8]:
    how = cv2.IMREAD_GRAYSCALE if colour == "grey" else cv2.IMREAD_COLOR
    try:
        image = cv2.imdecode(np.fromfile(file, np.uint8), how)
    except (OSError, cv2.error):  # cv2.error: the file is empty
        image = None
    if image is None:
        raise InputError(f"{file}: is no picture that can be read", "remove or mend it")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if colour == "rgb" else image, np.uint8)


def _archive(path: Path, shape: tuple[int, ...]) -> Samples:
    found = _arrays(path)
    inputs, labels = found.get("inputs"), found.get("labels")
    if not isinstance(inputs, np.ndarray):
        raise _no_archive(path, "it has no such array")
    if inputs.dtype != np.float32:
        raise InputError(
            f"{path}: inputs are {inputs.dtype}", "float32 is needed, as the float model takes them"
        )
    if labels is not None and (labels.ndim != 1 or labels.dtype.kind not in "iu"):
        raise InputError(f"{path}: labels are {labels.dtype} {labels.shape}", "whole numbers, one a sample")
    check_inputs(inputs, shape, str(path))
    places = None if labels is None else labels.astype(np.intp)
    return Samples(len(inputs), places, str(path), lambda place: np.asarray(inputs[place], np.float32))


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as stream:
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise _no_archive(path, "it is one array without a name: numpy.savez(FILE, inputs=…)")
            # A member that is no array comes as bytes.
            found = {name: archive[name] for name in ("inputs", "labels") if name in archive}
            return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _no_archive(path, str(error)) from error


def _no_archive(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is no .npz with an array `inputs` ({reason})",
        f"allowed too: a folder of pictures, {', '.join(SETS)}",
    )


def _sides(shape: tuple[int, ...], pixels: Normalisation, origin: str) -> tuple[int, int]:
    """Height and width of the pictures that fit. Raises InputError where none do."""
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise InputError(f"{origin}: pictures do not fit an input of {shape}", "give an .npz with `inputs`")
    channels = shape[3] if len(shape) == 4 else 1
    if channels != CHANNELS[pixels.colour]:
        allowed = ", ".join(colour for colour, number in CHANNELS.items() if number == channels)
        raise InputError(
            f"{origin}: {pixels.colour} pictures do not fit an input of {shape}", f"its --colour: {allowed}"
        )
    return shape[1], shape[2]


def _real(image: NDArray[np.generic], shape: tuple[int, ...], pixels: Normalisation) -> Sample:
    mean, std = np.array(pixels.mean, np.float32), np.array(pixels.std, np.float32)
    values = np.atleast_3d(image).astype(np.float32)
    return np.asarray((values - mean) / std, np.float32).reshape(shape[1:])
