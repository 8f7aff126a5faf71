"""Composes labelled scenes.

    python -m tools.compose --out /tmp/scenes --count 40 --seed 1 --sheet /tmp/scenes.jpg
    python -m tools.evaluate digits-scenes --labels /tmp/scenes

Scene k of a seed is the same whatever the count is. The parts of ``--split validation`` (writers, fonts,
surfaces) meet none of training's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import cv2
from rich.console import Console
from rich.progress import track

from edge.errors import EdgeError, UsageError
from tools.compose.contact import SHOWN, Tile, checked, contact_sheet, tile
from tools.compose.files import Folder
from tools.compose.scene import Parts, compose
from tools.data import data_folder
from tools.ink.alphabet import Part, alphabet

_WRITTEN = 6000
"""Digits of MNIST, and of other schools as many at most, that scenes are composed from: loaded in seconds."""


def main(argv: Sequence[str] | None = None) -> int:
    """Composes as asked; exit codes as the errors have them."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.compose", description="Composes pictures with digits, and their labels.json."
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder for the pictures"
    )
    parser.add_argument("--count", type=int, default=20, metavar="N", help="how many scenes (20)")
    parser.add_argument("--seed", type=int, default=1, help="0 or more (1)")
    parser.add_argument("--split", choices=get_args(Part), default="train", help="writers and fonts (train)")
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help=f"also a picture (.jpg, .png) of the first {SHOWN} with their digits' boxes",
    )
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    arguments = parser.parse_args(argv)
    try:
        _compose(arguments)
    except EdgeError as error:
        print(f"compose: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _compose(arguments: argparse.Namespace) -> None:
    if arguments.count < 1 or arguments.seed < 0:
        raise UsageError(
            f"--count {arguments.count} --seed {arguments.seed} is impossible", "count from 1, seed from 0"
        )
    sheet = checked(arguments.sheet) if arguments.sheet else None
    root = data_folder(arguments.data)
    folder = Folder(arguments.out)
    parts = Parts.of(arguments.split, alphabet(root, arguments.split, limit=_WRITTEN))
    cv2.setNumThreads(1)
    tiles: list[Tile] = []
    for index in track(range(arguments.count), "composing", console=Console(stderr=True), transient=True):
        scene = compose(parts, arguments.seed, index)
        folder.add(f"scene-{index:05d}.jpg", scene)
        if sheet and len(tiles) < SHOWN:
            tiles.append(tile(scene))
    folder.finish()
    if sheet:
        contact_sheet(sheet, tiles)
    if sheet and arguments.count > SHOWN:
        print(f"compose: {sheet} shows the first {SHOWN} of {arguments.count} scenes", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
