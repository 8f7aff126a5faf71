"""``labels.json`` beside the photographs: which digits stand where, checked in whole before anything runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.geometry import Boxes

FILE_NAME = "labels.json"
DIFFICULTIES = ("ordinary", "hard")


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One labelled photograph: ``boxes`` (N, 4) float32 x, y, w, h tight to the ink; ``digits`` (N,); the
    digits of each line in reading order."""

    path: Path
    size: tuple[int, int]
    boxes: Boxes
    digits: NDArray[np.intp]
    lines: tuple[str, ...]
    ordinary: bool


def load_scenes(folder: Path) -> list[Scene]:
    """The scenes of ``folder``, which holds ``labels.json`` and the pictures that it names.

    Raises ``InputError`` where the file is missing, is no such file, or names a picture that is not there.
    """
    file = folder / FILE_NAME
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"{file} is missing", f"--labels names the folder that holds {FILE_NAME} and its pictures"
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}", "is it whole?") from error
    if not isinstance(content, dict) or not content:
        raise InputError(f"{file} names no pictures", "it must be an object: a file name to its labels")
    scenes = [_scene(file, name, entry) for name, entry in content.items()]
    missing = [scene.path.name for scene in scenes if not scene.path.is_file()]
    if missing:
        raise InputError(
            f"{len(missing)} of the {len(scenes)} pictures of {file} are missing: {', '.join(missing[:3])}"
            + (", …" if len(missing) > 3 else ""),
            f"they must lie in {folder}",
        )
    return scenes


def _scene(file: Path, name: str, entry: Any) -> Scene:
    try:
        width, height = (int(value) for value in entry["size"])
        boxes = np.array([digit["box"] for digit in entry["digits"]], np.float32).reshape(-1, 4)
        digits = np.array([int(digit["digit"]) for digit in entry["digits"]], np.intp)
        lines = tuple(str(line) for line in entry["lines"])
        difficulty = entry["difficulty"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{file}: the labels of {name} are not whole ({type(error).__name__}: {error})",
            "a picture needs size, digits (each with box and digit), lines and difficulty",
        ) from error
    if difficulty not in DIFFICULTIES:
        raise InputError(
            f"{file}: the difficulty of {name} is {difficulty!r}", f"allowed: {', '.join(DIFFICULTIES)}"
        )
    outside = (boxes[:, :2] < 0).any() or (boxes[:, :2] + boxes[:, 2:] > (width, height)).any()
    if outside or (boxes[:, 2:] <= 0).any() or ((digits < 0) | (digits > 9)).any():
        raise InputError(
            f"{file}: a label of {name} is impossible",
            f"a box lies within {width}x{height}, a digit is 0 to 9",
        )
    return Scene(file.parent / name, (width, height), boxes, digits, lines, difficulty == "ordinary")
