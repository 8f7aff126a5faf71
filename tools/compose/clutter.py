"""What else is on a leaf: underlines, crossings-out, signs of arithmetic, holes, staples, doodles, tables."""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Box
from tools.compose.leaf import Ink, Leaf
from tools.compose.words import Faces, phrase, set_line
from tools.ink.scribbles import blot, cursive, doodle

_SIGNS: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "+": (((0, 0.5), (1, 0.5)), ((0.5, 0), (0.5, 1))),
    "-": (((0, 0.5), (1, 0.5)),),
    "=": (((0, 0.35), (1, 0.35)), ((0, 0.65), (1, 0.65))),
    "x": (((0.1, 0.1), (0.9, 0.9)), ((0.1, 0.9), (0.9, 0.1))),
    "/": (((0.05, 1.1), (0.95, -0.1)),),
    "(": (((0.55, -0.2), (0.3, 0.15), (0.2, 0.5), (0.3, 0.85), (0.55, 1.2)),),
    ")": (((0.45, -0.2), (0.7, 0.15), (0.8, 0.5), (0.7, 0.85), (0.45, 1.2)),),
    "<": (((0.9, 0.1), (0.1, 0.5), (0.9, 0.9)),),
    "[": (((0.6, -0.1), (0.3, -0.1), (0.3, 1.1), (0.6, 1.1)),),
    "]": (((0.4, -0.1), (0.7, -0.1), (0.7, 1.1), (0.4, 1.1)),),
    "?": (
        ((0.1, 0.2), (0.25, 0.02), (0.6, 0), (0.8, 0.2), (0.5, 0.5), (0.45, 0.72)),
        ((0.45, 0.95), (0.47, 0.98)),
    ),
    "✓": (((0, 0.55), (0.3, 1), (1, -0.1)),),
    "~": (((0, 0.6), (0.25, 0.4), (0.5, 0.5), (0.75, 0.6), (1, 0.4)),),
    "α": (((1, 0.1), (0.6, 0.8), (0.3, 1), (0.05, 0.75), (0.05, 0.3), (0.3, 0.02), (0.6, 0.25), (1, 1)),),
    "√": (((0, 0.6), (0.2, 0.5), (0.4, 1.1), (0.8, -0.2), (2.2, -0.2)),),
    ":": (((0.5, 0.25), (0.52, 0.27)), ((0.5, 0.75), (0.52, 0.77))),
    "€": (
        ((0.9, 0.1), (0.5, 0), (0.2, 0.5), (0.5, 1), (0.9, 0.9)),
        ((0, 0.4), (0.7, 0.4)),
        ((0, 0.6), (0.7, 0.6)),
    ),
    "%": (((0.1, 1), (0.9, 0)), ((0.1, 0.1), (0.3, 0.05), (0.3, 0.3), (0.1, 0.3), (0.1, 0.1)),
          ((0.7, 0.7), (0.9, 0.7), (0.9, 0.95), (0.7, 0.95), (0.7, 0.7))),
}  # fmt: skip
"""Strokes of signs in a square of side 1, y down."""

_BETWEEN = tuple("++--==x/()<:€%√[]?✓~α")


def sign(
    rng: np.random.Generator, leaf: Leaf, ink: Ink, start: tuple[float, float], *, size: float, pen: float
) -> float:
    """Draws a sign that stands between numbers, the middle of its left edge at ``start``; gives its width."""
    x, y = start
    name = _BETWEEN[rng.integers(len(_BETWEEN))]
    tall = size * (0.9 if name in "()/√€%[]✓" else rng.uniform(0.4, 0.75))
    wide = tall * rng.uniform(0.6, 1.1)
    for stroke in _SIGNS[name]:
        points = np.array(stroke) * (wide, tall) + (x, y - tall / 2)
        leaf.stroke(points + rng.normal(0, size * 0.02, points.shape), pen, ink)
    return wide * (2.2 if name == "√" else 1)


def underline(rng: np.random.Generator, leaf: Leaf, ink: Ink, row: Box, pen: float) -> None:
    """A line or two under a row, or a frame or a ring around it."""
    kind = rng.random()
    low = row.y + row.h * rng.uniform(1.12, 1.4)
    if kind < 0.7:
        for offset in (0.0, row.h * 0.15) if rng.random() < 0.3 else (0.0,):
            first = row.x - row.h * rng.uniform(0, 0.5)
            ends = np.array([(first, low + offset), (row.x + row.w, low + offset)])
            leaf.stroke(ends + rng.normal(0, row.h * 0.03, (2, 2)), pen, ink)
    else:
        middle = np.array([row.x + row.w / 2, row.y + row.h / 2])
        angles = np.linspace(0, 2 * np.pi * rng.uniform(0.95, 1.1), 40)
        power = 1.0 if kind < 0.85 else 0.4
        ring = np.stack([np.cos(angles), np.sin(angles)], 1)
        ring = np.sign(ring) * np.abs(ring) ** power
        leaf.stroke(middle + ring * (row.w * 0.6 + row.h * 0.4, row.h * 0.85), pen, ink)


def crossed_out(rng: np.random.Generator, leaf: Leaf, ink: Ink, row: Box, pen: float) -> None:
    """Lines through a word."""
    for _ in range(int(rng.integers(1, 5))):
        y = row.y + row.h * rng.uniform(0.2, 0.8, 2)
        leaf.stroke(np.array([(row.x - row.h * 0.2, y[0]), (row.x + row.w, y[1])]), pen, ink)


