"""``digits-scenes``: finding and naming digits in photographs, labelled ones and ones without any digit.

A found digit is right when its box has IoU >= 0.4 with a label of the same digit, each label at
most once. Lines are right when all their digits are, in order; numbers, where labels tell them, when
their text is, and their box fits.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from edge.capture.stills import read_picture
from edge.clock import SystemClock
from edge.errors import UsageError
from edge.geometry import size_of
from edge.recognize.descriptor import Recognizer
from edge.records import Frame
from tools.evaluate.baselines import NETWORKS
from tools.evaluate.digits import calibration_error
from tools.evaluate.empty_pictures import load_empty
from tools.evaluate.error_sheet import write_sheet
from tools.evaluate.matching import Outcome, Tally, judged, total
from tools.evaluate.recipes import NAMES, OURS, networks, recognizers
from tools.evaluate.scene_labels import Scene, load_scenes
from tools.evaluate.scene_pictures import plot, tiles
from tools.evaluate.scene_tables import show

SUMMARY = "digits found and named in photographs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Labels, model, recipes, the sheet."""
    parser.add_argument("--labels", type=Path, metavar="DIR", help="folder of labels.json and its pictures")
    parser.add_argument(
        "--empty",
        metavar="DIR",
        help="folder of pictures known to hold no digit: all that is told of them is wrong; no labels needed",
    )
    parser.add_argument(
        "--model", default="digits-cnn", metavar="NAME|DIR", help="model to judge (digits-cnn)"
    )
    parser.add_argument("--threshold", type=float, metavar="S", help="lowest score, 0..1 (the card's)")
    own = ", ".join(f"{recipe} by {network}" for recipe, network in NETWORKS.items())
    parser.add_argument(
        "--recipe",
        action="append",
        choices=NAMES,
        help=f"how digits are found ({OURS}); repeatable; detector: by one network, +cnn: and read again by "
        f"--model; books, adaptive: contours of one threshold, read by --model; {own}, as in books",
    )
    parser.add_argument(
        "--detector",
        default="digits-detector",
        metavar="NAME|DIR",
        help="model of the recipes that have one (digits-detector)",
    )
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="also judge the public MNIST nets of a folder, as in books"
    )
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the network (1)")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write all mistakes of the first recipe to a PNG"
    )
    parser.add_argument(
        "--plots",
        type=Path,
        metavar="DIR",
        help="write its confusion matrix and reliability diagrams of digits and of numbers as PNG",
    )


def main(arguments: argparse.Namespace) -> int:
    """Prints the tables or the object; 0 whatever the figures are."""
    if not arguments.labels and not arguments.empty:
        raise UsageError("there is nothing to judge", "give --labels DIR, --empty DIR, or both")
    if arguments.plots and not arguments.labels:
        raise UsageError("--plots shows what is read right", "it needs --labels DIR")
    scenes = load_scenes(arguments.labels) if arguments.labels else []
    empty, skipped = load_empty(arguments.empty) if arguments.empty else ([], 0)
    outcomes, on_empty = {}, {}
    records: dict[str, dict[str, Any]] = {}
    for name, recognizer in recognizers(arguments).items():
        outcomes[name] = judge(scenes, recognizer, name)
        on_empty[name] = judge(empty, recognizer, f"{name}, no digits")
        records[name] = record(outcomes[name]) if scenes else {}
        if empty:
            records[name]["empty"] = {**record_empty(on_empty[name]), "left_out": skipped}
    first, *others = records
    if arguments.sheet:
        write_sheet(arguments.sheet, tiles(outcomes[first] + on_empty[first]))
    if arguments.plots:
        plot(arguments.plots, outcomes[first], records[first])
    if arguments.json:
        beside = {"recipes": {name: records[name] for name in others}} if others else {}
        print(json.dumps({**records[first], **beside}))
    else:
        models = {name: networks(name, arguments) for name in records if name in NAMES}
        show(records, outcomes[first], on_empty[first], models)
    return 0


def judge(scenes: Sequence[Scene], recognizer: Recognizer, name: str) -> list[Outcome]:
    """Runs ``recognizer`` over all scenes; a bar on standard error shows how far it is."""
    console = Console(stderr=True)
    shown = track(scenes, name, console=console, transient=True, disable=not sys.stderr.isatty())
    return [_judge(scene, recognizer, sequence) for sequence, scene in enumerate(shown)]


def record(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of one recipe on labelled pictures, shares 0..1 with what they are shares of."""
    ordinary = [outcome for outcome in outcomes if outcome.scene.ordinary]
    return {
        "ordinary": _digits(ordinary),
        "all": _digits(outcomes),
        "negatives": _false([outcome for outcome in outcomes if not len(outcome.scene.digits)]),
        "ece": calibration_error(*total(outcomes).judgements()),
        "lines": _lines(outcomes),
        "lines_ordinary": _lines(ordinary),
        "numbers": _numbers(outcomes),
        "numbers_ordinary": _numbers(ordinary),
        "ms_per_picture": _ms(outcomes),
    }


def record_empty(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of one recipe on pictures without a digit; ``surest``: the highest score that was told."""
    told = total(outcomes).scores
    return {
        **_false(outcomes),
        "pictures_with_false_digits": sum(bool(outcome.tally.found) for outcome in outcomes),
        "surest": max((score for score, _ in told), default=None),
        "ms_per_picture": _ms(outcomes),
    }


def _judge(scene: Scene, recognizer: Recognizer, sequence: int) -> Outcome:
    image = read_picture(scene.path)
    clock = SystemClock()
    frame = Frame(image, sequence, clock.monotonic_ns(), clock.wall())
    begun = time.perf_counter()
    found = recognizer.detect(frame)
    elapsed = (time.perf_counter() - begun) * 1e3
    width, height = size_of(image)
    return judged(scene, found, elapsed, width * height / 1e6)


def _digits(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    tally = total(outcomes)
    return {**tally.shares(), "right": tally.right, "found": tally.found, "n": tally.labelled}


def _false(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What is told of pictures that have no digit."""
    false = total(outcomes).found
    megapixels = sum(outcome.megapixels for outcome in outcomes)
    return {
        "pictures": len(outcomes),
        "false_digits": false,
        "megapixels": round(megapixels, 3),
        "per_megapixel": round(false / megapixels, 3) if outcomes else None,
    }


def _lines(outcomes: Sequence[Outcome]) -> dict[str, float]:
    n = sum(len(outcome.scene.lines) for outcome in outcomes)
    right = sum(outcome.lines_right for outcome in outcomes)
    return {"exact": right / max(n, 1), "right": right, "n": n}


def _numbers(outcomes: Sequence[Outcome]) -> dict[str, float] | None:
    """Of the pictures whose labels tell numbers; None where there are none."""
    tallies = [outcome.numbers for outcome in outcomes if outcome.numbers is not None]
    if not tallies:
        return None
    tally = sum(tallies, Tally())
    return {
        "exact": tally.right / max(tally.labelled, 1),
        "right": tally.right,
        "n": tally.labelled,
        "found": tally.found,
        "ece": calibration_error(*tally.judgements()),
    }


def _ms(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.ms for outcome in outcomes) / max(len(outcomes), 1)
