"""The composed scenes that are learnt from; few of their pictures are in memory at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.errors import InputError
from edge.geometry import Boxes, size_of
from edge.records import Image
from tools.evaluate.scene_labels import FILE_NAME, Scene, load_scenes

HELD = 96
"""Pictures in memory, of at most 1.3 megabytes each."""

PATIENCE = 24
"""Views of a picture before another takes its place: reading one costs as much as making ten views."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A scene in memory: ``grey`` (H, W) uint8, ``boxes`` (N, 4) x, y, w, h, ``digits`` (N,) 0 to 9."""

    grey: Image
    boxes: Boxes
    digits: np.typing.NDArray[np.intp]


def scenes_in(folders: Sequence[Path], command: str) -> list[Scene]:
    """The scenes of folders that ``tools.compose`` has made.

    Raises ``InputError`` where one is missing or not whole, or where none has a digit.
    """
    scenes: list[Scene] = []
    for folder in folders:
        if not (folder / FILE_NAME).is_file():
            raise InputError(f"no scenes in {folder}", f"make them: {command} --out {folder}")
        scenes += load_scenes(folder)
    if not any(len(scene.digits) for scene in scenes):
        raise InputError(f"no scene in {', '.join(str(folder) for folder in folders)} has a digit")
    return scenes


def picture(scene: Scene) -> Picture:
    """Reads a scene. Raises ``InputError`` where its picture is damaged or not the one of the labels."""
    try:
        packed = np.fromfile(scene.path, np.uint8)
    except OSError as error:
        raise InputError(f"{scene.path} cannot be read ({error.strerror})") from error
    grey = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE) if len(packed) else None
    if grey is None:
        raise InputError(f"{scene.path} is no picture, or is damaged", "compose the scenes again")
    if size_of(np.asarray(grey, np.uint8)) != scene.size:
        found = "x".join(str(side) for side in size_of(np.asarray(grey, np.uint8)))
        raise InputError(f"{scene.path} is {found}, its labels say {scene.size[0]}x{scene.size[1]}")
    return Picture(np.asarray(grey, np.uint8), scene.boxes, scene.digits)


class Shelf:
    """Pictures by chance from all scenes; those at hand change one by one, so memory is bounded."""

    def __init__(self, scenes: Sequence[Scene], rng: np.random.Generator) -> None:
        """Reads the first pictures only when one is drawn."""
        self._scenes, self._rng = scenes, rng
        self._order: list[int] = []
        self._held: list[Picture] = []
        self._oldest = self._draws = 0

    def draw(self) -> Picture:
        """One of those in memory. Raises ``InputError`` as ``picture``."""
        most = min(HELD, len(self._scenes))
        while len(self._held) < most:
            self._held.append(picture(self._next()))
        self._draws += 1
        if most < len(self._scenes) and self._draws % PATIENCE == 0:
            self._held[self._oldest] = picture(self._next())
            self._oldest = (self._oldest + 1) % most
        return self._held[self._rng.integers(most)]

    def _next(self) -> Scene:
        """Each scene once before any comes again."""
        if not self._order:
            self._order = self._rng.permutation(len(self._scenes)).tolist()
        return self._scenes[self._order.pop()]