def scribbled(
    rng: np.random.Generator, leaf: Leaf, ink: Ink, start: tuple[float, float], *, height: float, pen: float
) -> Box:
    """A joined scrawl like a word from ``start``; gives its box."""
    x, y = int(start[0]), int(start[1] - 1.6 * height)
    view = ink.cover[max(y, 0) : max(y, 0) + int(3.2 * height) + 2, max(x, 0) : max(x, 0) + int(9 * height)]
    if min(view.shape) < 4:
        return Box(0, 0, 0, 0)
    word = np.zeros(view.shape, np.float32)
    cursive(rng, word, (height * 0.5, 1.6 * height), height, pen)
    np.maximum(view, word, out=view)
    seen = cv2.boundingRect((word > 0.3).astype(np.uint8))
    box = Box(seen[0] + max(x, 0), seen[1] + max(y, 0), seen[2], seen[3])
    if box.w:
        leaf.taken.append(box)
    return box


def decorate(rng: np.random.Generator, leaf: Leaf, ink: Ink, faces: Faces, pen: float) -> None:
    """A few things where the leaf is still empty."""
    for _ in range(int(rng.choice([0, 0, 1, 1, 2, 3, 4]))):
        box = _free_place(rng, leaf)
        if box is None:
            continue
        view = ink.cover[int(box.y) : int(box.y + box.h), int(box.x) : int(box.x + box.w)]
        kind = rng.random()
        if kind < 0.3:
            doodle(rng, view, max(pen, 1.0))
        elif kind < 0.4:
            blot(rng, view)
        elif kind < 0.55:
            scribbled(rng, leaf, ink, (box.x, box.y + box.h / 2), height=box.h / 4, pen=pen)
        elif kind < 0.8:
            _print(rng, leaf, ink, faces, box)
        else:
            _table(rng, leaf, ink, box)
        leaf.taken.append(box)
    if rng.random() < 0.12:
        _holes(rng, leaf)
    if rng.random() < 0.1:
        _staple(rng, leaf)


def print_block(
    rng: np.random.Generator, leaf: Leaf, ink: Ink, faces: Faces, box: Box, *, size: float, script: bool
) -> None:
    """Lines of type (or of a script font) that fill ``box``, letters ``size`` pixels high."""
    chosen = faces.script if script else faces.type
    font = chosen[rng.integers(len(chosen))]
    leading = size * rng.uniform(1.1, 2.0)
    y = box.y
    while y + size < box.y + box.h:
        mask = set_line(font, phrase(rng, int(rng.integers(1, 3 + int(box.w / size / 4)))), size)
        if mask is not None:
            leaf.stamp(mask[:, : max(int(box.w), 1)], box.x, y, ink, rng.uniform(0.7, 1))
        y += leading


def show_through(rng: np.random.Generator, leaf: Leaf) -> None:
    """The other side's ink, mirrored, blurred and faint."""
    if not leaf.inks:
        return
    mirrored = np.roll(leaf.inks[0].cover[:, ::-1], int(rng.integers(5, 60)), axis=0)
    other = cv2.GaussianBlur(mirrored, (0, 0), 1.5)
    leaf.ground *= 1 - np.float32(rng.uniform(0.03, 0.13)) * other[..., None]


def _print(rng: np.random.Generator, leaf: Leaf, ink: Ink, faces: Faces, box: Box) -> None:
    size = float(np.clip(box.h * rng.uniform(0.08, 0.5), 7, 60))
    print_block(rng, leaf, ink, faces, box, size=size, script=rng.random() < 0.3)


def _table(rng: np.random.Generator, leaf: Leaf, ink: Ink, box: Box) -> None:
    pen = rng.uniform(0.8, 2.5)
    for edges, across in ((rng.integers(2, 6), True), (rng.integers(2, 6), False)):
        for share in np.linspace(0.02, 0.98, int(edges)):
            if across:
                ends = [(box.x, box.y + share * box.h), (box.x + box.w, box.y + share * box.h)]
            else:
                ends = [(box.x + share * box.w, box.y), (box.x + share * box.w, box.y + box.h)]
            leaf.stroke(np.array(ends), pen, ink)


def _free_place(rng: np.random.Generator, leaf: Leaf) -> Box | None:
    width, height = leaf.size
    for _ in range(6):
        w, h = width * rng.uniform(0.1, 0.45), height * rng.uniform(0.06, 0.35)
        box = Box(rng.uniform(0, width - w), rng.uniform(0, height - h), w, h)
        if min(w, h) > 16 and leaf.free(box):
            return box
    return None


def _holes(rng: np.random.Generator, leaf: Leaf) -> None:
    """Punched holes along the left or upper edge, through which something dark is seen."""
    width, height = leaf.size
    radius = max(int(min(width, height) * rng.uniform(0.008, 0.02)), 3)
    shade = rng.uniform(0.02, 0.5, 3)
    for share in np.linspace(0.15, 0.85, int(rng.choice([2, 4, 9]))):
        place = (int(width * 0.035) + radius, int(height * share))
        near = Box(place[0] - 2 * radius, place[1] - 2 * radius, 4 * radius, 4 * radius)
        if leaf.free(near):
            cv2.circle(leaf.ground, place, radius, shade.tolist(), -1, cv2.LINE_AA)


def _staple(rng: np.random.Generator, leaf: Leaf) -> None:
    width, _ = leaf.size
    length = max(width * rng.uniform(0.02, 0.05), 5)
    start = np.array([rng.uniform(0.03, 0.12) * width, rng.uniform(0.02, 0.06) * width])
    angle = rng.uniform(-0.9, 0.9)
    end = start + length * np.array([np.cos(angle), np.sin(angle)])
    left, top = np.minimum(start, end).tolist()
    box = Box(left, top, length, length)
    if leaf.free(box):
        first, second = (tuple(np.rint(point).astype(int).tolist()) for point in (start, end))
        cv2.line(leaf.ground, first, second, (0.45, 0.45, 0.45), 2, cv2.LINE_AA)
