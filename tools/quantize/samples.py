"""The data that quantizing needs: inputs of the float model with labels where there are some, and which of
them calibrate."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.infer.card import Colour
from tools.data import Labelled, data_folder, mnist

Calibration = NDArray[np.float32]
"""Samples as the float model takes them, a sample a row: (N, …) float32, real values."""

SETS = ("mnist-train", "mnist-test")
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
MOST = 20_000
"""Pictures read of a folder at most; more tell nothing new and fill the memory."""


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How pixels become the float model's values: ``real = (pixel - mean) / std``."""

    colour: Colour = "grey"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (255.0,)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """``inputs`` (N, …) float32; ``labels`` (N,) of places in the model's output, or None."""

    inputs: Calibration
    labels: NDArray[np.intp] | None
    origin: str
    """Where they are from, for people."""

    def take(self, chosen: NDArray[np.intp]) -> Samples:
        """Those of the given places."""
        labels = None if self.labels is None else self.labels[chosen]
        return Samples(self.inputs[chosen], labels, self.origin)


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
        found = _archive(place)
    return checked(found, shape)


def checked(samples: Samples, shape: tuple[int, ...]) -> Samples:
    """``samples``, when they fit a model of input ``shape``. Raises InputError."""
    inputs, labels = samples.inputs, samples.labels
    if inputs.ndim != len(shape) or inputs.shape[1:] != shape[1:]:
        raise InputError(
            f"{samples.origin}: the samples are {inputs.shape}, the model takes {shape}", "one sample a row"
        )
    if not len(inputs):
        raise InputError(f"{samples.origin}: is empty", "give some hundred real samples")
    if not np.isfinite(inputs).all():
        raise InputError(f"{samples.origin}: holds what is no number", "give real samples")
    if labels is not None and len(labels) != len(inputs):
        raise InputError(
            f"{samples.origin}: {len(labels)} labels for {len(inputs)} samples", "one each is needed"
        )
    return samples


def split(samples: Samples, count: int, seed: int) -> tuple[Samples, Samples]:
    """``count`` samples to calibrate with, as many of each label as can be, and the others in their order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(samples.inputs))
    if samples.labels is not None:
        labels = samples.labels[order]
        turn = np.empty(len(order), np.intp)  # the how-many-eth of its label each one is
        for label in np.unique(labels):
            (places,) = np.nonzero(labels == label)
            turn[places] = np.arange(len(places))
        order = order[np.argsort(turn, kind="stable")]
    chosen = order[:count]
    return samples.take(np.sort(chosen)), samples.take(np.sort(order[count:]))


def counts(samples: Samples) -> dict[str, int]:
    """How many samples there are of each label, or of all where there are none."""
    if samples.labels is None:
        return {"all": len(samples.inputs)}
    labels, numbers = np.unique(samples.labels, return_counts=True)
    return {str(label): int(number) for label, number in zip(labels, numbers, strict=True)}


def _set(name: str, shape: tuple[int, ...], pixels: Normalisation) -> Samples:
    part: Labelled = mnist(data_folder(), "train" if name == "mnist-train" else "test")
    height, width = _sides(shape, name)
    if height < 28 or width < 28:
        raise InputError(f"{name}: pictures of 28x28, the model takes {shape}", "give a folder of pictures")
    # As the recognizer is trained: MNIST's pictures keep their size, with a border around.
    padded = np.zeros((len(part.pictures), height, width), np.uint8)
    y, x = (height - 28) // 2, (width - 28) // 2
    padded[:, y : y + 28, x : x + 28] = part.pictures
    channels = 1 if pixels.colour == "grey" else 3
    images = np.repeat(padded[..., None], channels, axis=-1)
    return Samples(_real(images, pixels).reshape(-1, *shape[1:]), part.digits.astype(np.intp), name)


def _folder(folder: Path, shape: tuple[int, ...], pixels: Normalisation) -> Samples:
    height, width = _sides(shape, str(folder))
    groups = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [
        (label, file)
        for label, group in enumerate(groups or [folder])
        for file in sorted(group.iterdir())
        if file.suffix.lower() in PICTURES
    ][:MOST]
    if not files:
        raise InputError(f"{folder}: no pictures in it", f"allowed: {', '.join(sorted(PICTURES))}")
    how = cv2.IMREAD_GRAYSCALE if pixels.colour == "grey" else cv2.IMREAD_COLOR
    images = []
    for _, file in files:
        image = cv2.imdecode(np.fromfile(file, np.uint8), how) if file.stat().st_size else None
        if image is None:
            raise InputError(f"{file}: is no picture that can be read", "remove or mend it")
        if pixels.colour == "rgb":
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        images.append(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    stack = np.stack(images).reshape(len(images), height, width, -1)
    labels = np.array([label for label, _ in files], np.intp) if groups else None
    return Samples(_real(np.asarray(stack, np.uint8), pixels).reshape(-1, *shape[1:]), labels, str(folder))


def _archive(path: Path) -> Samples:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            inputs = archive["inputs"]
            labels = archive.get("labels")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no .npz with an array `inputs` ({error})",
            f"allowed too: a folder of pictures, {', '.join(SETS)}",
        ) from error
    if inputs.dtype != np.float32:
        raise InputError(
            f"{path}: inputs are {inputs.dtype}", "float32 is needed, as the float model takes them"
        )
    if labels is not None and (labels.ndim != 1 or labels.dtype.kind not in "iu"):
        raise InputError(f"{path}: labels are {labels.dtype} {labels.shape}", "whole numbers, one a sample")
    return Samples(
        np.asarray(inputs, np.float32), None if labels is None else labels.astype(np.intp), str(path)
    )


def _sides(shape: tuple[int, ...], origin: str) -> tuple[int, int]:
    if len(shape) not in (3, 4) or (len(shape) == 4 and shape[3] not in (1, 3)):
        raise InputError(f"{origin}: pictures do not fit an input of {shape}", "give an .npz with `inputs`")
    return shape[1], shape[2]


def _real(images: NDArray[np.uint8], pixels: Normalisation) -> Calibration:
    mean, std = np.array(pixels.mean, np.float32), np.array(pixels.std, np.float32)
    return np.asarray((images.astype(np.float32) - mean) / std, np.float32)
