"""``faces-detect``: faces found in labelled pictures, and in pictures without any.

Recall is told at so many false boxes a picture, for masked and bare faces and sizes apart. Every detector
sees each picture in turn, so that their times can be compared on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.errors import EdgeError, InputError, UsageError
from edge.records import Box, Image
from tools.data import data_folder
from tools.evaluate.error_sheet import tile, write_sheet
from tools.evaluate.faces.archive import Pictures, open_pictures
from tools.evaluate.faces.detect_figures import Judged, curve, figures, precision_curve
from tools.evaluate.faces.finders import Finder, YuNet, load_peers, our_finder, yunet_in
from tools.evaluate.faces.labels import Labelled, load_labels
from tools.evaluate.faces.matching import Matched, match
from tools.evaluate.faces.plots import write_froc, write_precision

SUMMARY = "faces found in labelled pictures, and in pictures without any"
OURS = "edge"
SIZES = (160, 320, 640)
SHOWN = 60
"""Misses on a sheet, and as many false boxes."""
LEAST_WIDTH = 170

_Item = TypeVar("_Item")


@dataclass(slots=True)
class Run:
    """One detector over all pictures."""

    finder: Finder
    matched: list[Matched] = field(default_factory=list)
    empty: list[tuple[str, np.ndarray[Any, Any], np.ndarray[Any, Any]]] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def judged(self) -> Judged:
        """Everything that figures are made of."""
        scores = [np.zeros(0, np.float32), *(scores for _, scores, _ in self.empty)]
        return Judged(self.matched, np.concatenate(scores), len(self.empty))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Labels, pictures, model, peers, plots and sheet."""
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="FILE", help=".jsonl with a line for each picture"
    )
    parser.add_argument(
        "--pictures", type=Path, required=True, metavar="TAR|DIR", help="the labelled pictures"
    )
    parser.add_argument("--negatives", type=Path, metavar="TAR|DIR", help="pictures without any face")
    parser.add_argument(
        "--size", type=int, choices=SIZES, default=320, help="longer side at which faces are looked for (320)"
    )
    parser.add_argument(
        "--iou", type=float, default=0.3, metavar="X", help="overlap from which a face is found, 0..1 (0.3)"
    )
    parser.add_argument(
        "--model", default="face-detector", metavar="NAME|DIR", help="model to judge (face-detector)"
    )
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="also judge YuNet, BlazeFace and RFB-320 from a folder"
    )
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write recall over false boxes and precision as PNG"
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write the worst misses and false boxes to a PNG"
    )


def main(arguments: argparse.Namespace) -> int:
    """Prints the table or the object; 0 whatever the figures are."""
    if not 0 < arguments.iou < 1:
        raise UsageError(f"--iou {arguments.iou} is impossible", "allowed: above 0, below 1")
    labels = load_labels(arguments.labels)
    pictures = open_pictures(arguments.pictures)
    missing = [item.file for item in labels if item.file not in pictures]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(labels)} pictures of {arguments.labels} are missing",
            f"they must lie in {arguments.pictures}: {', '.join(missing[:3])}",
        )
    negatives = open_pictures(arguments.negatives) if arguments.negatives else None
    runs = judge(_finders(arguments), labels, pictures, negatives, arguments.iou)
    records = {name: figures(run.judged()) for name, run in runs.items()}
    reference = next((name for name in runs if name.startswith("YuNet")), None)
    for name, run in runs.items():
        records[name]["ms"] = float(np.median(run.ms))
        records[name]["ms_ratio_to_yunet"] = (
            float(np.median(np.divide(run.ms, runs[reference].ms))) if reference else None
        )
    if arguments.plots:
        judged = {name: run.judged() for name, run in runs.items()}
        write_froc(arguments.plots / "faces-froc.png", {name: curve(some) for name, some in judged.items()})
        write_precision(
            arguments.plots / "faces-precision.png",
            {name: precision_curve(some) for name, some in judged.items()},
        )
    if arguments.sheet:
        write_sheet(arguments.sheet, worst(runs[OURS], pictures, negatives))
    if arguments.json:
        ours, peers = records.pop(OURS), records
        shown = {"size": arguments.size, "iou": arguments.iou, **ours, **({"peers": peers} if peers else {})}
        print(json.dumps(shown))
    else:
        _show(records, arguments)
    return 0


def _finders(arguments: argparse.Namespace) -> dict[str, Finder]:
    """Ours first; YuNet at the same size wherever its file is."""
    found: dict[str, Finder] = {OURS: our_finder(arguments.model, arguments.size)}
    if arguments.peers:
        found |= load_peers(arguments.peers, (arguments.size,))
    else:
        try:
            yunet = yunet_in(data_folder().parent / "models-public")
        except EdgeError:
            yunet = None
        if yunet:
            found[f"YuNet {arguments.size}"] = YuNet(yunet, arguments.size)
    return found


