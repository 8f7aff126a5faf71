"""The steps ``labels`` and ``detector`` of ``python -m tools.train_faces``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from edge.errors import UsageError
from tools.data import data_folder
from tools.train_faces.detector.labels import Labeller, label
from tools.train_faces.detector.learn import BATCH, CALM, PEAK, Learner, split
from tools.train_faces.detector.material import load
from tools.train_faces.detector.release import release
from tools.train_faces.progress import sources

CACHE = Path(".cache/faces/detector")
WEIGHTS = "weights.pt"
LONGEST = 90.0
"""Minutes of a stage."""
HIGHEST = 0.1
"""Learning rate beyond which nothing is learnt."""


def add(steps: argparse._SubParsersAction[Any]) -> None:
    """Adds the two steps to a parser."""
    labels = steps.add_parser("labels", help="pictures with faces and without, labelled and cached")
    labels.add_argument("--repositories", type=Path, required=True, help="folders owner+name of pictures")
    labels.add_argument(
        "--detector", type=Path, help="YuNet, .onnx (default: among the shared public models)"
    )
    labels.add_argument("--cache", type=Path, default=CACHE)
    labels.set_defaults(run=_labels)
    detector = steps.add_parser("detector", help="one stage of the detector's learning, and its files")
    detector.add_argument("--minutes", type=float, default=60, help=f"learning time, 0 to {LONGEST:g}")
    detector.add_argument("--rate", type=float, default=PEAK, help="highest learning rate of this stage")
    detector.add_argument(
        "--size", type=int, nargs=2, default=(256, 192), metavar=("W", "H"), help="of views"
    )
    detector.add_argument("--batch", type=int, default=BATCH, help="views of a step")
    detector.add_argument(
        "--calm",
        type=float,
        default=CALM,
        help="share of the stage from which pictures are less spoiled, 0 to 1",
    )
    detector.add_argument("--resume", action="store_true", help="go on from the weights in --out")
    detector.add_argument("--out", type=Path, default=Path("models/face-detector"))
    detector.add_argument("--cache", type=Path, default=CACHE)
    detector.add_argument("--seed", type=int, default=1)
    detector.add_argument("--threads", type=int, default=2)
    detector.set_defaults(run=_detector)


def _labels(arguments: argparse.Namespace) -> None:
    shared = data_folder().parent
    model = arguments.detector or shared / "models-public" / "face_detector" / "yunet_s_640_640.onnx"
    console = Console(stderr=True)

    lists = data_folder() / "faces"
    with sources(console) as tell:
        labeller = Labeller(model)
        count = label(arguments.repositories, lists, labeller, cache=arguments.cache, tell=tell)
    console.print(f"{count} pictures more in {arguments.cache}")


def _detector(arguments: argparse.Namespace) -> None:
    if not 0 <= arguments.minutes <= LONGEST:
        raise UsageError(f"--minutes {arguments.minutes:g}", f"allowed: 0 to {LONGEST:g}")
    if not arguments.minutes and not arguments.resume:
        raise UsageError("--minutes 0 without --resume would release a net that has learnt nothing")
    if not 0 < arguments.rate <= HIGHEST:
        raise UsageError(f"--rate {arguments.rate:g}", f"allowed: above 0, up to {HIGHEST:g}")
    if any(side % 32 or not 64 <= side <= 640 for side in arguments.size if side != 240):
        raise UsageError(
            f"--size {arguments.size[0]} {arguments.size[1]}", "allowed: 240, or multiples of 32"
        )
    if not 0 <= arguments.calm <= 1:
        raise UsageError(f"--calm {arguments.calm:g}", "allowed: 0 to 1")
    if arguments.batch < 2 or arguments.threads < 1:
        raise UsageError("--batch must be 2 or more, --threads at least 1")
    torch.set_num_threads(arguments.threads)
    # Pictures are small: OpenCV's threads would wait for each other longer than they work.
    cv2.setNumThreads(0)
    materials = load(arguments.cache)
    learnt = split(materials, held_out=False)
    learner = Learner(learnt, seed=arguments.seed, size=tuple(arguments.size), batch=arguments.batch)
    weights = arguments.out / WEIGHTS
    if arguments.resume:
        learner.load(weights)
    console = Console(stderr=True)
    console.print(", ".join(f"{one.pool.name} {len(one):,}" for one in learnt) + " pictures")
    if arguments.minutes:
        _learn(learner, arguments, weights, console)
    figures = release(learner, learnt, split(materials, held_out=True), arguments.out, arguments.seed)
    for name, value in figures.items():
        console.print(f"{name}: {value:.4g}")


def _learn(learner: Learner, arguments: argparse.Namespace, weights: Path, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("making the first views", total=1.0)
        told = [0.0]

        def tell(share: float, losses: str, views: int) -> None:
            text = f"{losses}, {views:,} views"
            bars.update(bar, completed=share, description=text)
            if not console.is_terminal and share >= told[0]:
                told[0] = share + 0.02
                print(f"{share:.0%} {text}", flush=True)

        learner.stage(arguments.minutes, arguments.rate, tell, weights, arguments.calm)
