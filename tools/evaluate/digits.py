"""``digits``: naming single digits of sets never trained on, with calibration and a confusion matrix.

MNIST's 28x28 pictures get two black pixels on every side. Semeion's and Optdigits' are scaled so that the
digit fills 20 of 32 pixels, as proposals in photographs are. Type and displays are drawn as such proposals:
sharp, or as photographed. A rejected digit is an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.errors import UnavailableError
from edge.infer.settings import InferSettings
from edge.recognize.descriptor import Network
from edge.recognize.digits.crop import cut
from edge.records import Box, Image
from tools.data import Labelled, data_folder, mnist, optdigits, semeion
from tools.evaluate.digit_network import load_digits
from tools.evaluate.error_sheet import whole_tile, write_sheet
from tools.evaluate.peers import load_peers
from tools.evaluate.plots import write_confusion, write_reliability

SUMMARY = "single digits of a set named"
PUBLIC: Mapping[str, Callable[[Path], Labelled]] = {
    "mnist": lambda root: mnist(root, "test"),
    "semeion": semeion,
    "optdigits": optdigits,
}
KEPT_OUT = {
    "type": ("type", "clean"),
    "type-photographed": ("type", "photographed"),
    "displays": ("displays", "clean"),
    "displays-photographed": ("displays", "photographed"),
}
"""Sets that are drawn, of families of type and builds of displays that nothing was trained on: what, how."""
DIGITS = tuple("0123456789")
BINS = 15
"""Equal bins of the score for the expected calibration error (Guo et al. 2017, arXiv 1706.04599)."""


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """What a network said: ``read`` (N,) place of the likeliest label, ``scores`` (N,) its probability,
    ``true`` (N,) the digit, ``labels`` of the network."""

    read: NDArray[np.intp]
    scores: NDArray[np.float32]
    true: NDArray[np.uint8]
    labels: tuple[str, ...]

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,): whether the likeliest label is the digit."""
        return np.asarray(np.array(self.labels)[self.read] == self.true.astype("U1"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set, data, model, the sheet."""
    parser.add_argument(
        "--set",
        choices=(*PUBLIC, *KEPT_OUT),
        required=True,
        help="test set; type and displays are drawn here, from kept-out families among the installed fonts",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder that holds digits/ (default: $EDGE_SHARED/data, else shared/data beside the checkout)",
    )
    parser.add_argument(
        "--model", default="digits-cnn", metavar="NAME|DIR", help="model to judge (digits-cnn)"
    )
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="also judge the public MNIST nets of a folder"
    )
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write all mistakes to a PNG")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write confusion matrix and reliability diagram as PNG"
    )


def main(arguments: argparse.Namespace) -> int:
    """Prints the tables or the object; 0 whatever the figures are."""
    network = load_digits(arguments.model, InferSettings(threads=1))
    if arguments.set in PUBLIC:
        data = PUBLIC[arguments.set](data_folder(arguments.data))
    else:
        data = _kept_out(*KEPT_OUT[arguments.set])
    prepare = prepared if arguments.set in PUBLIC else resized
    pictures = prepare(data.pictures, network.input_size)
    named = name_all(pictures, data.digits, network)
    if arguments.sheet:
        write_sheet(arguments.sheet, _tiles(pictures, named))
    figures = {"set": arguments.set, **record(named), "model": arguments.model}
    if arguments.plots:
        write_confusion(
            arguments.plots / f"confusion-{arguments.set}.png", confusion(named), DIGITS, named.labels
        )
        write_reliability(
            arguments.plots / f"reliability-{arguments.set}.png", named.scores, named.right, figures["ece"]
        )
    peers = {
        name: record(name_all(prepare(data.pictures, peer.input_size), data.digits, peer))
        for name, peer in (load_peers(arguments.peers) if arguments.peers else {}).items()
    }
    if arguments.json:
        print(json.dumps({**figures, **({"peers": peers} if peers else {})}))
    else:
        _show(figures, named, peers)
    return 0


def record(named: Named) -> dict[str, Any]:
    """The figures of one network; a rejected digit is an error."""
    return {
        "accuracy": float(named.right.mean()),
        "n": len(named.right),
        "errors": int((~named.right).sum()),
        "ece": calibration_error(named.scores, named.right),
    }


def prepared(pictures: Image, size: tuple[int, int]) -> Image:
    """Pictures (N, H, W), ink bright on 0, as the network takes them: (N, height, width).

    28x28 is padded to the size where that is larger, all else is cut as in photographs.
    """
    width, height = size
    out = np.zeros((len(pictures), height, width), np.uint8)
    if pictures.shape[1:] == (28, 28) and min(size) >= 28:
        x, y = (width - 28) // 2, (height - 28) // 2
        out[:, y : y + 28, x : x + 28] = pictures
        return out
    for picture, crop in zip(pictures, out, strict=True):
        box = Box(*(float(value) for value in cv2.boundingRect(picture)))
        margin = max(picture.shape)
        cut(
            np.pad(picture, margin),
            Box(box.x + margin, box.y + margin, box.w, box.h),
            dark_ink=False,
            out=crop,
        )
    return out


def resized(crops: Image, size: tuple[int, int]) -> Image:
    """Crops (N, H, W), cut as in photographs already, as the network takes them: (N, height, width)."""
    if crops.shape[1:] == size[::-1]:
        return crops
    return np.stack([np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA)) for crop in crops])


def name_all(pictures: Image, true: NDArray[np.uint8], network: Network) -> Named:
    """Every picture (N, H, W) through ``network``."""
    shown = track(
        pictures, "digits", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    scores = np.array([network.run(picture)["scores"] for picture in shown])
    return Named(scores.argmax(axis=1), scores.max(axis=1), true, network.labels)


def _kept_out(what: str, how: str) -> Labelled:
    """Crops (N, 32, 32) of kept-out type or displays. Raises ``UnavailableError`` where no font is there."""
    from tools.train_digits.kept_out import kept_out  # noqa: PLC0415 - draws with Pillow, needed only here

    for name, labelled in kept_out().items():
        if name.startswith(what) and name.endswith(how):
            return labelled
    raise UnavailableError(
        "no font of the kept-out families is installed", "tools/environment fonts installs them"
    )


def calibration_error(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error: how far score and share of right ones differ, weighted over ``BINS``."""
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    gaps = np.abs(np.bincount(places, scores, BINS) - np.bincount(places, right, BINS))
    return float(gaps.sum() / max(counts.sum(), 1))


def confusion(named: Named) -> NDArray[np.int64]:
    """(10, labels): how often each digit was read as each label."""
    counts = np.zeros((len(DIGITS), len(named.labels)), np.int64)
    np.add.at(counts, (named.true, named.read), 1)
    return counts


def _tiles(pictures: Image, named: Named) -> list[Image]:
    tiles = []
    for index in np.flatnonzero(~named.right):
        image = np.asarray(cv2.cvtColor(255 - pictures[index], cv2.COLOR_GRAY2BGR), np.uint8)
        caption = f"{named.true[index]} > {named.labels[named.read[index]]} ({named.scores[index]:.2f})"
        tiles.append(whole_tile(image, (caption, f"number {index}")))
    return tiles


def _show(figures: dict[str, Any], named: Named, peers: Mapping[str, dict[str, Any]]) -> None:
    console = Console()
    table = Table(title=f"{figures['model']} on {figures['set']}: true digit down, read across")
    table.add_column("")
    for label in named.labels:
        table.add_column(label, justify="right")
    for digit, counts in zip(DIGITS, confusion(named), strict=True):
        table.add_row(digit, *(str(count) if count else "·" for count in counts))
    console.print(table)
    for name, some in {figures["model"]: figures, **peers}.items():
        console.print(
            f"{name}: {some['accuracy']:.2%} of {some['n']}, {some['errors']} errors, "
            f"expected calibration error {some['ece']:.3f}"
        )