def judge(
    finders: Mapping[str, Finder],
    labels: Sequence[Labelled],
    pictures: Pictures,
    negatives: Pictures | None,
    least_iou: float,
) -> dict[str, Run]:
    """Runs every detector over all pictures, in turns and each on one thread. Raises ``InputError`` for a
    picture that is damaged or not the one that was labelled."""
    runs = {name: Run(finder) for name, finder in finders.items()}
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as our network has it
    try:
        for labelled in _shown(labels, "faces"):
            image = pictures[labelled.file]
            if image.shape[1::-1] != labelled.size:
                found_size, said = (f"{w}x{h}" for w, h in (image.shape[1::-1], labelled.size))
                raise InputError(
                    f"{pictures.source}: {labelled.file} is {found_size}, its label says {said}",
                    "pictures and labels must belong together",
                )
            for run in runs.values():
                # Of the processor, as one thread has it: others who are busy do not count.
                begun = time.process_time()
                found = run.finder.find(image)
                run.ms.append((time.process_time() - begun) * 1e3)
                run.matched.append(match(labelled, found, least_iou))
        for name in _shown(list(negatives or ()), "without"):
            assert negatives is not None
            image = negatives[name]
            for run in runs.values():
                found = run.finder.find(image)
                run.empty.append((name, found.scores, found.boxes))
    finally:
        cv2.setNumThreads(threads)
    return runs


def _shown(items: Sequence[_Item], words: str) -> Iterable[_Item]:
    """A bar on standard error shows how far it is."""
    quiet = not sys.stderr.isatty()
    return track(items, words, console=Console(stderr=True), transient=True, disable=quiet)


def worst(run: Run, pictures: Pictures, negatives: Pictures | None) -> list[Image]:
    """Tiles of the largest faces that were missed where recall is told, and of the surest false boxes."""
    least = figures(run.judged())["threshold"]
    missed = [
        (float(height), item.file, Box(*box.tolist()), max(float(hit), 0.0))
        for item in run.matched
        for box, height, hit in zip(item.faces, item.heights, item.hits, strict=True)
        if hit < least
    ]
    false = [
        (float(score), item.file, Box(*box.tolist()), pictures)
        for item in run.matched
        for box, score in zip(item.false_boxes, item.false, strict=True)
    ]
    if negatives is not None:
        false += [
            (float(score), name, Box(*box.tolist()), negatives)
            for name, scores, boxes in run.empty
            for box, score in zip(boxes, scores, strict=True)
        ]
    missed.sort(key=lambda item: -item[0])
    false.sort(key=lambda item: -item[0])
    tiles = [
        tile(pictures[name], box, (f"missed ({score:.2f})", name[:18]))
        for _, name, box, score in missed[:SHOWN]
    ]
    return tiles + [
        tile(source[name], box, (f"false ({score:.2f})", name[:18]))
        for score, name, box, source in false[:SHOWN]
    ]


def _show(records: dict[str, dict[str, Any]], arguments: argparse.Namespace) -> None:
    console = Console()
    console.width = max(console.width, LEAST_WIDTH)
    n = next(iter(records.values()))["n"]
    table = Table(
        title=f"{n['faces']} faces ({n['masked']} masked) in {n['pictures']} pictures, "
        f"{arguments.size} pixels, IoU {arguments.iou:g}"
    )
    heads = ("detector", "AP", "0.05", "0.1", "0.3", "masked", "bare", "<16", "16-32", "32-64", ">64")
    for place, head in enumerate((*heads, "negatives", "points", "ms", "time")):
        table.add_column(head, justify="right" if place else "left", no_wrap=True)
    for name, one in records.items():
        shares = [one["ap"], *one["recall_at_false_per_picture"].values(), one["masked"], one["bare"]]
        shares += [*one["by_height"].values(), one["recall_at_0.1_false_per_negative"], one["point_error"]]
        ratio = one["ms_ratio_to_yunet"]
        table.add_row(
            name,
            *("" if share is None else f"{100 * share:.1f}" for share in shares),
            f"{one['ms']:.1f}",
            "" if ratio is None else f"{ratio:.2f}",
        )
    console.print(table)
    console.print(
        "recall in % at so many false boxes a picture (masked, bare and heights at 0.1); negatives: recall "
        "at 0.1 false boxes a picture without a face; points: median error in % of the eyes' distance; "
        "ms: of the processor; time: against YuNet at the same size, in turns"
    )
