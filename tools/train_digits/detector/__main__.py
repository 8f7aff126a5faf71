"""Trains, exports, quantizes, calibrates and judges the detector of digits.

    python -m tools.compose --split train --count 3000 --out .cache/detector-scenes
    python -m tools.compose --split validation --seed 9 --count 160 --out .cache/detector-validation
    python -m tools.train_digits.detector --minutes 40
    python -m tools.train_digits.detector --resume --minutes 20     # a further stage from the checkpoint
    python -m tools.train_digits.detector --resume --minutes 0      # only export and judge again
    python -m tools.evaluate digits-scenes --labels DIR --recipe edge --recipe detector --recipe detector+cnn

A stage is bounded by --minutes of learning and ends in a whole model folder.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from edge.errors import EdgeError, UsageError
from tools.evaluate.scene_labels import Scene
from tools.train_digits.acceptance import SceneAcceptance
from tools.train_digits.detector.learn import BATCH, SIDE, Learner, Parts
from tools.train_digits.detector.material import scenes_in
from tools.train_digits.detector.release import NAME, release

LONGEST = 300.0
"""Minutes of a stage."""

_TOLD = 0.02
"""Share of a stage between two lines in a log."""


def main(argv: Sequence[str] | None = None) -> int:
    """One stage, from arguments to the folder of the model; exit codes as the errors have them."""
    arguments = _arguments(argv)
    try:
        found = _train(arguments)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps({recipe: one._asdict() for recipe, one in found.items()}))
    else:
        _show(found)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_digits.detector", description="Trains the detector of digits."
    )
    parser.add_argument(
        "--scenes",
        type=Path,
        nargs="+",
        default=[Path(".cache/detector-scenes")],
        metavar="DIR",
        help="folders of scenes by tools.compose --split train, to learn from",
    )
    parser.add_argument(
        "--validation",
        type=Path,
        default=Path(".cache/detector-validation"),
        metavar="DIR",
        help="folder of scenes by tools.compose --split validation, on which thresholds are chosen",
    )
    parser.add_argument("--out", type=Path, default=Path("models") / NAME, help="the model's folder")
    parser.add_argument("--minutes", type=float, default=40, help=f"learning time, 0 to {LONGEST:g} (40)")
    parser.add_argument("--checkpoint", type=Path, default=Path(".cache/train_digits/detector.pt"))
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--batch", type=int, default=BATCH, metavar="N", help=f"views of a step ({BATCH})")
    parser.add_argument("--side", type=int, default=SIDE, metavar="PX", help=f"of a view ({SIDE})")
    parser.add_argument(
        "--reader", default="digits-cnn", metavar="NAME|DIR", help="model that reads again (digits-cnn)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of the learner, on a processor (1)")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser.parse_args(argv)


def _train(arguments: argparse.Namespace) -> dict[str, SceneAcceptance]:
    if not (math.isfinite(arguments.minutes) and 0 <= arguments.minutes <= LONGEST):
        raise UsageError(f"--minutes {arguments.minutes:g} is impossible", f"allowed: 0 to {LONGEST:g}")
    if not arguments.minutes and not arguments.resume:
        raise UsageError("--minutes 0 without --resume would release a net that has learnt nothing")
    if arguments.side % 32 or not 64 <= arguments.side <= 640:
        raise UsageError(f"--side {arguments.side} is impossible", "allowed: multiples of 32 from 64 to 640")
    if arguments.batch < 2 or arguments.threads < 1 or arguments.seed < 0:
        raise UsageError("--batch must be 2 or more, --threads at least 1, --seed 0 or more")
    learnt = scenes_in(arguments.scenes, "python -m tools.compose --split train --count 3000")
    judged = scenes_in(
        [arguments.validation], "python -m tools.compose --split validation --seed 9 --count 160"
    )
    torch.set_num_threads(arguments.threads)
    # Pictures are small: OpenCV's threads would wait for each other longer than they work.
    cv2.setNumThreads(1)
    learner = Learner(arguments.seed, "cuda" if torch.cuda.is_available() else "cpu")
    if arguments.resume:
        learner.load(arguments.checkpoint)
    if arguments.minutes:
        _learn(learner, arguments, learnt)
    return release(learner, learnt, judged, arguments.out, seed=arguments.seed, reader=str(arguments.reader))


def _learn(learner: Learner, arguments: argparse.Namespace, scenes: Sequence[Scene]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("reading the first scenes", total=1.0)
        told = [0.0]

        def tell(share: float, losses: Parts) -> None:
            words = "score {:.3f} class {:.3f} box {:.3f}".format(*losses)
            text = f"stage {learner.history.stages + 1}: {words}, {learner.history.views:,} views"
            bars.update(bar, completed=share, description=text)
            if not bars.console.is_terminal and share >= told[0]:
                told[0] = share + _TOLD
                print(f"{share:.0%} of {text}", file=sys.stderr, flush=True)

        learner.stage(
            scenes,
            arguments.minutes,
            tell,
            arguments.checkpoint,
            batch=arguments.batch,
            side=arguments.side,
        )


def _show(found: dict[str, SceneAcceptance]) -> None:
    table = Table(title="on composed validation scenes, where thresholds were chosen")
    for place, head in enumerate(("recipe", "threshold", "precision", "recall", "F1", "false on empty")):
        table.add_column(head, justify="right" if place else "left")
    for recipe, one in found.items():
        shares = [f"{share:.3f}" for share in (one.precision, one.recall, one.f1)]
        table.add_row(recipe, f"{one.value:.2f}", *shares, str(one.false_digits))
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
