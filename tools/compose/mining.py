"""Training crops from composed scenes, cut where the recognizer itself would look.

    python -m tools.compose.mining --out .cache/mined --count 2000 --seed 1

Each place that the recognizer's own proposals name is cut as it would be shown to the network, and labelled
by the truth of the scene. Of what the present network already knows for sure only a few are kept; its
mistakes are all kept.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from edge.errors import EdgeError, UsageError
from edge.geometry import Boxes, iou_matrix
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.classify import LEAST_CONTRAST
from edge.recognize.digits.crop import cut
from edge.recognize.digits.proposals import choose, propose
from edge.recognize.digits.recognizer import LOWEST
from edge.recognize.digits.settings import DigitsSettings
from edge.recognize.digits.strokes import ink_plane
from edge.records import Box, Image
from tools.compose.scene import Parts, Scene, compose
from tools.data import data_folder
from tools.ink.alphabet import Part, alphabet

REJECT = 10
"""The label of what is no digit."""

SIDE = 32
"""Side of a crop."""

_RIGHT, _WRONG = 0.6, 0.3
"""IoU with a digit from which a box is that digit, and below which it surely is none."""

_WHOLE, _PART, _ANOTHER = 0.9, 0.65, 0.5
"""Share of a digit's ink in a box: at least, when the box is that digit; at most, when it shows a fragment;
from which another digit is in the box too."""

_KNOWN = 0.97
"""Probability of the true label above which the present network needs no more of the kind."""

_KEPT_DIGITS, _KEPT_REJECTS = 0.7, 0.05
"""Shares of what is known that are kept all the same."""

_SHARD = 8000


class Crops(NamedTuple):
    """Crops (N, 32, 32) uint8, ink bright, and their labels (N,) uint8, 0 to 10."""

    pictures: Image
    labels: NDArray[np.uint8]


def places(image: Image) -> Iterator[tuple[Image, Boxes, bool]]:
    """Where the recognizer looks in ``image`` (H, W, 3) by its default settings: plane, boxes, dark ink."""
    settings = DigitsSettings()
    planes = {dark: ink_plane(image, dark=dark) for dark in (True, False)}
    heights = max(settings.min_height, LOWEST), settings.max_height * max(image.shape)
    proposed = [propose(plane, dark=dark, heights=heights) for dark, plane in planes.items()]
    chosen, _ = choose(proposed, settings.max_candidates)
    for (dark, plane), boxes in zip(planes.items(), chosen, strict=True):
        yield plane, boxes, dark


def labels_of(scene: Scene, boxes: Boxes, *, dark: bool) -> NDArray[np.int16]:
    """The label of each of ``boxes`` (N, 4), read as dark ink or light: 0 to 10, or -1 where it is unclear.

    A digit's inside out, several digits together, and a fragment of one are no digit.
    """
    labels = np.full(len(boxes), REJECT, np.int16)
    if not scene.digits or not len(boxes):
        return labels
    truth = np.array([digit.box for digit in scene.digits], np.float32)
    overlaps = iou_matrix(boxes, truth)
    ink = np.maximum(np.bincount(scene.owner.ravel(), minlength=len(truth) + 1)[1:], 1)
    for index in np.flatnonzero(overlaps.max(1) >= _WRONG):
        x0, y0 = np.maximum(np.floor(boxes[index, :2]), 0).astype(int)
        x1, y1 = np.ceil(boxes[index, :2] + boxes[index, 2:]).astype(int)
        inside = np.bincount(scene.owner[y0:y1, x0:x1].ravel(), minlength=len(truth) + 1)[1:] / ink
        best = int(overlaps[index].argmax())
        overlap, several = overlaps[index, best], (inside > _ANOTHER).sum() > 1
        if scene.dark[best] != dark or several:
            continue
        if overlap >= _RIGHT and inside[best] >= _WHOLE:
            labels[index] = scene.digits[best].digit
        elif inside[best] > _PART or overlap > (_RIGHT + _WRONG) / 2:
            labels[index] = -1
    return labels


def mined(rng: np.random.Generator, scene: Scene, network: Model | None) -> Crops:
    """The crops of a scene that are worth learning; all of them without a ``network`` to tell."""
    pictures: list[Image] = []
    labels: list[int] = []
    out = np.empty((SIDE, SIDE), np.uint8)
    for plane, boxes, dark in places(scene.image):
        for box, label in zip(boxes.tolist(), labels_of(scene, boxes, dark=dark).tolist(), strict=True):
            if label < 0 or cut(plane, Box(*box), dark_ink=dark, out=out) < LEAST_CONTRAST:
                continue
            if network is None or _worth(rng, network, out, label):
                pictures.append(out.copy())
                labels.append(label)
    stack = np.stack(pictures) if pictures else np.empty((0, SIDE, SIDE), np.uint8)
    return Crops(stack, np.array(labels, np.uint8))


def main(argv: Sequence[str] | None = None) -> int:
    """Writes shards of crops; those that are whole can be used at any time."""
    arguments = _arguments(argv)
    try:
        if arguments.count < 1:
            raise UsageError(f"--count {arguments.count} is impossible", "give 1 or more scenes")
        _mine(arguments)
    except EdgeError as error:
        print(f"mining: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.compose.mining", description="Cuts training crops out of composed scenes."
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the shards are written")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="scenes to compose (1000)")
    parser.add_argument("--seed", type=int, default=1, help="a further seed adds shards (1)")
    parser.add_argument("--split", choices=get_args(Part), default="train", help="writers and fonts (train)")
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="network whose mistakes are kept (default: all crops are)"
    )
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    return parser.parse_args(argv)


def _mine(arguments: argparse.Namespace) -> None:
    cv2.setNumThreads(1)
    network = Model.load(str(arguments.model), InferSettings(threads=1)) if arguments.model else None
    parts = Parts.of(arguments.split, alphabet(data_folder(arguments.data), arguments.split))
    rng = np.random.default_rng([arguments.seed, arguments.count])
    waiting: list[Crops] = []
    shards = 0
    with Progress(console=Console(stderr=True)) as bars:
        bar = bars.add_task("composing and mining", total=arguments.count)
        for index in range(arguments.count):
            waiting.append(mined(rng, compose(parts, arguments.seed, index), network))
            bars.advance(bar)
            if sum(len(crops.labels) for crops in waiting) >= _SHARD or index == arguments.count - 1:
                name = f"{arguments.split}-{arguments.seed}-{shards:04d}.npz"
                _save(arguments.out / name, waiting)
                waiting, shards = [], shards + 1


def _worth(rng: np.random.Generator, network: Model, crop: Image, label: int) -> bool:
    if float(network.run(crop)["scores"][label]) < _KNOWN:
        return True
    return bool(rng.random() < (_KEPT_REJECTS if label == REJECT else _KEPT_DIGITS))


def _save(path: Path, crops: Sequence[Crops]) -> None:
    """Writes a shard, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            pictures=np.concatenate([part.pictures for part in crops]),
            labels=np.concatenate([part.labels for part in crops]),
        )
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
