"""What a camera makes of light: defocus, motion, exposure, noise, JPEG."""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Image
from tools.ink.shapes import Canvas

_FAINTEST = 24
"""Grey levels between paper and ink that even the darkest picture keeps: less is legible to nobody."""


def photograph(rng: np.random.Generator, scene: Canvas, detail: float, contrast: float = 0.3) -> Image:
    """The grey picture (H, W) uint8 that a camera takes of ``scene`` (H, W) float32, 0 black to 1 white.

    ``detail`` is the size in pixels of what must stay legible, ``contrast`` (share of white) how much it
    stands out: blur and noise are bounded by them.
    """
    scene = _defocus(rng, scene, detail)
    exposure = rng.uniform(0.5, 1.1) if rng.random() < 0.75 else 10 ** rng.uniform(-0.9, -0.2)
    exposure = max(exposure, _FAINTEST / (255 * contrast))
    levels = 255 * contrast * exposure
    values = scene * exposure
    if rng.random() < 0.5:
        values = np.clip(values, 0, 1) ** rng.uniform(0.75, 1.3)
    values = values * 255 + rng.uniform(0, 12)
    if rng.random() < 0.8:
        deviation = min(10 ** rng.uniform(-0.3, 0.85), levels * 0.15)
        noise = rng.standard_normal(values.shape, np.float32)
        if rng.random() < 0.4:
            noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.5, 1.2)) * 1.6
        values = values + noise * deviation
    grey = np.asarray(np.clip(values, 0, 255), np.uint8)
    if rng.random() < 0.5:
        return grey
    return _jpeg(grey, int(rng.integers(min(30 + int(1200 / levels), 85), 96)))


def _defocus(rng: np.random.Generator, scene: Canvas, detail: float) -> Canvas:
    kind = rng.random()
    if kind < 0.55:
        sigma = rng.uniform(0.3, max(0.06 * detail, 0.7)) if kind < 0.15 else rng.uniform(0.3, 0.8)
        return np.asarray(cv2.GaussianBlur(scene, (0, 0), sigma), np.float32)
    if kind < 0.65 and detail > 14:
        length = int(rng.uniform(2, max(0.13 * detail, 3)))
        kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
        angle = rng.uniform(0, np.pi)
        step = (round(length / 2 * np.cos(angle)), round(length / 2 * np.sin(angle)))
        cv2.line(kernel, (length - step[0], length - step[1]), (length + step[0], length + step[1]), (1.0,))
        return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)
    return scene


def _jpeg(grey: Image, quality: int) -> Image:
    done, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8)
