"""The panel beside the page, drawn: a plain board, on it the photograph, over it a sheet of paper."""

from __future__ import annotations

import cv2
import numpy as np

from edge.capture.scene.light import Noise
from edge.capture.scene.portrait import CARD, FACE
from edge.capture.scene.visit import BORDER, Visit
from edge.records import Image

BOARD = (132, 126, 112)
"""BGR of what the photograph lies on. It is plain: a grain would be looked through for digits."""

PAPER = (228, 226, 219)
"""BGR of the sheet that hides a part of the face."""


class Panel:
    """Not for several threads at once."""

    def __init__(self, seed: int, visit: Visit, picture: Image) -> None:
        """``picture``: the portrait as ``portrait`` gives it."""
        width, height = visit.size
        random = np.random.default_rng((seed, 0, 4))
        left, top, wide, high = CARD
        self._visit = visit
        card = picture[top : top + high, left : left + wide]
        white = (244, 244, 244)
        bordered = cv2.copyMakeBorder(card, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_CONSTANT, value=white)
        self._card: Image = np.asarray(bordered, np.uint8)
        self._wall = _wall(width, height, random)
        self._noise = Noise(width, height, random)
        self._covered = np.empty_like(self._card)

    def draw(self, t: float, sequence: int) -> Image:
        """The panel (H, W, 3) BGR at second ``t``; ``sequence`` chooses the noise."""
        image: Image = self._wall.copy()
        place = self._visit.stand(t).matrix(*self._visit.size)
        card = self._cover(self._visit.cover(t))
        light = self._visit.light(t)
        if light < 1:
            card = np.asarray(cv2.convertScaleAbs(card, alpha=light), np.uint8)
        cv2.warpPerspective(
            card, place, self._visit.size, dst=image, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_TRANSPARENT
        )
        image = np.asarray(cv2.GaussianBlur(image, (3, 3), 0.55), np.uint8)
        self._noise.add(image, sequence)
        return image

    def _cover(self, share: float) -> Image:
        """The card with a sheet of paper over it from below, up to this share of the face."""
        if share <= 0:
            return self._card
        chin = FACE.y + FACE.h - CARD[1] + BORDER
        edge = round(chin - share * FACE.h)
        np.copyto(self._covered, self._card)
        self._covered[edge:] = PAPER
        cv2.line(self._covered, (0, edge), (self._covered.shape[1], edge), (170, 168, 160), 1)
        return self._covered


def _wall(width: int, height: int, random: np.random.Generator) -> Image:
    """A painted board under light that falls off: (H, W, 3) BGR."""
    coarse = random.uniform(-6, 6, (5, 3)).astype(np.float32)
    shade = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    board = np.array(BOARD, np.float32) + np.asarray(shade, np.float32)[..., None]
    return np.asarray(np.clip(board, 0, 255), np.uint8)
