"""``faces-verify``: whether two crops show one person, by the protocol of the set.

Crops are 112x112, aligned by five points. With ten folds each is judged at the threshold that is best on the
others (LFW); else at the best threshold of each protocol, or at ``--threshold``.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edge.errors import UsageError
from edge.recognize.faces.embedder import Embedder
from edge.records import Image
from tools.evaluate.error_sheet import write_sheet
from tools.evaluate.faces.embedding import (
    alike,
    embedded,
    float_beside,
    load_embedder,
    peers_by_card,
    times,
)
from tools.evaluate.faces.pairs import PairSet, load_pairs
from tools.evaluate.faces.plots import write_roc
from tools.evaluate.faces.sheets import pair_tile
from tools.evaluate.faces.verify_figures import figures, roc

SUMMARY = "faces told apart: pairs of crops that show one person or two"
SHOWN = 60
"""Confusions on a sheet, the worst of each kind."""

LEAST_WIDTH = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set, model, peers, threshold, plots and sheet."""
    parser.add_argument(
        "--set",
        type=Path,
        required=True,
        metavar="FILE",
        help=".npz of crops and pairs (docs/faces-figures.md)",
    )
    parser.add_argument(
        "--model", default="face-embedder", metavar="NAME|DIR", help="model to judge (face-embedder)"
    )
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="also judge the face embedders with a card in a folder"
    )
    parser.add_argument(
        "--threshold", type=float, metavar="S", help="judge at this similarity of --model, not at the best"
    )
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write the ROC curves as PNG")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="write the worst confusions to a PNG")


def main(arguments: argparse.Namespace) -> int:
    """Prints the table or the object; 0 whatever the figures are."""
    if arguments.threshold is not None and not math.isfinite(arguments.threshold):
        raise UsageError("--threshold is no number", "give a similarity, as faces-calibrate prints them")
    pairs = load_pairs(arguments.set)
    embedders = {"": load_embedder(arguments.model)}
    unquantized = float_beside(arguments.model)
    if unquantized is not None:
        embedders["float"] = unquantized
    if arguments.peers:
        ours = embedders[""].maker.sha256
        peers = peers_by_card(arguments.peers)
        embedders |= {name: peer for name, peer in peers.items() if peer.maker.sha256 != ours}
    found = {name: similarities(pairs, embedder) for name, embedder in embedders.items()}
    records = {
        name: record(pairs, some, arguments.threshold if name in ("", "float") else None)
        for name, some in found.items()
    }
    ms, ratios = times(pairs.crops.image(0), embedders)
    for name, one in records.items():
        one["ms"] = ms[name]
        if name:
            one["ms_ratio"] = 1 / ratios[name]
    first = {"model": embedders[""].maker.name, **records.pop("")}
    if arguments.plots:
        curves = {name or embedders[""].maker.name: some for name, some in found.items()}
        for protocol, chosen in _protocols(pairs).items():
            file = arguments.plots / f"roc-{arguments.set.stem}{'-' + protocol if protocol else ''}.png"
            write_roc(
                file, {name: roc(some[chosen], pairs.same[chosen]) for name, some in curves.items()}, protocol
            )
    if arguments.sheet:
        write_sheet(arguments.sheet, worst(pairs, found[""], first["threshold"]))
    beside = {"float": records.pop("float")} if "float" in records else {}
    if records:
        beside["peers"] = records
    if arguments.json:
        print(json.dumps({**first, **beside}))
    else:
        _show(arguments.set, first, beside)
    return 0


def similarities(pairs: PairSet, embedder: Embedder) -> NDArray[np.float32]:
    """How alike the two crops of each pair are, (N,)."""
    used = np.unique(pairs.pairs)
    vectors = embedded(pairs.crops, embedder, used.tolist())
    return alike(vectors, np.searchsorted(used, pairs.pairs), embedder)


def record(pairs: PairSet, found: NDArray[np.float32], threshold: float | None) -> dict[str, Any]:
    """The figures of one model, of all pairs and of each protocol."""
    whole = figures(found, pairs.same, pairs.fold, threshold)
    parts = {
        name: figures(
            found[chosen], pairs.same[chosen], None if pairs.fold is None else pairs.fold[chosen], threshold
        )
        for name, chosen in _protocols(pairs).items()
        if name
    }
    return {**whole, "by_protocol": parts} if parts else whole


def _protocols(pairs: PairSet) -> dict[str, NDArray[np.bool_]]:
    """Which pairs belong to which protocol; without any all to one that has no name."""
    if pairs.protocol is None:
        return {"": np.ones(len(pairs.same), bool)}
    return {str(name): pairs.protocol == name for name in np.unique(pairs.protocol)}


def worst(pairs: PairSet, found: NDArray[np.float32], threshold: float) -> list[Image]:
    """Tiles of the pairs of two persons that are most alike, and of those of one that are least."""
    wrong = np.flatnonzero((found >= threshold) != pairs.same)
    wrong = wrong[np.argsort(-np.abs(found[wrong] - threshold), kind="stable")]
    tiles = []
    for same in (False, True):
        for pair in wrong[pairs.same[wrong] == same][:SHOWN]:
            first, second = (pairs.crops.image(int(place)) for place in pairs.pairs[pair])
            what = "one, told apart" if same else "two, taken for one"
            tiles.append(pair_tile(first, second, (what, f"{found[pair]:.3f}, pair {pair}")))
    return tiles


def _show(file: Path, ours: dict[str, Any], beside: dict[str, Any]) -> None:
    console = Console()
    console.width = max(console.width, LEAST_WIDTH)
    table = Table(title=f"pairs of {file.name}")
    heads = ("model", "pairs", "n", "accuracy", "TAR at FAR 1e-2", "1e-3", "AUC", "threshold", "ms", "time")
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place > 1 else "left", no_wrap=True)
    rows = {ours["model"]: ours}
    if "float" in beside:
        rows["the same in float"] = beside["float"]
    rows |= beside.get("peers", {})
    for name, one in rows.items():
        for protocol, part in {"all": one, **one.get("by_protocol", {})}.items():
            error = f" ± {part['standard_error']:.2%}" if "standard_error" in part else ""
            table.add_row(
                name if protocol == "all" else "",
                protocol,
                str(part["n"]),
                f"{part['accuracy']:.2%}{error}",
                *(f"{value:.1%}" for value in part["tar_at_far"].values()),
                f"{part['auc']:.4f}",
                f"{part['threshold']:.3f}",
                f"{one['ms']:.1f}" if protocol == "all" else "",
                f"{one.get('ms_ratio', 1):.2f}" if protocol == "all" else "",
            )
    console.print(table)
