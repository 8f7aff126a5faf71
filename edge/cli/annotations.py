"""The pictures that ``edge recognize --annotate DIR`` and ``--explain DIR`` write."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2

from edge.errors import InputError, UsageError
from edge.records import Image


class Annotations:
    """A folder of PNG files, each named after its picture; none takes the place of another or of an input."""

    def __init__(self, folder: Path, inputs: Iterable[Path], option: str = "--annotate") -> None:
        """Makes the folder. Raises ``UsageError``, which names ``option``, where it cannot be."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"{option} {folder}: {reason}", "allowed: a folder that can be written"
            ) from None
        self._folder = folder.resolve()
        self._taken = {path.parent.resolve() / path.name for path in inputs}

    def write(self, source: Path, picture: Image) -> None:
        """Writes the ``picture`` of ``source``: ``a.png``, then ``a-2.png``. Raises ``InputError``."""
        file = self._place(source.stem)
        try:
            file.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
        except OSError as error:
            raise InputError(f"{file}: cannot be written: {error.strerror or error}") from None

    def _place(self, stem: str) -> Path:
        file, number = self._folder / f"{stem}.png", 1
        while file in self._taken:
            number += 1
            file = self._folder / f"{stem}-{number}.png"
        self._taken.add(file)
        return file
