"""``digits-scenes``: finding and naming digits in labelled photographs.

A found digit is right when its box has IoU >= 0.4 with a label of the same digit, each label at
most once. Lines are right when all their digits are, in order.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.capture.stills import read_picture
from edge.clock import SystemClock
from edge.errors import UsageError
from edge.geometry import size_of
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.descriptor import Recognizer
from edge.recognize.digits.recognizer import build
from edge.recognize.digits.settings import DigitsSettings
from edge.records import Detection, Frame, Image
from edge.track.numbers import Glyph, lines
from tools.evaluate.baselines import RECIPES, ContourRecipe
from tools.evaluate.digits import DIGITS, calibration_error
from tools.evaluate.error_sheet import tile, write_sheet
from tools.evaluate.matching import Mistake, Tally, compare, exact_lines
from tools.evaluate.peers import ACCEPT, load_peers
from tools.evaluate.plots import write_confusion, write_reliability
from tools.evaluate.scene_labels import Scene, load_scenes

SUMMARY = "digits found and named in labelled photographs"
OURS = "edge"
LEAST_WIDTH = 150


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one recipe did on one picture. ``lines_right`` of the labelled lines were read exactly."""

    scene: Scene
    tally: Tally
    mistakes: list[Mistake]
    lines_right: int
    ms: float
    megapixels: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Labels, model, recipes, the sheet."""
    parser.add_argument(
        "--labels", type=Path, required=True, metavar="DIR", help="folder of labels.json and its pictures"
    )
    parser.add_argument(
        "--model", default="digits-cnn", metavar="NAME|DIR", help="model to judge (digits-cnn)"
    )
    parser.add_argument("--threshold", type=float, metavar="S", help="lowest score, 0..1 (the card's)")
    parser.add_argument(
        "--recipe",
        action="append",
        choices=(OURS, *RECIPES),
        help=f"how digits are found ({OURS}); repeatable; books, adaptive: contours of one threshold",
    )
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="also judge the public MNIST nets of a folder, as in books"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the network (1)")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write all mistakes of the first recipe to a PNG"
    )
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="write its confusion matrix and reliability diagram as PNG"
    )


def main(arguments: argparse.Namespace) -> int:
    """Prints the table or the object; 0 whatever the figures are."""
    if arguments.threshold is not None and not 0 <= arguments.threshold <= 1:
        raise UsageError(f"--threshold {arguments.threshold} is impossible", "allowed: 0 to 1")
    scenes = load_scenes(arguments.labels)
    recognizers = {recipe: _recognizer(recipe, arguments) for recipe in arguments.recipe or [OURS]}
    if arguments.peers:
        recognizers |= {
            f"books: {name}": ContourRecipe(RECIPES["books"], peer, ACCEPT)
            for name, peer in load_peers(arguments.peers).items()
        }
    outcomes = {name: judge(scenes, recognizer, name) for name, recognizer in recognizers.items()}
    records = {name: record(some) for name, some in outcomes.items()}
    first, *others = records
    if arguments.sheet:
        write_sheet(arguments.sheet, _tiles(outcomes[first]))
    if arguments.plots:
        _plot(arguments.plots, outcomes[first], records[first]["ece"])
    if arguments.json:
        beside = {"recipes": {name: records[name] for name in others}} if others else {}
        print(json.dumps({**records[first], **beside}))
    else:
        _show(records, outcomes[first])
    return 0


def judge(scenes: Sequence[Scene], recognizer: Recognizer, name: str) -> list[Outcome]:
    """Runs ``recognizer`` over all scenes; a bar on standard error shows how far it is."""
    console = Console(stderr=True)
    shown = track(scenes, name, console=console, transient=True, disable=not sys.stderr.isatty())
    return [_judge(scene, recognizer, sequence) for sequence, scene in enumerate(shown)]


def record(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of one recipe, shares 0..1."""
    ordinary = [outcome for outcome in outcomes if outcome.scene.ordinary]
    empty = [outcome for outcome in outcomes if not len(outcome.scene.digits)]
    false = sum(outcome.tally.found for outcome in empty)
    megapixels = sum(outcome.megapixels for outcome in empty)
    return {
        "ordinary": _sum(ordinary).shares(),
        "all": _sum(outcomes).shares(),
        "negatives": {
            "pictures": len(empty),
            "false_digits": false,
            "megapixels": round(megapixels, 3),
            "per_megapixel": round(false / megapixels, 3) if empty else None,
        },
        "ece": calibration_error(*_scores(outcomes)),
        "lines": _lines(outcomes),
        "lines_ordinary": _lines(ordinary),
        "ms_per_picture": sum(outcome.ms for outcome in outcomes) / max(len(outcomes), 1),
    }


def _recognizer(recipe: str, arguments: argparse.Namespace) -> Recognizer:
    infer = InferSettings(threads=arguments.threads)
    settings = DigitsSettings(model=str(arguments.model), threshold=arguments.threshold)
    if recipe == OURS:
        return build(settings, lambda name: Model.load(name, infer))
    network = Model.load(settings.model, infer)
    threshold = network.thresholds["accept"] if settings.threshold is None else settings.threshold
    return ContourRecipe(RECIPES[recipe], network, threshold)


