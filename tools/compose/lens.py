"""A photograph in colour of a whole scene: light, focus, shake, exposure, noise, JPEG.

The counterpart of `tools.ink.camera`, which takes grey crops.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Image
from tools.ink.papers import light, shadow
from tools.ink.shapes import Canvas

_FAINTEST = 22.0
"""Grey levels between ink and paper that even the darkest picture keeps."""

_COARSE = 4
"""Light changes slowly: it is drawn this many times smaller."""


def lit(rng: np.random.Generator, scene: Canvas) -> Canvas:
    """``scene`` (H, W, 3) in uneven, tinted light, perhaps with a shadow across it."""
    height, width = scene.shape[:2]
    coarse = light(rng, height // _COARSE, width // _COARSE)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.2:
        field = field * shadow(rng, height, width)
    warmth = rng.normal(0, 0.07)
    tint = np.array([1 - warmth, 1 + rng.normal(0, 0.02), 1 + warmth], np.float32)
    return np.asarray(scene * field[..., None] * tint, np.float32)


def photographed(rng: np.random.Generator, scene: Canvas, detail: float, contrast: float) -> bytes:
    """The JPEG file that a camera makes of ``scene`` (H, W, 3), 0 black to 1 white, blue first.

    ``detail``: pixels of the smallest thing that must stay legible; ``contrast``: share of white by which the
    faintest stands out. Blur and noise are bounded by them.
    """
    scene = _blurred(rng, scene, detail)
    dim = rng.random() < 0.2
    exposure = 10 ** rng.uniform(-0.85, -0.25) if dim else rng.uniform(0.6, 1.15)
    exposure = max(exposure, _FAINTEST / (255 * contrast))
    levels = 255 * contrast * exposure
    values = np.clip(scene * np.float32(exposure), 0, 1) ** np.float32(rng.uniform(0.75, 1.25))
    values = values * 255 + np.float32(rng.uniform(0, 14))
    if rng.random() < 0.85:
        deviation = min(10 ** rng.uniform(-0.3, 0.9), levels * 0.16)
        values += _noise(rng, values.shape) * np.float32(deviation)
    picture = np.clip(values, 0, 255).astype(np.uint8)
    worst = min(35 + int(1200 / levels), 88)
    quality = int(rng.integers(worst, 97)) if rng.random() < 0.6 else 95
    done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return packed.tobytes()


def developed(jpeg: bytes) -> Image:
    """The picture (H, W, 3) BGR of a JPEG file."""
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def _blurred(rng: np.random.Generator, scene: Canvas, detail: float) -> Canvas:
    kind = rng.random()
    if kind < 0.2:
        sigma = rng.uniform(0.5, max(0.045 * detail, 0.8))
    elif kind < 0.3 and detail > 16:
        return _shaken(rng, scene, rng.uniform(2, max(0.12 * detail, 3)))
    elif kind < 0.8:
        sigma = rng.uniform(0.3, 0.8)
    else:
        return scene
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), sigma), np.float32)


def _shaken(rng: np.random.Generator, scene: Canvas, length: float) -> Canvas:
    reach = int(np.ceil(length))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    angle = rng.uniform(0, np.pi)
    dx, dy = round(length / 2 * np.cos(angle)), round(length / 2 * np.sin(angle))
    cv2.line(kernel, (reach - dx, reach - dy), (reach + dx, reach + dy), (1.0,))
    return np.asarray(cv2.filter2D(scene, -1, kernel / kernel.sum()), np.float32)


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Canvas:
    """Noise of deviation 1: the same in all colours, with some of each colour's own, coarse or fine."""
    grey = rng.standard_normal((*shape[:2], 1), np.float32)
    own = cv2.resize(rng.standard_normal((shape[0] // 2, shape[1] // 2, 3), np.float32), (shape[1], shape[0]))
    noise = grey + own * np.float32(rng.uniform(0, 0.8))
    if rng.random() < 0.35:
        noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.5, 1.2)) * 1.6
    return np.asarray(noise, np.float32)
