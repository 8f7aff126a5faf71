"""Whole pictures with labels: lines of digits among words, scribbles and edges, on sheets and surfaces."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Box, Image
from tools.ink.alphabet import Alphabet
from tools.ink.page import Style, extent, finish, style, write
from tools.ink.papers import any_ruling, paper, ruling
from tools.ink.scribbles import blot, cursive, doodle
from tools.ink.shapes import Canvas, Shapes, bent
from tools.ink.textures import surface

SMALLEST, LARGEST = 11.0, 0.55
"""Size of the smallest digits in pixels, of the largest as a share of the side."""

_BEND = 0.8
_TRIES = 7


class Scene(NamedTuple):
    """``picture`` (H, W) uint8 grey; tight ``boxes`` (N, 4) float32 x, y, w, h; ``digits`` (N,) uint8."""

    picture: Image
    boxes: NDArray[np.float32]
    digits: NDArray[np.uint8]
    dark_ink: bool


def compose(rng: np.random.Generator, shapes: Alphabet, side: int) -> Scene:
    """A square picture of ``side`` pixels; one in eight has no digit at all."""
    hand = style(rng, _size(rng, side), filled=False)
    ink = np.zeros((side, side), np.float32)
    boxes: list[Box] = []
    digits: list[int] = []
    without = rng.random() < 0.12
    for _ in range(_TRIES):
        start = (rng.uniform(0.02, 0.7) * side, rng.uniform(0.08, 0.92) * side)
        if without or rng.random() < 0.3:
            _other(rng, ink, shapes, hand, start)
        else:
            line_boxes, line_digits = _line(rng, ink, shapes, hand, start)
            boxes += line_boxes
            digits += line_digits
        if rng.random() < 0.2:
            hand = replace(style(rng, _size(rng, side), filled=False), dark_ink=hand.dark_ink)
    picture = finish(rng, ink, hand, _ground(rng, side, hand, boxes))
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return Scene(picture, found, np.array(digits, np.uint8), hand.dark_ink)


def _size(rng: np.random.Generator, side: int) -> float:
    return float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST * side))))


def _line(
    rng: np.random.Generator, ink: Canvas, shapes: Alphabet, hand: Style, start: tuple[float, float]
) -> tuple[list[Box], list[int]]:
    """Digits from ``start`` rightwards, sometimes a symbol between; ends at what is there already."""
    digits = shapes.written if rng.random() < 0.72 else shapes.printed
    hand = replace(style(rng, hand.size, filled=True), opacity=hand.opacity) if digits.filled else hand
    slope = np.tan(np.deg2rad(hand.turn * rng.uniform(0.3, 1.2)))
    gap = hand.size * (rng.uniform(-0.03, 0.1) if rng.random() < 0.3 else rng.uniform(0.1, 0.5))
    x, y = start
    boxes: list[Box] = []
    named: list[int] = []
    for _ in range(int(rng.integers(1, 8))):
        symbol = rng.random() < 0.06
        some = shapes.type if symbol else digits
        chosen = int(rng.integers(len(some.maps)))
        box, x = _next(rng, ink, some, chosen, hand=hand, at=(x, y + (x - start[0]) * slope))
        if box is None:
            break
        x += gap * rng.uniform(0.8, 1.2)
        if not symbol:
            boxes.append(box)
            named.append(int(digits.labels[chosen]))
    return boxes, named


def _next(
    rng: np.random.Generator,
    ink: Canvas,
    shapes: Shapes,
    chosen: int,
    *,
    hand: Style,
    at: tuple[float, float],
) -> tuple[Box | None, float]:
    """Writes one character, its left edge at ``at``; gives its box, None without room, and its right edge."""
    shape = shapes.maps[chosen]
    if not shapes.filled and rng.random() < 0.6:
        shape = bent(rng, shape, _BEND)
    hand = hand.varied(rng)
    width, height = extent(shape, hand)
    x, y = at[0], at[1] - height / 2
    inside = x > 2 and y > 2 and x + width < ink.shape[1] - 3 and y + height < ink.shape[0] - 3
    middle = ink[int(max(y, 0)) : int(y + height), int(x + 0.25 * width) : int(x + width) + 2]
    if not inside or middle.size == 0 or middle.max() > 0.2:
        return None, x
    box = write(ink, shape, hand, (x + width / 2, at[1]))
    return box, box.x + box.w


def _other(
    rng: np.random.Generator, ink: Canvas, shapes: Alphabet, hand: Style, start: tuple[float, float]
) -> None:
    """A word, joined writing, a doodle or a blot; never over what is there."""
    layer = np.zeros_like(ink)
    kind = rng.random()
    if kind < 0.5:
        letters = shapes.letters if rng.random() < 0.5 else shapes.type
        hand = replace(hand, size=min(hand.size, 60), pen=0.0 if letters.filled else min(hand.pen, 9))
        x, gap = start[0], hand.size * rng.uniform(-0.1, 0.2)
        for _ in range(int(rng.integers(1, 9))):
            chosen = int(rng.integers(len(letters.maps)))
            box, x = _next(rng, layer, letters, chosen, hand=hand, at=(x, start[1]))
            if box is None:
                break
            x += gap
    elif kind < 0.75:
        cursive(rng, layer, start, min(hand.size, 50) * rng.uniform(0.3, 0.8), min(hand.pen, 8))
    elif kind < 0.93:
        doodle(rng, layer, min(hand.pen, 8) * rng.uniform(0.7, 1.5))
    else:
        blot(rng, layer)
    reach = cv2.dilate(layer, np.ones((5, 5), np.uint8))
    if not (np.minimum(reach, ink) > 0.2).any():
        np.maximum(ink, layer, out=ink)


def _ground(rng: np.random.Generator, side: int, hand: Style, boxes: list[Box]) -> Canvas:
    """Paper everywhere, or a sheet around all digits on some surface."""
    sheet = paper(rng, side, side)
    if rng.random() < 0.6:
        ruling(rng, sheet, float(rng.uniform(7, 60)), any_ruling(rng), rng.normal(0, 4))
    if rng.random() < 0.5:
        return sheet
    cover = np.zeros((side, side), np.float32)
    corners = np.array([(b.x, b.y) for b in boxes] + [(b.x + b.w, b.y + b.h) for b in boxes])
    corners = corners.reshape(-1, 2) if boxes else rng.uniform(0.2, 0.8, (3, 2)) * side
    margin = hand.size * rng.uniform(0.2, 1, 2)
    low, high = corners.min(0) - margin, corners.max(0) + margin
    outline = np.array([low, (high[0], low[1]), high, (low[0], high[1])])
    outline += rng.uniform(0, 0.15, outline.shape) * side * np.sign(outline - (low + high) / 2)
    cv2.fillPoly(cover, [outline.astype(np.int32)], (1.0,), cv2.LINE_AA)
    ground = surface(rng, side)
    return np.asarray(ground + (sheet - ground) * cover, np.float32)
