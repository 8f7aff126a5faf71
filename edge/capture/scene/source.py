"""The drawn scene as a source of frames: ``demo`` or ``demo:SEED``; with ``+face`` a portrait beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge.capture.plain import Plain
from edge.capture.scene.panel import Panel
from edge.capture.scene.portrait import portrait
from edge.capture.scene.scene import Scene
from edge.capture.scene.visit import HEIGHT, WIDTH, Visit
from edge.capture.settings import CameraSettings
from edge.capture.stamp import Stamp
from edge.clock import Clock
from edge.errors import UnavailableError
from edge.records import Frame, Image

SIZE = (640, 480)
"""(width, height) where the settings name none; with the portrait its panel stands to the right of that."""


class SceneSource(Plain):
    """Draws a frame for each ``read``: frame ``n`` shows second ``n / fps`` of the scene.

    It is not live, so that it can be played in lock-step as well; its pace is ``rate``.
    """

    live = False

    def __init__(self, settings: CameraSettings, clock: Clock, *, seed: int = 0, face: bool = False) -> None:
        """``face``: the portrait is shown too. ``settings.size`` is that of the page, without its panel."""
        self.name = f"demo:{seed}" + ("+face" if face else "")
        self.rate = settings.fps
        self._seed = seed
        self._face = face
        self._size = settings.size or SIZE
        self._stamp = Stamp(clock)
        self._drawn = 0
        self._scene: Scene | None = None
        self._panel: Panel | None = None

    def open(self) -> None:
        """Lays out table and paper; reopened, the scene goes on where it was.

        Raises ``UnavailableError`` where the portrait is wanted and not installed.
        """
        if self._face:
            self._panel = Panel(self._seed, visit(self._seed, self._size), portrait())
        self._scene = Scene(self._seed, self._size)

    def read(self) -> Frame:
        """The next frame; a scene has no end."""
        if self._scene is None:
            raise UnavailableError(f"{self.name}: not open")
        image = self._draw(self._scene, self._drawn / self.rate, self._drawn)
        self._drawn += 1
        return self._stamp(image)

    def close(self) -> None:
        """Puts table and paper away."""
        self._scene = self._panel = None

    def counters(self) -> Mapping[str, int]:
        """A drawn frame is never corrupt."""
        return {"corrupt": 0}

    def _draw(self, scene: Scene, t: float, sequence: int) -> Image:
        image, _ = scene.draw(t, sequence)
        return image if self._panel is None else beside(image, self._panel.draw(t, sequence))


def visit(seed: int, size: tuple[int, int]) -> Visit:
    """The story of the portrait in a panel that stands to the right of a page of ``size``, as high as it."""
    width, height = size
    return Visit(seed, (width, 0), (round(height * WIDTH / HEIGHT), height))


def beside(page: Image, panel: Image) -> Image:
    """Both as one picture, (H, W, 3) BGR."""
    return np.ascontiguousarray(np.hstack((page, panel)))
