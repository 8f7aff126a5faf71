"""The scene, drawn: a picture of the story at any second, the same for the same seed."""

from __future__ import annotations

import cv2
import numpy as np

from edge.capture.scene.light import REACH_X, REACH_Y, Light, Noise
from edge.capture.scene.motion import Homography
from edge.capture.scene.page import HEIGHT, WIDTH, Page
from edge.capture.scene.sheet import Sheet
from edge.capture.scene.story import Story, Truth
from edge.capture.scene.surface import PAPERS, paper, table
from edge.records import Image

FINER = 1.25
"""Pixels of the sheet to one of the picture: what is enlarged a little stays sharp."""
SHADOW = 14
"""Width of the shadow that a sheet casts on the table, in units."""


class Scene:
    """Numbers in handwriting on paper, on a table, under a camera. Not for several threads at once."""

    def __init__(self, seed: int = 0, size: tuple[int, int] = (640, 480)) -> None:
        """``size``: (width, height) of the pictures."""
        width, height = size
        random = np.random.default_rng((seed, 0, 2))
        unit = min(width / 640, height / 480)
        self._story = Story(seed, size)
        self._size = size
        self._resolution = FINER * unit
        self._light = Light(random)
        self._noise = Noise(width, height, random)
        self._papers = [paper(kind, self._resolution, random) for kind in PAPERS]
        self._table = table(round(2 * REACH_X * unit), round(2 * REACH_Y * unit), unit, random)
        self._shadow = _shadow(unit)
        # From pixels of the textures to units of the table and of the page.
        self._on_table = np.array([[1 / unit, 0, -REACH_X], [0, 1 / unit, -REACH_Y], [0, 0, 1]])
        self._on_page = np.diag([1 / self._resolution, 1 / self._resolution, 1])
        self._in_shadow = np.array([[1 / unit, 0, -2 * SHADOW], [0, 1 / unit, -2 * SHADOW], [0, 0, 1]])
        self._sheet = self._lay(self._story.moment(0)[0])
        self._view: tuple[bytes, bytes] | None = None
        self._shaded: bytes | None = None
        self._ground = np.empty_like(self._table)
        self._surface = np.empty((height, width, 3), np.uint8)
        self._lit = np.empty((height, width), np.uint8)
        self._lit_bgr = np.empty((height, width, 3), np.uint8)

    def draw(self, t: float, sequence: int = 0) -> tuple[Image, Truth]:
        """The picture (H, W, 3) BGR of second ``t`` and its truth; ``sequence`` chooses the noise."""
        page, second, camera, place = self._story.moment(t)
        if self._sheet.page is not page:
            self._sheet = self._lay(page)
            self._view = None
        self._look(camera, place, changed=self._sheet.show(second))
        self._light.cast(t, camera, self._lit)
        cv2.cvtColor(self._lit, cv2.COLOR_GRAY2BGR, dst=self._lit_bgr)
        lit = cv2.multiply(self._surface, self._lit_bgr, scale=1 / 255)
        image = np.asarray(cv2.GaussianBlur(lit, (3, 3), 0.55), np.uint8)
        self._noise.add(image, sequence)
        return image, self._story.truth(t)

    def _lay(self, page: Page) -> Sheet:
        return Sheet(
            page, self._papers[(self._story.seed + page.number) % len(self._papers)], self._resolution
        )

    def _look(self, camera: Homography, place: Homography, *, changed: bool) -> None:
        """Brings table and sheet into the picture, unless nothing has moved or changed."""
        view = (camera.tobytes(), place.tobytes())
        if not changed and view == self._view:
            return
        self._view = view
        self._shade_table(place)
        ground, sheet = camera @ self._on_table, camera @ place @ self._on_page
        cv2.warpPerspective(
            self._ground, ground, self._size, dst=self._surface, borderMode=cv2.BORDER_REFLECT
        )
        cv2.warpPerspective(
            self._sheet.image, sheet, self._size, dst=self._surface, borderMode=cv2.BORDER_TRANSPARENT
        )

    def _shade_table(self, place: Homography) -> None:
        """Lays the sheet's shadow on the table, where the sheet is now."""
        if self._shaded == place.tobytes():
            return
        self._shaded = place.tobytes()
        move = np.linalg.inv(self._on_table) @ place @ self._in_shadow
        size = (self._table.shape[1], self._table.shape[0])
        shade = cv2.warpAffine(self._shadow, move[:2], size, borderValue=255)
        cv2.multiply(self._table, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR), dst=self._ground, scale=1 / 255)


def _shadow(unit: float) -> Image:
    """The shadow of a sheet with a border of 2 x ``SHADOW`` around it: (H, W), 255 where none falls."""
    width, height = (round((side + 4 * SHADOW) * unit) for side in (WIDTH, HEIGHT))
    shade = np.full((height, width), 255, np.uint8)
    near, far = round(2.4 * SHADOW * unit), round(1.7 * SHADOW * unit)
    shade[near : height - far, near : width - far] = 120
    return np.asarray(cv2.GaussianBlur(shade, (0, 0), SHADOW * unit / 2), np.uint8)
