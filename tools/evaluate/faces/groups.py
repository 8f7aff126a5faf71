"""``faces-groups``: whether the models treat groups of people alike, as far as faces without names can tell.

Of each group: how many of its faces are found, how many of those are good enough to be named, and how often
two of its faces, which are two people's, are taken for one at the card's threshold. How often somebody is not
known again cannot be told without several pictures of each person.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.errors import InputError, ModelError
from edge.recognize.faces.calibration import Calibration
from edge.recognize.faces.embedder import Embedder, FaceNetwork
from edge.recognize.faces.quality import Gates
from edge.recognize.faces.settings import FacesSettings
from edge.recognize.faces.similarity import Vectors
from edge.records import Image
from tools.evaluate.faces.clips import LEAST_SCORE, largest
from tools.evaluate.faces.embedding import load_embedder
from tools.evaluate.faces.finders import Finder, our_finder
from tools.evaluate.faces.models import add_models
from tools.evaluate.faces.npz import Arrays
from tools.evaluate.faces.pairs import Crops, load_crops

SUMMARY = "whether groups of people are found, and told apart, alike"
AGES = (13, 20, 40, 60)
"""Years at which a new band of age begins."""
ADULT = 20
LABELS: Mapping[str, Mapping[int, str]] = {
    "gender": {0: "male", 1: "female"},
    "race": {0: "White", 1: "Black", 2: "Asian", 3: "Indian", 4: "other"},
}
"""What UTKFace means by its numbers; how it sees people, not how they do."""
BORDER = 28
"""Pixels of black around a crop of 112, which else has no room for a detector to see a face in."""
FEWEST = 30
"""Faces of a group, below which nothing is told of it."""
RATES = (100, 1000)
BOOTSTRAPS = 200

Similarity = Callable[[Vectors, Vectors], Vectors]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The faces of a set: which are ``found`` (N,), which of these are ``good`` enough to be named (N,),
    their embeddings (G, D), and their ``quality`` (N,), 0 where there is none."""

    found: NDArray[np.bool_]
    good: NDArray[np.bool_]
    vectors: NDArray[np.float32]
    quality: NDArray[np.float32]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set and models."""
    parser.add_argument(
        "--set",
        type=Path,
        required=True,
        metavar="FILE",
        help=".npz of images with age, gender, race or some of them",
    )
    add_models(parser)


def main(arguments: argparse.Namespace) -> int:
    """Prints the table or the object; 0 whatever the figures are."""
    crops, arrays = load_crops(arguments.set)
    groups = groups_of(arrays, len(crops))
    embedder = load_embedder(arguments.model)
    thresholds = thresholds_of(embedder)
    seen = looked_at(crops, our_finder(arguments.detector, arguments.size), embedder)
    record = {"model": embedder.maker.name, **figures(seen, groups, embedder.similarity, thresholds)}
    if arguments.json:
        print(json.dumps(record))
    else:
        _show(record)
    return 0


def groups_of(arrays: Arrays, count: int) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Which faces (N,) belong to which group, by kind of group; of gender and race adults only. Raises
    ``InputError`` where there is none."""
    groups: dict[str, dict[str, NDArray[np.bool_]]] = {}
    for kind in ("gender", "age", "race"):
        if kind not in arrays.names:
            continue
        values = arrays.get(kind)
        if values.shape != (count,) or values.dtype.kind not in "iu":
            raise InputError(
                f"{arrays.path}: {kind} is {values.dtype} {values.shape}", "each image has a number"
            )
        if kind == "age":
            bands = np.digitize(values, AGES)
            later = (f"{low} to {high - 1}" for low, high in pairwise(AGES))
            names = [f"under {AGES[0]}", *later, f"from {AGES[-1]}"]
            groups[kind] = {name: bands == band for band, name in enumerate(names)}
        else:
            groups[kind] = {
                LABELS[kind].get(int(value), str(int(value))): values == value
                for value in np.unique(values)[:20]
            }
    if "age" in groups:
        # Children are much alike: what is told of the others would be what share of a group are children.
        grown = np.asarray(arrays.get("age") >= ADULT)
        for kind in set(groups) - {"age"}:
            groups[kind] = {f"{name}, from {ADULT}": chosen & grown for name, chosen in groups[kind].items()}
    if not groups:
        raise InputError(
            f"{arrays.path}: has neither gender, age nor race", "there is nothing to tell groups by"
        )
    return groups


def thresholds_of(embedder: Embedder) -> dict[int, float]:
    """The card's similarities that one in so many strangers reaches. Raises ``ModelError`` where it has
    none."""
    network = embedder.network
    if not isinstance(network, FaceNetwork):
        raise ModelError("the model is no face embedder")
    calibration = Calibration(network)
    return {rate: calibration.threshold(rate) for rate in RATES}


