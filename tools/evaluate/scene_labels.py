"""``labels.json`` beside the photographs: which digits stand where, checked in whole before anything runs. ::

    {"sheet.jpg": {
        "size": [640, 480],
        "digits": [{"box": [40.0, 71.5, 22.0, 38.0], "digit": 4}, …],
        "lines": ["4207"],
        "numbers": [{"text": "4.2", "digits": [0, 1]}, {"text": "07", "digits": [2, 3]}],
        "difficulty": "ordinary"}}

Boxes are x, y, width, height in pixels. ``numbers`` may be left out: then they are not judged.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.geometry import Boxes, union
from edge.records import Box

FILE_NAME = "labels.json"
DIFFICULTIES = ("ordinary", "hard")

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class NumberLabel:
    """What stands as one number, as `edge.track.numbers` understands it: its digits with a point where a
    decimal mark joins them, and the box around them."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One labelled photograph: ``boxes`` (N, 4) float32 x, y, w, h tight to the ink; ``digits`` (N,); the
    digits of each line in reading order; ``numbers``, of which there is one for each digit alone, too, None
    where the labels do not tell them."""

    path: Path
    size: tuple[int, int]
    boxes: Boxes
    digits: NDArray[np.intp]
    lines: tuple[str, ...]
    ordinary: bool
    numbers: tuple[NumberLabel, ...] | None = None


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
        told = entry.get("numbers")
        numbers = None if told is None else [(str(one["text"]), list(one["digits"])) for one in told]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{file}: the labels of {name} are not whole ({type(error).__name__}: {error})",
            "a picture needs size, digits (each with box and digit), lines and difficulty; and may have "
            "numbers (each with text, and digits: the places of its own)",
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
    whole = None if numbers is None else _numbers(file, name, numbers, boxes, digits)
    return Scene(file.parent / name, (width, height), boxes, digits, lines, difficulty == "ordinary", whole)


def _numbers(
    file: Path, name: str, numbers: list[tuple[str, list[Any]]], boxes: Boxes, digits: NDArray[np.intp]
) -> tuple[NumberLabel, ...]:
    """``numbers`` as texts and the places of their digits, checked. Raises ``InputError``."""
    places = [place for _, some in numbers for place in some]
    if sorted(map(repr, places)) != sorted(map(repr, range(len(digits)))):
        raise InputError(
            f"{file}: the numbers of {name} do not hold each digit once",
            f"all together they name 0 to {len(digits) - 1}, one digit alone is a number, too",
        )
    for text, some in numbers:
        if not _NUMBER.fullmatch(text) or text.replace(".", "") != "".join(str(digits[i]) for i in some):
            raise InputError(
                f"{file}: the number {text!r} of {name} is not what its digits say",
                "text has the same digits in the same order, and a point where a decimal mark stands",
            )
    return tuple(
        NumberLabel(text, union(*(Box(*boxes[place].tolist()) for place in some))) for text, some in numbers
    )
