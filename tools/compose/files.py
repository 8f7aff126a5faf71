"""A folder of composed scenes: the pictures, then ``labels.json``, which makes it whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.errors import InputError, UsageError
from tools.compose.scene import Scene

LABELS = "labels.json"
SOURCE, LICENCE = "composed by tools.compose", "Apache-2.0; MNIST and Omniglot shapes by their terms"


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
        "numbers": [
            {"text": "".join(str(scene.digits[place].digit) for place in number), "digits": list(number)}
            for number in scene.numbers
        ],
        "difficulty": scene.difficulty,
        "source": SOURCE,
        "licence": LICENCE,
    }