def looked_at(crops: Crops, finder: Finder, embedder: Embedder) -> Seen:
    """Every crop, as the recognizer looks at a face."""
    gates = Gates(FacesSettings())
    found, good = np.zeros(len(crops), bool), np.zeros(len(crops), bool)
    quality = np.zeros(len(crops), np.float32)
    vectors = []
    for place in track(range(len(crops)), "faces", console=Console(stderr=True), transient=True):
        image = _bordered(crops.image(place))
        seen = finder.find(image)
        sure = seen.scores >= LEAST_SCORE
        face = largest(seen.boxes[sure])
        if face is None:
            continue
        found[place] = True
        landmarks = seen.landmarks[sure][face]
        try:
            measured = gates.measure(image, landmarks)
        except ValueError:
            continue
        quality[place] = measured.total
        if gates.refusal(measured) is None:
            good[place] = True
            vectors.append(embedder.embed(image, landmarks))
    size = embedder.maker.size
    return Seen(found, good, np.array(vectors, np.float32).reshape(-1, size), quality)


def _bordered(image: Image) -> Image:
    return np.asarray(cv2.copyMakeBorder(image, *(BORDER,) * 4, cv2.BORDER_CONSTANT), np.uint8)


def figures(
    seen: Seen,
    groups: Mapping[str, Mapping[str, NDArray[np.bool_]]],
    similarity: Similarity,
    thresholds: Mapping[int, float],
) -> dict[str, Any]:
    """Of all, and of each group of at least ``FEWEST`` faces: shares 0..1 with what the bootstrap over faces
    says of nine of ten draws."""
    everybody = np.ones(len(seen.found), bool)
    parts = {"all": {"all": everybody}, **groups}
    return {
        kind: {
            name: _group(seen, chosen, similarity, thresholds)
            for name, chosen in some.items()
            if chosen.sum() >= FEWEST
        }
        for kind, some in parts.items()
    }


def _group(
    seen: Seen, chosen: NDArray[np.bool_], similarity: Similarity, thresholds: Mapping[int, float]
) -> dict[str, Any]:
    vectors = seen.vectors[chosen[seen.good]]
    alike = similarity(vectors, vectors)
    upper = np.triu(np.ones(alike.shape, bool), 1)
    return {
        "n": int(chosen.sum()),
        "found": float(seen.found[chosen].mean()),
        "good": float(seen.good[chosen].mean()),
        "quality": float(seen.quality[chosen & seen.found].mean()) if (chosen & seen.found).any() else None,
        "pairs": int(upper.sum()),
        "false_match": {
            str(rate): {
                "share": float((alike >= threshold)[upper].mean()) if upper.any() else None,
                "interval": _interval(alike >= threshold) if len(vectors) > 1 else None,
            }
            for rate, threshold in thresholds.items()
        },
    }


def _interval(matches: NDArray[np.bool_], seed: int = 1) -> tuple[float, float]:
    """Where the share of ``matches`` (N, N) off the diagonal lies in nine of ten draws of faces."""
    generator = np.random.default_rng(seed)
    off = matches & ~np.eye(len(matches), dtype=bool)
    drawn = []
    for _ in range(BOOTSTRAPS):
        weights = np.bincount(generator.integers(0, len(off), len(off)), minlength=len(off)).astype(
            np.float64
        )
        pairs = weights.sum() ** 2 - (weights**2).sum()
        drawn.append(float(weights @ off @ weights / pairs))
    low, high = np.quantile(drawn, (0.05, 0.95))
    return float(low), float(high)


def _show(record: Mapping[str, Any]) -> None:
    console = Console()
    console.width = max(console.width, 120)
    table = Table(title=f"{record['model']}: faces of groups")
    heads = (
        "",
        "group",
        "faces",
        "found",
        "good enough",
        "quality",
        *(f"taken for one, 1 in {rate}" for rate in RATES),
    )
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place > 1 else "left", no_wrap=True)
    for kind, groups in record.items():
        for name, one in groups.items() if isinstance(groups, dict) else ():
            matches = [_match(found) for found in one["false_match"].values()]
            quality = "" if one["quality"] is None else f"{one['quality']:.2f}"
            table.add_row(
                kind, name, str(one["n"]), f"{one['found']:.1%}", f"{one['good']:.1%}", quality, *matches
            )
    console.print(table)
    console.print(
        "taken for one: share of the pairs of two faces of the group, single pictures; nine of ten draws"
    )


def _match(found: Mapping[str, Any]) -> str:
    if found["share"] is None or found["interval"] is None:
        return ""
    low, high = found["interval"]
    return f"{found['share']:.2%} ({low:.2%} to {high:.2%})"
