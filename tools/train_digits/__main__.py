"""Trains, exports, quantizes, calibrates and measures the digit model.

    python -m tools.train_digits --data ../shared/data --minutes 30 --out models/digits-cnn
    python -m tools.train_digits --resume --minutes 60         # a further stage from the checkpoint
    python -m tools.train_digits --resume --minutes 0          # only export and measure again
    python -m tools.train_digits --kind mlp --minutes 4        # the books' perceptron, to compare with
    python -m tools.train_digits --start models/digits-cnn/weights.pt --minutes 60  # from a finished model

A stage is bounded by --minutes of learning and ends in a whole model folder. The same seed draws the
same crops; how often each is learnt depends on the machine's speed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from edge.errors import EdgeError, UsageError
from tools.data import data_folder
from tools.train_digits import mlp
from tools.train_digits.feed import Feed
from tools.train_digits.figures import Measured, show
from tools.train_digits.learn import Learner
from tools.train_digits.mined import Mined
from tools.train_digits.release import made_by, release

_RING = 200_000
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())

_TOLD = 0.02
"""Share of a stage between two lines in a log."""


def main(argv: Sequence[str] | None = None) -> int:
    """One stage, from arguments to the folder of the model; exit codes as the errors have them."""
    arguments = _arguments(argv)
    try:
        figures = _train(arguments)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps([asdict(figure) for figure in figures]))
    else:
        show(figures)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_digits", description="Trains the digit model."
    )
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    parser.add_argument(
        "--kind",
        choices=("cnn", "mlp"),
        default="cnn",
        help="the convolutional net that ships, or the perceptron of the books beside it (cnn)",
    )
    parser.add_argument("--out", type=Path, help="the model's folder (models/digits-KIND)")
    parser.add_argument("--minutes", type=float, default=30, help="learning time of this stage")
    parser.add_argument("--checkpoint", type=Path, default=Path(".cache/train_digits/last.pt"))
    parser.add_argument("--mined", type=Path, help="folder of crops that tools.compose.mining has made")
    parser.add_argument(
        "--scenes",
        type=Path,
        help="folder of scenes by tools.compose --split validation, on which doubt and threshold are chosen",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument(
        "--start", type=Path, metavar="FILE", help="begin with the weights.pt of a finished model"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="weights.pt of a finished model, whose word on mined crops counts beside their labels",
    )
    parser.add_argument(
        "--blend",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="mix what was learnt with weights.pt of finished models, or with checkpoints of other seeds",
    )
    parser.add_argument(
        "--share",
        type=float,
        help="of what was learnt in the blend, 0..1 (the same as of each of the others)",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="of the learner, on a processor (1)")
    parser.add_argument("--drawers", type=int, default=1, help="processes that draw crops")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    return parser.parse_args(argv)


def _train(arguments: argparse.Namespace) -> list[Measured]:
    if arguments.resume and arguments.start:
        raise UsageError("--resume and --start exclude each other")
    if arguments.share is not None and not 0 <= arguments.share <= 1:
        raise UsageError(f"--share {arguments.share} is impossible", "allowed: 0 to 1")
    if arguments.kind == "mlp" and (arguments.resume or arguments.start or not arguments.minutes):
        raise UsageError("a perceptron is learnt from nothing, in one stage of some --minutes")
    if arguments.teacher and not arguments.mined:
        raise UsageError("--teacher speaks of mined crops", "give --mined too")
    if arguments.minutes < 0 or arguments.threads < 1 or arguments.drawers < 1:
        raise UsageError("--minutes must be 0 or more, --threads and --drawers at least 1")
    root = data_folder(arguments.data)
    torch.set_num_threads(arguments.threads)
    out = arguments.out or Path(f"models/digits-{arguments.kind}")
    if arguments.kind == "mlp":
        return _train_mlp(arguments, root, out)
    learner = Learner(arguments.seed, "cuda" if torch.cuda.is_available() else "cpu")
    if arguments.resume:
        learner.load(arguments.checkpoint)
    elif arguments.start:
        learner.start(arguments.start, made_by(arguments.start.parent))
    if arguments.teacher:
        learner.teach(arguments.teacher)
    if arguments.minutes:
        _learn(learner, arguments, root)
    if arguments.blend:
        even = 1 / (1 + len(arguments.blend))
        learner.blend(arguments.blend, even if arguments.share is None else arguments.share)
    return release(learner, root, out, arguments.seed, arguments.scenes)


def _train_mlp(arguments: argparse.Namespace, root: Path, out: Path) -> list[Measured]:
    with Progress(*_COLUMNS, console=Console(stderr=True)) as bars:
        bar = bars.add_task("perceptron", total=1.0)

        def tell(share: float, loss: float) -> None:
            bars.update(bar, completed=share, description=f"perceptron: loss {loss:.3f}")

        net = mlp.train(root, arguments.minutes, arguments.seed, tell)
    return mlp.release(net, root, out, minutes=arguments.minutes, seed=arguments.seed)


def _learn(learner: Learner, arguments: argparse.Namespace, root: Path) -> None:
    stage = learner.progress.stage
    seed = [arguments.seed, stage]
    mined = Mined(arguments.mined) if arguments.mined else None
    with (
        Feed(root, seed, places=_RING, workers=arguments.drawers, mined=mined) as feed,
        Progress(*_COLUMNS, console=Console(stderr=True)) as bars,
    ):
        bar = bars.add_task("drawing the first crops", total=1.0)
        told = [0.0]

        def tell(share: float, loss: float) -> None:
            learner.progress.mined = len(mined) if mined else learner.progress.mined
            text = (
                f"stage {stage + 1}: loss {loss:.3f}, {feed.drawn:,} crops, {learner.progress.steps:,} steps"
            )
            bars.update(bar, completed=share, description=text)
            if not bars.console.is_terminal and share >= told[0]:
                told[0] = share + _TOLD
                print(f"{share:.0%} of {text}", file=sys.stderr, flush=True)

        learner.stage(feed, np.random.default_rng(seed), arguments.minutes, tell, arguments.checkpoint)


if __name__ == "__main__":
    sys.exit(main())
