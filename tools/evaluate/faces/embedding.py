"""Embeddings of whole sets, by any embedder with a card: the crops, then one matrix product."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from edge.errors import InputError, ModelError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import find
from edge.recognize.faces.embedder import Embedder
from edge.records import Image
from tools.evaluate.faces.pairs import POINTS, Crops

FLOAT = "float.tflite"
ROUNDS = 30
"""Embeddings of which the time is the median; the models take turns, so that a busy machine is busy for
all."""


def load_embedder(name: str, threads: int = 1) -> Embedder:
    """The embedder of a model's name or folder. Raises ``ModelError`` where it is none."""
    return Embedder(Model.load(name, InferSettings(threads=threads)))


def float_beside(name: str, threads: int = 1) -> Embedder | None:
    """The embedder before it was quantized, where ``float.tflite`` lies beside the card; else None.

    It has the card's crop, colours and distance, and its own bytes.
    """
    folder = find(name, InferSettings())
    if not (folder / FLOAT).is_file():
        return None
    card = load_card(folder)
    found = hashlib.sha256((folder / FLOAT).read_bytes()).hexdigest()
    variant = card.variants[0].model_copy(update={"file": FLOAT, "sha256": found})
    if card.variants[0].file == FLOAT:
        return None
    whole = card.model_copy(update={"variants": (variant,), "golden": None})
    return Embedder(Model(folder, whole, InferSettings(threads=threads)))


def peers_by_card(folder: Path) -> dict[str, Embedder]:
    """Every face embedder with a card in ``folder`` or below, by the card's name.

    One that does not load is told on standard error and left out. Raises ``InputError`` where there is none.
    """
    found: dict[str, Embedder] = {}
    for card in sorted(folder.rglob("card.yaml")):
        try:
            if load_card(card.parent).task != "face-embedder":
                continue
            embedder = load_embedder(f"{card.parent.absolute()}")
        except ModelError as error:
            print(f"evaluate: {error}; left out", file=sys.stderr)
            continue
        found[embedder.maker.name] = embedder
    if not found:
        raise InputError(
            f"no face embedder with a card in {folder}",
            "put each model into a folder with its card: config/examples/cards has those of public ones",
        )
    return found


def embedded(crops: Crops, embedder: Embedder, wanted: Sequence[int] | None = None) -> NDArray[np.float32]:
    """The embeddings (N, D) of the crops, or of the ``wanted`` ones; a bar on standard error shows how
    far."""
    places = range(len(crops)) if wanted is None else wanted
    return of_images(crops.image, places, embedder)


def of_images(
    image: Callable[[int], Image], places: Sequence[int], embedder: Embedder
) -> NDArray[np.float32]:
    """The embeddings (N, D) of aligned crops of 112x112, given one by one."""
    console = Console(stderr=True)
    shown = track(
        places, embedder.maker.name, console=console, transient=True, disable=not sys.stderr.isatty()
    )
    return np.stack([embedder.embed(image(place), POINTS) for place in shown])


def alike(vectors: NDArray[np.float32], pairs: NDArray[np.intp], embedder: Embedder) -> NDArray[np.float32]:
    """The similarity (N,) of each of the ``pairs`` (N, 2) of ``vectors``."""
    some = [
        np.diagonal(embedder.similarity(vectors[part[:, 0]], vectors[part[:, 1]]))
        for part in np.array_split(pairs, max(len(pairs) // 256, 1))
    ]
    return np.concatenate(some).astype(np.float32)


def times(image: Image, embedders: Mapping[str, Embedder]) -> tuple[dict[str, float], dict[str, float]]:
    """Milliseconds of the processor for one embedding of ``image`` by each, cut included; and how much longer
    the first takes than each other, the median of ratios within a round."""
    taken: dict[str, list[float]] = {name: [] for name in embedders}
    for _ in range(ROUNDS):
        for name, embedder in embedders.items():
            begun = time.process_time()
            embedder.embed(image, POINTS)
            taken[name].append((time.process_time() - begun) * 1e3)
    first, *others = taken
    ratios = {name: float(np.median(np.divide(taken[first], taken[name]))) for name in others}
    return {name: float(np.median(some)) for name, some in taken.items()}, ratios
