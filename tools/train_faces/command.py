"""The steps ``crops``, ``embedder``, ``export``, ``convert-teacher`` of ``python -m tools.train_faces``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from edge.errors import UsageError
from tools.data import data_folder
from tools.train_faces import teacher
from tools.train_faces.chips import MARGIN, SIDE, TEACHER_SIDE, scaled
from tools.train_faces.convert import convert
from tools.train_faces.dat import tensors
from tools.train_faces.export import WEIGHTS, inputs
from tools.train_faces.harvest import Faces, harvest, load
from tools.train_faces.learn import PEAK, Learner
from tools.train_faces.net import SMALL, STUDENT, FaceNet, fill
from tools.train_faces.progress import sources
from tools.train_faces.release import RANGES, release
from tools.train_faces.weights import blocks_of

KINDS = {"face-embedder": STUDENT, "face-embedder-small": SMALL}
CACHE = Path(".cache/faces")
LONGEST = 90.0
"""Minutes of a stage."""

TOLD = 0.02
"""Share of a stage between two lines in a log."""


def add(steps: argparse._SubParsersAction[Any]) -> None:
    """Adds the four steps to a parser."""
    crops = steps.add_parser("crops", help="faces of public pictures with the teacher's embeddings, cached")
    crops.add_argument("--repositories", type=Path, required=True, help="folders owner+name of pictures")
    crops.add_argument("--detector", type=Path, help="YuNet, .onnx (default: among the shared public models)")
    crops.set_defaults(run=_crops)
    embedder = steps.add_parser("embedder", help="one stage of the student's learning, and its files")
    embedder.add_argument("--minutes", type=float, default=60, help=f"learning time, 0 to {LONGEST:g}")
    embedder.add_argument("--rate", type=float, default=PEAK, help="highest learning rate of this stage")
    embedder.add_argument("--resume", action="store_true", help="go on from the weights in --out")
    embedder.add_argument(
        "--start", type=Path, metavar="FILE", help="begin with the blocks of another student's weights.pt"
    )
    embedder.add_argument(
        "--tail", action="store_true", help="only the narrowed blocks learn, the teacher's own stay"
    )
    embedder.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="the first N blocks stay as they are: less to compute",
    )
    embedder.set_defaults(run=_embedder)
    export = steps.add_parser("export", help="float and int8 files and the card, from the weights in --out")
    export.set_defaults(run=_export)
    for step in (embedder, export):
        step.add_argument("--kind", choices=tuple(KINDS), default="face-embedder", help="which student")
        step.add_argument("--out", type=Path, help="the model's folder (models/KIND)")
        step.add_argument(
            "--data", default=None, help="the folder that holds faces/ (default: $EDGE_SHARED/data)"
        )
        step.add_argument("--seed", type=int, default=1)
    for step in (crops, embedder, export):
        step.add_argument("--cache", type=Path, default=CACHE)
        step.add_argument("--threads", type=int, default=2, help="1 where others use the processor too")
    convert_teacher = steps.add_parser("convert-teacher", help="dlib's network as an int8 model with a card")
    convert_teacher.add_argument("--out", type=Path, required=True, help="the model's folder, made anew")
    convert_teacher.add_argument(
        "--cache", type=Path, help="faces to measure the layers' ranges on (default: the known ranges)"
    )
    convert_teacher.set_defaults(run=_convert)
    for step in (crops, embedder, convert_teacher):
        step.add_argument(
            "--teacher", type=Path, help=f"{teacher.FILE} (default: of the package face_recognition_models)"
        )


def _crops(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    shared = data_folder().parent
    detector = arguments.detector or shared / "models-public" / "face_detector" / "yunet_s_640_640.onnx"
    console = Console(stderr=True)
    faces = Faces(detector)
    with sources(console) as shown:

        def tell(source: str, pictures: int, done: int, found: int) -> None:
            shown(source, done, pictures, f", {found} faces in all")

        count = harvest(
            arguments.repositories,
            data_folder() / "faces",
            faces,
            teacher.teacher_net(arguments.teacher),
            cache=arguments.cache,
            tell=tell,
        )
    console.print(f"{count} faces in {arguments.cache}")


def _embedder(arguments: argparse.Namespace) -> None:
    if not 0 < arguments.minutes <= LONGEST or not arguments.rate > 0:
        raise UsageError(f"--minutes must be above 0 and at most {LONGEST:g}, --rate above 0")
    if not 0 <= arguments.keep <= KINDS[arguments.kind].blocks:
        raise UsageError(f"--keep {arguments.keep}", f"allowed: 0 to {KINDS[arguments.kind].blocks}")
    ranks = KINDS[arguments.kind].ranks
    if (arguments.start and ranks) or (arguments.tail and not ranks):
        what = "begins with the teacher's blocks, not with --start" if ranks else "has no narrowed blocks"
        raise UsageError(f"{arguments.kind} {what}")
    learner, weights = _learner(arguments)
    if arguments.resume:
        learner.load(weights)
    else:
        learner.start(blocks_of(arguments.start) if arguments.start else _teachers_blocks(arguments.teacher))
    console = Console(stderr=True)
    console.print(f"{len(learner):,} faces; held-out loss {learner.held_out():.4f} before this stage")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("learning", total=1.0)
        told = [0.0]

        def tell(share: float, loss: float, seen: int) -> None:
            bars.update(bar, completed=share, description=f"loss {loss:.4f}, {seen:,} faces")
            if not console.is_terminal and share >= told[0]:
                told[0] = share + TOLD
                print(f"{share:.0%}: loss {loss:.4f}, {seen:,} faces", file=sys.stderr, flush=True)

        learner.stage(
            arguments.minutes, arguments.rate, tell, weights, keep=arguments.keep, tail=arguments.tail
        )
    console.print(f"held-out loss {learner.history.held_out:.4f}; weights in {weights}")
    _release(arguments, learner)


def _teachers_blocks(file: Path | None) -> Callable[[FaceNet], None]:
    parts = tensors(file or teacher.installed())
    return lambda net: fill(net, parts)


def _export(arguments: argparse.Namespace) -> None:
    learner, weights = _learner(arguments)
    learner.load(weights)
    _release(arguments, learner)


def _learner(arguments: argparse.Namespace) -> tuple[Learner, Path]:
    torch.set_num_threads(arguments.threads)
    chips, targets, faces = load(arguments.cache)
    learner = Learner(KINDS[arguments.kind], chips, targets, seed=arguments.seed, faces=faces)
    return learner, (arguments.out or Path("models") / arguments.kind) / WEIGHTS


def _release(arguments: argparse.Namespace, learner: Learner) -> None:
    chips, _, faces = load(arguments.cache)
    history = learner.history
    command = f"python -m tools.train_faces embedder --kind {arguments.kind} --minutes {history.minutes:g}"
    if history.stages > 1:
        command += f" (in {history.stages} stages, the later ones with --resume)"
    console = Console(stderr=True)
    found = release(
        learner.average,
        arguments.out or Path("models") / arguments.kind,
        chips,
        faces,
        learnt=learner.learnt,
        made_by={"command": f"{command}, {history.faces_seen} faces seen", "seed": arguments.seed},
        verify=data_folder(arguments.data) / "faces" / "verify",
        tell=console.print,
    )
    for what, value in found.items():
        console.print(f"{value:12.4f}  {what}")


def _convert(arguments: argparse.Namespace) -> None:
    faces = None
    if arguments.cache:
        chips, _, _ = load(arguments.cache)
        places = np.linspace(0, len(chips) - 1, RANGES).astype(np.intp)
        inner = slice(MARGIN, MARGIN + SIDE)
        faces = inputs(scaled(np.stack([chips[place, inner, inner] for place in places]), TEACHER_SIDE))
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("dlib's network", total=None)
        size_made = convert(
            arguments.teacher or teacher.installed(),
            arguments.out,
            lambda step: bars.update(bar, description=step),
            faces=faces,
        )
    console.print(
        f"{arguments.out}: model.tflite ({size_made / 1e6:.2f} MB) and card.yaml. To use it:\n\n"
        f"faces:\n  embedder: {arguments.out.absolute()}",
        highlight=False,
    )


__all__ = ["add"]
