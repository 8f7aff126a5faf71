"""A folder of composed scenes: the pictures, then ``labels.json``, which makes it whole; a contact sheet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.errors import InputError, UsageError
from edge.records import Image
from tools.compose.scene import Scene

LABELS = "labels.json"
SOURCE, LICENCE = "composed by tools.compose", "Apache-2.0; MNIST and Omniglot shapes by their terms"

_TILE, _ACROSS = (400, 320), 5
_FRAME = (0, 0, 255)


class Folder:
    """A new folder that scenes are added to."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError where ``path`` holds something already, InputError where it cannot be made."""
        self._path = path
        self._labels: dict[str, Any] = {}
        try:
            path.mkdir(parents=True, exist_ok=True)
            found = sorted(place.name for place in path.iterdir())
        except OSError as error:
            raise InputError(f"{path} cannot be made ({error.strerror})", "name a folder of yours") from error
        if found:
            state = "holds other files" if LABELS in found else f"was left half-written (no {LABELS})"
            raise UsageError(f"{path} {state}", "remove it or name a new folder")

    def add(self, name: str, scene: Scene) -> None:
        """Writes the picture ``name``."""
        self._path.joinpath(name).write_bytes(scene.jpeg)
        self._labels[name] = entry(scene)

    def finish(self) -> None:
        """Writes the labels: only now the folder is whole."""
        partial = self._path / (LABELS + ".partial")
        partial.write_text(json.dumps(self._labels, indent=1), "utf-8")
        partial.replace(self._path / LABELS)


def entry(scene: Scene) -> dict[str, Any]:
    """The labels of one scene, as `tools.evaluate` reads them."""
    height, width = scene.image.shape[:2]
    return {
        "size": [width, height],
        "digits": [
            {"box": [round(value, 1) for value in digit.box], "digit": digit.digit} for digit in scene.digits
        ],
        "lines": list(scene.lines),
        "difficulty": scene.difficulty,
        "source": SOURCE,
        "licence": LICENCE,
    }


def contact_sheet(path: Path, tiles: Sequence[Image]) -> None:
    """Writes a PNG of tiles. Raises InputError where it cannot be written."""
    blank = np.zeros_like(tiles[0])
    shown = [*tiles, *[blank] * (-len(tiles) % _ACROSS)]
    rows = [np.hstack(shown[start : start + _ACROSS]) for start in range(0, len(shown), _ACROSS)]
    _, packed = cv2.imencode(".png", np.vstack(rows))
    try:
        path.write_bytes(packed.tobytes())
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror})", "name a .png in a folder of yours"
        ) from error


def tile(scene: Scene) -> Image:
    """The scene with its boxes, made as small as a tile of the contact sheet."""
    picture = scene.image.copy()
    for x, y, w, h in (digit.box for digit in scene.digits):
        cv2.rectangle(picture, (int(x) - 1, int(y) - 1), (int(x + w) + 1, int(y + h) + 1), _FRAME)
    width, height = _TILE
    scale = min(width / picture.shape[1], height / picture.shape[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    framed: Image = np.zeros((height, width, 3), np.uint8)
    framed[: small.shape[0], : small.shape[1]] = small[:height, :width]
    return framed
