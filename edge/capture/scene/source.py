"""The drawn scene as a source of frames: ``demo`` or ``demo:SEED``."""

from __future__ import annotations

from collections.abc import Mapping

from edge.capture.plain import Plain
from edge.capture.scene.scene import Scene
from edge.capture.settings import CameraSettings
from edge.capture.stamp import Stamp
from edge.clock import Clock
from edge.errors import UnavailableError
from edge.records import Frame

SIZE = (640, 480)
"""(width, height) where the settings name none."""


class SceneSource(Plain):
    """Draws a frame for each ``read``: frame ``n`` shows second ``n / fps`` of the scene.

    It is not live, so that it can be played in lock-step as well; its pace is ``rate``.
    """

    live = False

    def __init__(self, settings: CameraSettings, clock: Clock, *, seed: int = 0) -> None:
        self.name = f"demo:{seed}"
        self.rate = settings.fps
        self._seed = seed
        self._size = settings.size or SIZE
        self._stamp = Stamp(clock)
        self._drawn = 0
        self._scene: Scene | None = None

    def open(self) -> None:
        """Lays out table and paper; reopened, the scene goes on where it was."""
        self._scene = Scene(self._seed, self._size)

    def read(self) -> Frame:
        """The next frame; a scene has no end."""
        if self._scene is None:
            raise UnavailableError(f"{self.name}: not open")
        image, _ = self._scene.draw(self._drawn / self.rate, self._drawn)
        self._drawn += 1
        return self._stamp(image)

    def close(self) -> None:
        """Puts table and paper away."""
        self._scene = None

    def counters(self) -> Mapping[str, int]:
        """A drawn frame is never corrupt."""
        return {"corrupt": 0}
