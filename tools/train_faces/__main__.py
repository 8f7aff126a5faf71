"""``python -m tools.train_faces``: arguments and progress."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from edge.errors import ConfigError, EdgeError
from tools.data import data_folder
from tools.train_faces.dat import tensors
from tools.train_faces.harvest import Faces, harvest, load
from tools.train_faces.learn import PEAK, Learner
from tools.train_faces.net import SMALL, STUDENT, TEACHER, FaceNet, fill

KINDS = {"face-embedder": STUDENT, "face-embedder-small": SMALL}
WEIGHTS = "weights.pt"
TEACHER_FILE = "dlib_face_recognition_resnet_model_v1.dat"


def main(argv: Sequence[str] | None = None) -> int:
    """One of the steps; exit codes as the errors have them."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_faces", description="Trains the face models."
    )
    steps = parser.add_subparsers(required=True, metavar="STEP")
    crops = steps.add_parser("crops", help="faces of public pictures with the teacher's embeddings, cached")
    crops.add_argument("--repositories", type=Path, required=True, help="folders owner+name of pictures")
    crops.add_argument("--detector", type=Path, help="YuNet, .onnx (default: among the shared public models)")
    crops.add_argument("--teacher", type=Path, help=f"{TEACHER_FILE} (default: of face_recognition_models)")
    crops.add_argument("--cache", type=Path, default=Path(".cache/faces"))
    crops.add_argument("--threads", type=int, default=2)
    crops.set_defaults(run=_crops)
    embedder = steps.add_parser("embedder", help="one stage of the student's learning")
    embedder.add_argument("--kind", choices=tuple(KINDS), default="face-embedder", help="which student")
    embedder.add_argument("--minutes", type=float, default=60, help="learning time of this stage")
    embedder.add_argument("--rate", type=float, default=PEAK, help="highest learning rate of this stage")
    embedder.add_argument("--resume", action="store_true", help="go on from the weights in --out")
    embedder.add_argument("--out", type=Path, help="the model's folder (models/KIND)")
    embedder.add_argument(
        "--teacher", type=Path, help=f"{TEACHER_FILE} (default: of face_recognition_models)"
    )
    embedder.add_argument("--cache", type=Path, default=Path(".cache/faces"))
    embedder.add_argument("--seed", type=int, default=1)
    embedder.add_argument("--threads", type=int, default=2)
    embedder.set_defaults(run=_embedder)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except EdgeError as error:
        print(f"train_faces: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _embedder(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    chips, targets, _ = load(arguments.cache)
    learner = Learner(KINDS[arguments.kind], chips, targets, seed=arguments.seed)
    weights = (arguments.out or Path("models") / arguments.kind) / WEIGHTS
    if arguments.resume:
        learner.load(weights)
    else:
        parts = tensors(arguments.teacher or _installed())
        learner.start_from_teacher(lambda net: fill(net, parts))
    console = Console(stderr=True)
    console.print(f"{len(chips):,} faces; held-out loss {learner.held_out():.4f} before this stage")
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("learning", total=1.0)

        def tell(share: float, loss: float, seen: int) -> None:
            bars.update(bar, completed=share, description=f"loss {loss:.4f}, {seen:,} faces")

        learner.stage(arguments.minutes, arguments.rate, tell, weights)
    console.print(f"held-out loss {learner.history.held_out:.4f}; weights in {weights}")


def teacher_net(file: Path | None) -> FaceNet:
    """dlib's network whole, from its public file. Raises ConfigError where that is not to be found."""
    net = FaceNet(TEACHER)
    fill(net, tensors(file or _installed()))
    net.eval()
    return net


def _installed() -> Path:
    import importlib.util  # noqa: PLC0415

    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        raise ConfigError(
            "the teacher is not here",
            f"pip install face_recognition_models, or give --teacher {TEACHER_FILE}",
        )
    return Path(found.origin).parent / "models" / TEACHER_FILE


def _crops(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    shared = data_folder().parent
    detector = arguments.detector or shared / "models-public" / "face_detector" / "yunet_s_640_640.onnx"
    console = Console(stderr=True)

    def tell(source: str, pictures: int, faces: int) -> None:
        if source or faces % 2048 == 0:
            console.print(f"{faces:6d} faces" + (f"; {source}: {pictures} pictures" if source else ""))

    lists = data_folder() / "faces"
    count = harvest(
        arguments.repositories,
        lists,
        Faces(detector),
        teacher_net(arguments.teacher),
        cache=arguments.cache,
        tell=tell,
    )
    console.print(f"{count} faces in {arguments.cache}")


if __name__ == "__main__":
    sys.exit(main())
