"""What a camera does to a face: turned, moved, small, blurred, dim, grey, partly hidden; anew each time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Full, Queue

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.train_faces.chips import MARGIN, SIDE

AHEAD = 4
"""Batches that are made while one is learnt."""


def bent(rng: np.random.Generator, stored: Image) -> Image:
    """A view (112, 112, 3) of a stored chip (128, 128, 3), both uint8 BGR."""
    angle, scale = rng.normal(0, 3), float(np.exp(rng.normal(0, 0.035)))
    matrix = np.asarray(cv2.getRotationMatrix2D((stored.shape[1] / 2, stored.shape[0] / 2), angle, scale))
    matrix[:, 2] = matrix[:, 2] + rng.normal(0, 1.5, 2) - MARGIN
    turned = cv2.warpAffine(stored, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    view: Image = np.asarray(turned, np.uint8)
    if rng.random() < 0.15:
        # As cut from a crop that ends below the chin: the last rows repeat.
        rows = int(rng.integers(95, SIDE))
        view[rows:] = view[rows - 1]
    if rng.random() < 0.3:
        view = _far(view, int(rng.integers(28, 90)))
    if rng.random() < 0.2:
        view = _blurred(rng, view)
    if rng.random() < 0.5:
        view = _lit(rng, view)
    if rng.random() < 0.1:
        view = np.asarray(cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
    if rng.random() < 0.15:
        x, y = rng.integers(0, SIDE - 20, 2)
        w, h = rng.integers(12, 45, 2)
        view[y : y + h, x : x + w] = rng.integers(0, 255, 3)
    if rng.random() < 0.2:
        view = _packed(view, int(rng.integers(25, 85)))
    return view


def _far(view: Image, side: int) -> Image:
    """As if the face were ``side`` pixels large."""
    small = cv2.resize(view, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (SIDE, SIDE)), np.uint8)


def _packed(view: Image, quality: int) -> Image:
    jpeg = cv2.imencode(".jpg", view, (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def _blurred(rng: np.random.Generator, view: Image) -> Image:
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.6, 2.0))), np.uint8)
    length = int(rng.integers(3, 9))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(rng.uniform(0, 180)), 1)
    return np.asarray(cv2.filter2D(view, -1, cv2.warpAffine(kernel, turn, (length, length))), np.uint8)


def _lit(rng: np.random.Generator, view: Image) -> Image:
    """Gain, gamma and colour of the light by channel, and noise in the dark."""
    levels = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.25))
    gains = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
    table = np.clip(levels**gamma * gains * 255, 0, 255).astype(np.uint8)[:, None, :]
    lit = cv2.LUT(view, table)
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(2, 10), view.shape)
        lit = np.clip(lit + noise, 0, 255).astype(np.uint8)
    return np.asarray(lit, np.uint8)


class Batches:
    """Batches of bent chips with their places, made on a thread of its own, as an endless iterator."""

    def __init__(
        self,
        chips: NDArray[np.uint8],
        chosen: NDArray[np.intp],
        size: int,
        seed: int,
    ) -> None:
        """``chosen``: the places that are learnt from."""
        self._chips, self._chosen, self._size = chips, chosen, size
        self._rng = np.random.default_rng(seed)
        self._made: Queue[tuple[NDArray[np.uint8], NDArray[np.intp]]] = Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._make, name="bend", daemon=True)

    def __enter__(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.intp]]]:
        self._thread.start()
        return iter(self._made.get, None)

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    def _make(self) -> None:
        while not self._stop.is_set():
            places = self._rng.choice(self._chosen, self._size, replace=False)
            views = np.stack([bent(self._rng, self._chips[place]) for place in places])
            mirrored = self._rng.random(self._size) < 0.5
            views[mirrored] = views[mirrored, :, ::-1]
            batch = views, places
            while not self._stop.is_set():
                try:
                    self._made.put(batch, timeout=0.2)
                    break
                except Full:
                    continue
