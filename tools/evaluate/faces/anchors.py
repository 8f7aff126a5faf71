"""What the public detectors' numbers mean: places and sizes that boxes are told relative to.

BlazeFace: Bazarevsky et al. 2019, "BlazeFace: Sub-millisecond neural face detection on mobile GPUs" (arXiv
1907.05047), and its full-range successor. RFB: the ultra-light detector of 2019, with the priors of SSD (Liu
et al. 2016, arXiv 1512.02325).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.evaluate.faces.matching import Floats

RFB_SIZES = ((10, 16, 24), (32, 48), (64, 96), (128, 192, 256))
"""Sides of the square priors, in pixels of the input, by stride."""
RFB_STRIDES = (8, 16, 32, 64)
RFB_VARIANCES = (0.1, 0.2)


def cell_centres(columns: int, rows: int, each: int) -> Floats:
    """Centres (rows * columns * each, 2) x, y of the cells of a grid, in shares of the picture, row by
    row."""
    y, x = np.mgrid[:rows, :columns]
    centres = np.stack([(x + 0.5) / columns, (y + 0.5) / rows], axis=-1).reshape(-1, 1, 2)
    return np.asarray(np.repeat(centres, each, axis=1).reshape(-1, 2), np.float32)


def blaze_centres(anchors: int) -> Floats | None:
    """Centres (N, 2) of BlazeFace's anchors, by how many there are; None for another network.

    896: two at each cell of 16x16, six at each of 8x8. 2304: one at each cell of 48x48.
    """
    if anchors == 896:
        return np.concatenate([cell_centres(16, 16, 2), cell_centres(8, 8, 6)])
    return cell_centres(48, 48, 1) if anchors == 2304 else None


def blaze_decoded(raw: Floats, logits: Floats, side: int) -> tuple[Floats, Floats, Floats]:
    """Boxes (N, 4) x, y, w, h and points (N, 5, 2) in pixels of the input, scores (N,).

    ``raw`` (N, 16): centre relative to the anchor's, width and height, then x, y of eye, eye, nose, middle of
    the mouth, ear, ear, image left to right. Both corners of the mouth are told to be its middle. ``logits``
    (N, 1).
    """
    centres = blaze_centres(len(raw))
    assert centres is not None
    shifted = raw.reshape(-1, 8, 2).copy()
    shifted[:, 0] += centres * side
    shifted[:, 2:] += (centres * side)[:, None]
    boxes = np.concatenate([shifted[:, 0] - shifted[:, 1] / 2, shifted[:, 1]], axis=1)
    points = np.zeros((len(raw), 5, 2), np.float32)
    points[:, :3] = shifted[:, 2:5]
    points[:, 3:] = shifted[:, 5:6]
    scores = 1 / (1 + np.exp(-np.clip(logits.ravel(), -80, 80)))
    return boxes.astype(np.float32), points, scores.astype(np.float32)


def rfb_priors(width: int, height: int) -> Floats:
    """Priors (N, 4) centre x, centre y, width, height in shares of an input of this size."""
    parts: list[NDArray[np.float32]] = []
    for stride, sides in zip(RFB_STRIDES, RFB_SIZES, strict=True):
        columns, rows = -(-width // stride), -(-height // stride)
        y, x = np.mgrid[:rows, :columns]
        centres = np.stack([(x + 0.5) * stride / width, (y + 0.5) * stride / height], axis=-1)
        parts.append(_at(centres, sides, width, height))
    return np.clip(np.concatenate(parts), 0, 1)


def _at(centres: NDArray[np.float64], sides: Sequence[int], width: int, height: int) -> Floats:
    shares = np.array([(side / width, side / height) for side in sides])
    places = np.repeat(centres.reshape(-1, 1, 2), len(sides), axis=1)
    sizes = np.broadcast_to(shares, places.shape)
    return np.asarray(np.concatenate([places, sizes], axis=2).reshape(-1, 4), np.float32)


def rfb_decoded(raw: Floats, priors: Floats, size: tuple[int, int]) -> Floats:
    """Boxes (N, 4) x, y, w, h in pixels of the input of ``size``; ``raw``, ``priors`` (N, 4)."""
    near, scale = RFB_VARIANCES
    centres = raw[:, :2] * near * priors[:, 2:] + priors[:, :2]
    sides = np.exp(raw[:, 2:] * scale) * priors[:, 2:]
    whole = np.array([*size, *size], np.float32)
    return np.asarray(np.concatenate([centres - sides / 2, sides], axis=1) * whole, np.float32)
