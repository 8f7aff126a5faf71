"""The inked sheet: paper with all that is written on it now, redrawn only where that changes."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.scene.hand import Glyph
from edge.capture.scene.page import PITCH, Mark, Page, Row
from edge.records import Image

FINE = 4
"""Ink is drawn this many times finer than the sheet and reduced, so that its edges are smooth."""

ABOVE, BELOW = 0.78, 0.22
"""The strip of a row, as shares of the pitch above and below its base line."""

_State = tuple[tuple[float, float], ...]
_Cover = tuple[slice, slice, Image]


class Sheet:
    """A page on its paper. ``image`` (H, W, 3) BGR; ``ink`` (H, W): how much of a pixel it covers, 0..255."""

    def __init__(self, page: Page, paper: Image, resolution: float) -> None:
        """``resolution``: pixels of ``paper`` to a unit of the page."""
        self.page = page
        self.image = paper.copy()
        self.ink = np.zeros(paper.shape[:2], np.uint8)
        self._paper = paper
        self._resolution = resolution
        self._states: list[_State] = [()] * len(page.rows)
        self._written: dict[int, _Cover] = {}
        self._grain = np.random.default_rng(page.number).random(paper.shape[:2], np.float32)

    def show(self, t: float) -> bool:
        """Brings the sheet to this second of the page; tells whether anything changed."""
        changed = False
        for index, row in enumerate(self.page.rows):
            state = tuple((round(mark.drawn(t), 3), round(mark.left(t), 3)) for mark in row.marks)
            if state != self._states[index]:
                self._states[index] = state
                self._redraw(row, state)
                changed = True
        return changed

    def _redraw(self, row: Row, state: _State) -> None:
        top, bottom = ((row.base + share * PITCH) * self._resolution for share in (-ABOVE, BELOW))
        strip = slice(max(round(top), 0), round(bottom))
        ink, image = self.ink[strip], self.image[strip]
        ink[:] = 0
        for mark, (drawn, left) in zip(row.marks, state, strict=True):
            if drawn > 0 and left > 0:
                rows, columns, cover = self._cover(mark, drawn)
                place = self.ink[rows, columns]
                np.maximum(place, cv2.convertScaleAbs(cover, alpha=left), out=place)
        share = ink.astype(np.float32) / 255
        share *= 1 - row.pen.grain * self._grain[strip]
        paper = self._paper[strip].astype(np.float32)
        image[:] = paper + share[..., None] * (np.array(row.pen.colour, np.float32) - paper)

    def _cover(self, mark: Mark, drawn: float) -> _Cover:
        """Where a mark's ink is and how it covers there; that of a whole mark is kept."""
        if drawn < 1:
            return _draw(mark.glyph, drawn, self._resolution, self.ink.shape)
        if mark.id not in self._written:
            self._written[mark.id] = _draw(mark.glyph, 1.0, self._resolution, self.ink.shape)
        return self._written[mark.id]


def _draw(glyph: Glyph, drawn: float, resolution: float, shape: tuple[int, ...]) -> _Cover:
    """The first part of a glyph's lines as coverage 0..255, with its rows and columns of the sheet."""
    outline = glyph.outline * resolution
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
    fine = np.zeros(((bottom - top) * FINE, (right - left) * FINE), np.uint8)
    remaining = round(drawn * sum(len(line) for line in glyph.lines))
    for line, radii in zip(glyph.lines, glyph.radii, strict=True):
        points = (line[:remaining] * resolution - (left, top)) * FINE
        _stroke(fine, points, radii * 2 * resolution * FINE)
        remaining = max(remaining - len(line), 0)
    cover = cv2.resize(fine, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return slice(top, bottom), slice(left, right), np.asarray(cover, np.uint8)


def _stroke(canvas: Image, points: NDArray[np.float64], widths: NDArray[np.float64]) -> None:
    """A line of changing width. OpenCV's thick lines have round ends, so that they join."""
    places = [(int(x), int(y)) for x, y in np.round(points)]
    for (start, end), width in zip(pairwise(places), widths, strict=False):
        cv2.line(canvas, start, end, 255, max(round(width), 1))
