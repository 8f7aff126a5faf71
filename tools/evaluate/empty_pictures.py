"""Pictures known to hold no digit: whatever is told of them is wrong, and no labels are needed."""

from __future__ import annotations

import sys

import numpy as np

from edge.capture.stills import picture_files, read_picture
from edge.errors import InputError
from edge.geometry import size_of
from tools.evaluate.scene_labels import Scene


def load_empty(folder: str) -> tuple[list[Scene], int]:
    """The pictures of a folder as scenes without a digit, and how many files cannot be read; these are told
    on standard error, a line each, and left out.

    Raises ``InputError`` where no picture is left.
    """
    scenes, skipped = [], 0
    for file in picture_files(folder):
        try:
            size = size_of(read_picture(file))
        except InputError as error:
            print(f"evaluate: left out: {error}", file=sys.stderr)
            skipped += 1
            continue
        nothing = np.zeros((0, 4), np.float32)
        scenes.append(Scene(file, size, nothing, np.zeros(0, np.intp), (), ordinary=True))
    if not scenes:
        raise InputError(f"{folder}: none of the {skipped} files can be read", "--empty names pictures")
    return scenes, skipped
