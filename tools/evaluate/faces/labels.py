"""``dev.jsonl``: a line for each picture with the faces in it, checked in whole before anything runs."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.geometry import Boxes

MAX_BYTES = 64 * 1024 * 1024
"""Of a file of labels; a hundred thousand pictures need less."""
POINTS = 5
NEEDED = "file, size and faces; a face needs box, landmarks, masked and ignore"

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture with its N faces.

    ``boxes`` (N, 4) float32 x, y, w, h in pixels of the picture, whose ``size`` is (width, height);
    ``masked``, ``ignored`` (N,); ``landmarks`` (N, 5, 2) float32, image left to right (eye, eye, nose, mouth,
    mouth), NaN where they are not known. ``main_only``: other faces in it may lack a label.
    """

    file: str
    size: tuple[int, int]
    boxes: Boxes
    landmarks: NDArray[np.float32]
    masked: Flags
    ignored: Flags
    main_only: bool

    @property
    def heights(self) -> NDArray[np.float32]:
        """(N,) heights of the faces, once the picture's longer side is 320."""
        return np.asarray(self.boxes[:, 3] * (320 / max(self.size)), np.float32)


def load_labels(file: Path) -> list[Labelled]:
    """The labels of all pictures. Raises ``InputError`` with the line where one is not whole."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        raise InputError(
            f"{file}: no such file", "--labels names a file with a line for each picture"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: cannot be read: {error}", "is it whole?") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{file}: more than {MAX_BYTES} bytes", "judge a part of them")
    lines = enumerate(text.splitlines(), start=1)
    found = [_labelled(line, f"{file}:{number}") for number, line in lines if line.strip()]
    if not found:
        raise InputError(f"{file}: names no pictures", f"each line is a JSON object of {NEEDED}")
    names = [item.file for item in found]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{file}: {twice} stands in it twice", "each picture has one line")
    return found


def _labelled(line: str, place: str) -> Labelled:
    try:
        entry = json.loads(line)
        width, height = (int(value) for value in entry["size"])
        faces = [_face(face) for face in entry["faces"]]
        name, main_only = str(entry["file"]), bool(entry.get("main_face_only", False))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        why = f"{type(error).__name__}: {error}"
        raise InputError(f"{place}: not whole ({why})", f"a line needs {NEEDED}") from None
    if not 1 <= width <= 1 << 16 or not 1 <= height <= 1 << 16:
        raise InputError(
            f"{place}: the size {width}x{height} is impossible", "it is width and height in pixels"
        )
    boxes, landmarks, masked, ignored = zip(*faces, strict=True) if faces else ((), (), (), ())
    return Labelled(
        name,
        (width, height),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(landmarks, np.float32).reshape(-1, POINTS, 2),
        np.array(masked, bool),
        np.array(ignored, bool),
        main_only,
    )


def _face(face: Any) -> tuple[list[float], list[list[float]], bool, bool]:
    box = [float(value) for value in face["box"]]
    if len(box) != 4 or not all(math.isfinite(value) for value in box) or min(box[2:]) <= 0:
        raise ValueError(f"box {face['box']} is impossible")
    given = face["landmarks"]
    if given is None:
        points = [[math.nan, math.nan]] * POINTS
    else:
        points = [[float(x), float(y)] for x, y in given]
        if len(points) != POINTS or not all(math.isfinite(value) for point in points for value in point):
            raise ValueError(f"landmarks are {len(points)}, {POINTS} points are needed")
    return box, points, bool(face["masked"]), bool(face["ignore"])
