"""Light that falls off across the table, a soft shadow that wanders, and the sensor's noise."""

from __future__ import annotations

import cv2
import numpy as np

from edge.capture.scene.motion import Homography
from edge.records import Image

COARSE = 6
"""Light is smooth: one value for so many units of the table is enough."""
REACH_X, REACH_Y = 600, 480
"""The lit part of the table, in units from its middle."""
WANDER = 37.0
"""Seconds of the shadow's way there and back."""
NOISE = 2.0
"""Standard deviation of the sensor's noise, in levels of 255."""
SPARE = 64
"""Pixels by which the noise is larger than the picture: each frame cuts another part of it."""


class Light:
    """One lamp and one shadow over the table."""

    def __init__(self, random: np.random.Generator) -> None:
        x, y = np.meshgrid(
            np.arange(-REACH_X, REACH_X + 1, COARSE, dtype=np.float32),
            np.arange(-REACH_Y, REACH_Y + 1, COARSE, dtype=np.float32),
        )
        lamp = random.uniform(0, 2 * np.pi)
        away = np.hypot(x - 210 * np.cos(lamp), y - 170 * np.sin(lamp))
        self._lamp = 250 / (1 + (away / random.uniform(420, 560)) ** 2)
        edge = lamp + np.pi + random.uniform(-0.5, 0.5)
        across = np.cos(edge) * x + np.sin(edge) * y - random.uniform(60, 150)
        self._across = across / random.uniform(14, 34)
        self._depth = random.uniform(0.25, 0.42)
        self._phase = random.uniform(0, 2 * np.pi)

    def cast(self, t: float, camera: Homography, out: Image) -> None:
        """Writes the light of this second into ``out`` (H, W), 255 for full, as the camera sees it."""
        shift = 2.0 * np.sin(2 * np.pi * t / WANDER + self._phase)
        shadow = 1 - self._depth / (1 + np.exp(np.clip(shift - self._across, -30, 30)))
        coarse = np.array([[COARSE, 0, -REACH_X], [0, COARSE, -REACH_Y], [0, 0, 1]], np.float64)
        field = (self._lamp * shadow).astype(np.uint8)
        size = (out.shape[1], out.shape[0])
        cv2.warpPerspective(field, camera @ coarse, size, dst=out, borderMode=cv2.BORDER_REPLICATE)


class Noise:
    """Grain of a small sensor, slightly blotchy as demosaicing makes it; another for every sequence."""

    def __init__(self, width: int, height: int, random: np.random.Generator) -> None:
        grain = random.standard_normal((height + SPARE, width + SPARE, 3)).astype(np.float32)
        grain = np.asarray(cv2.GaussianBlur(grain, (3, 3), 0.6), np.float32)
        grain *= NOISE / float(grain.std())
        # Apart by sign, so that adding and subtracting saturate in 8 bits.
        self._more = np.clip(np.rint(grain), 0, 255).astype(np.uint8)
        self._less = np.clip(np.rint(-grain), 0, 255).astype(np.uint8)
        self._size = (height, width)

    def add(self, image: Image, sequence: int) -> None:
        """Adds the noise of this frame in place."""
        height, width = self._size
        # Steps that share no factor with SPARE: neighbouring frames differ, all parts come round.
        y, x = sequence * 29 % SPARE, sequence * 43 % SPARE
        part = (slice(y, y + height), slice(x, x + width))
        cv2.add(image, self._more[part], dst=image)
        cv2.subtract(image, self._less[part], dst=image)
