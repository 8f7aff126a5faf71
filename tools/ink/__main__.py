"""A contact sheet of what is drawn: crops of digits as they are trained on, rejects, surfaces, pages.

python -m tools.ink --out /tmp/ink.png [--data ../shared/data] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge.errors import EdgeError, InputError
from edge.records import Image
from tools.data import data_folder
from tools.ink.alphabet import Alphabet, alphabet
from tools.ink.page import beside, finish, style, write
from tools.ink.textures import surface

_TILE, _ACROSS = 192, 6


def main(argv: Sequence[str] | None = None) -> int:
    """Draws the sheet: rows of written lines, of printed ones, of surfaces."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.ink", description="A contact sheet of drawn parts."
    )
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    try:
        if not arguments.out.absolute().parent.is_dir():  # told before the drawing, which takes seconds
            raise _not_written(arguments.out, "No such folder")
        shapes = alphabet(data_folder(arguments.data), "validation", limit=400)
        _save(arguments.out, sheet(shapes, arguments.seed))
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def sheet(shapes: Alphabet, seed: int) -> Image:
    """(H, W) uint8: three rows of pages with digits in a line, then two rows of surfaces."""
    rng = np.random.default_rng(seed)
    pages = [_page(rng, shapes) for _ in range(3 * _ACROSS)]
    surfaces = [np.asarray(surface(rng, _TILE) * 255, np.uint8) for _ in range(2 * _ACROSS)]
    tiles = pages + surfaces
    rows = [np.hstack(tiles[start : start + _ACROSS]) for start in range(0, len(tiles), _ACROSS)]
    return np.vstack(rows)


def _page(rng: np.random.Generator, shapes: Alphabet) -> Image:
    digits = shapes.written if rng.random() < 0.6 else shapes.printed
    ink = np.zeros((_TILE, _TILE), np.float32)
    hand = style(rng, float(rng.uniform(16, 60)), filled=digits.filled)
    box = write(ink, digits.maps[rng.integers(len(digits.maps))], hand, (_TILE * 0.2, _TILE * 0.5))
    while box.w:
        box = beside(rng, ink, digits, hand, box, side=1, gap=hand.size * 0.2)
    return finish(rng, ink, hand)


def _save(path: Path, picture: Image) -> None:
    _, packed = cv2.imencode(".png", picture)
    try:
        path.write_bytes(packed.tobytes())
    except OSError as error:
        raise _not_written(path, str(error.strerror)) from error


def _not_written(path: Path, reason: str) -> InputError:
    return InputError(f"{path} cannot be written ({reason})", "name a .png in a folder of yours")


if __name__ == "__main__":
    sys.exit(main())