def _judge(scene: Scene, recognizer: Recognizer, sequence: int) -> Outcome:
    image = read_picture(scene.path)
    clock = SystemClock()
    frame = Frame(image, sequence, clock.monotonic_ns(), clock.wall())
    begun = time.perf_counter()
    found = recognizer.detect(frame)
    elapsed = (time.perf_counter() - begun) * 1e3
    tally, mistakes = compare(scene, found)
    width, height = size_of(image)
    return Outcome(
        scene, tally, mistakes, exact_lines(scene.lines, _read_lines(found)), elapsed, width * height / 1e6
    )


def _read_lines(found: Sequence[Detection]) -> list[str]:
    glyphs = [
        Glyph(item.box, item.label, item.score, index) for index, item in enumerate(found) if item.label
    ]
    return ["".join(number.text for number in line) for line in lines(glyphs)]


def _sum(outcomes: Sequence[Outcome]) -> Tally:
    return sum((outcome.tally for outcome in outcomes), Tally())


def _scores(outcomes: Sequence[Outcome]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Of all found digits (N,): the scores, and which are right."""
    scores = _sum(outcomes).scores
    return np.array([score for score, _ in scores], np.float32), np.array(
        [right for _, right in scores], bool
    )


def _plot(folder: Path, outcomes: Sequence[Outcome], error: float) -> None:
    """What is found and what is missed, by digit, and whether the scores mean what they say."""
    counts = np.zeros((len(DIGITS) + 1, len(DIGITS) + 1), np.int64)
    nothing = len(DIGITS)
    for outcome in outcomes:
        np.add.at(counts, (outcome.scene.digits, outcome.scene.digits), 1)
        for mistake in outcome.mistakes:
            true = nothing if mistake.true is None else mistake.true
            counts[true, nothing if mistake.read is None else mistake.read] += 1
            if mistake.true is not None:
                counts[true, true] -= 1
    names = (*DIGITS, "none")
    write_confusion(folder / "confusion-scenes.png", counts, names, names)
    write_reliability(folder / "reliability-scenes.png", *_scores(outcomes), error)


def _lines(outcomes: Sequence[Outcome]) -> dict[str, float]:
    n = sum(len(outcome.scene.lines) for outcome in outcomes)
    return {"exact": sum(outcome.lines_right for outcome in outcomes) / max(n, 1), "n": n}


def _tiles(outcomes: Sequence[Outcome]) -> list[Image]:
    tiles = []
    for outcome in outcomes:
        image = read_picture(outcome.scene.path) if outcome.mistakes else None
        for mistake in outcome.mistakes:
            read = "-" if mistake.read is None else f"{mistake.read} ({mistake.score:.2f})"
            true = "none" if mistake.true is None else str(mistake.true)
            assert image is not None
            tiles.append(
                tile(image, mistake.box, (f"{mistake.kind}: {true} > {read}", outcome.scene.path.stem[:20]))
            )
    return tiles


def _show(records: dict[str, dict[str, Any]], outcomes: Sequence[Outcome]) -> None:
    console = Console()
    console.width = max(console.width, LEAST_WIDTH)  # a pipe is taken for 80 columns, too few
    console.print(_by_picture(outcomes))
    table = Table(title="digits in photographs")
    heads = (
        "recipe",
        "F1 ordinary",
        "precision",
        "recall",
        "F1 all",
        "precision",
        "recall",
        "false on empty",
        "per MP",
        "ECE",
        "lines",
        "ms",
    )
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left", no_wrap=True)
    for recipe, figures in records.items():
        shares = [
            f"{figures[part][key]:.3f}"
            for part in ("ordinary", "all")
            for key in ("f1", "precision", "recall")
        ]
        false = f"{figures['negatives']['false_digits']} in {figures['negatives']['pictures']}"
        exact = f"{figures['lines']['exact']:.2f} of {figures['lines']['n']}"
        dense = figures["negatives"]["per_megapixel"]
        table.add_row(
            recipe,
            *shares,
            false,
            "" if dense is None else f"{dense:.2f}",
            f"{figures['ece']:.3f}",
            exact,
            f"{figures['ms_per_picture']:.0f}",
        )
    console.print(table)


def _by_picture(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="by picture")
    for place, head in enumerate(
        ("picture", "", "digits", "right", "missed", "misread", "false", "lines", "ms")
    ):
        table.add_column(head, justify="right" if place > 1 else "left")
    for outcome in outcomes:
        kinds = [mistake.kind for mistake in outcome.mistakes]
        table.add_row(
            outcome.scene.path.name,
            "" if outcome.scene.ordinary else "hard",
            str(outcome.tally.labelled),
            str(outcome.tally.right),
            *(str(kinds.count(kind) or "") for kind in ("missed", "misread", "false")),
            f"{outcome.lines_right}/{len(outcome.scene.lines)}",
            f"{outcome.ms:.0f}",
        )
    return table
