"""Crops of digits as proposals in photographs would give them, labelled 0 to 9."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.crop import cut
from edge.records import Box, Image
from tools.ink.alphabet import Alphabet
from tools.ink.page import Style, beside, extent, finish, style, write
from tools.ink.shapes import Canvas, Shapes, bent

SIZE = 32
"""Side of a crop."""

SMALLEST, LARGEST = 10.0, 60.0
"""Sizes of drawn digits in pixels before the cut; larger ones look the same after it."""


DISPLAYED, PRINTED = 0.16, 0.36
"""Shares of displays and of type among drawn digits; the others are written."""

_BEND = 0.9
"""How far strokes are bent, in pixels of a map whose digit is 32 high."""

_HEAVY, _WIDENED = 0.25, 0.12
"""Shares of type set bolder or thinner than its font is, and of writing as wide as it is high."""

_STRETCHED = 0.14
"""Share of scanned digits stretched to another shape of box, as small screens and forms do."""

_FULLEST = 0.6
"""Share of ink in its box above which a stretched digit would be but a block."""

_INKED = 90
"""Brightness of a scanned picture's pixel that is ink."""

_PLACES = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), 2).astype(np.float32)


def scanned(rng: np.random.Generator, picture: Image, out: Image) -> None:
    """An MNIST picture (28, 28) into the middle of ``out`` (32, 32): bent, stretched, or as it is."""
    kind = rng.random()
    if kind < 0.22:
        out[:] = 0
        out[2:30, 2:30] = picture
        return
    if kind < 0.22 + _STRETCHED and _stretched(rng, picture, out):
        return
    angle, lean = np.deg2rad(rng.uniform(-13, 13)), rng.uniform(-0.15, 0.15)
    wide, high = rng.uniform(0.86, 1.14, 2) if rng.random() < 0.8 else rng.uniform(0.7, 1.25, 2)
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.array(
        [[wide, lean], [0, high]]
    )
    place = np.array([15.5, 15.5]) + rng.uniform(-1.6, 1.6, 2)
    matrix = np.column_stack([linear, place - linear @ (13.5, 13.5)])
    pen = rng.random()
    if pen < 0.14:
        change = cv2.dilate if pen < 0.08 else cv2.erode
        picture = np.asarray(change(picture, np.ones((2, 2), np.uint8)), np.uint8)
    if rng.random() < 0.6:
        _elastic(rng, picture, matrix, out)
    else:
        cv2.warpAffine(picture, matrix, (SIZE, SIZE), dst=out, flags=cv2.INTER_LINEAR)
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(3, 25), out.shape)
        np.copyto(out, np.clip(out + noise, 0, 255).astype(np.uint8))


def _elastic(rng: np.random.Generator, picture: Image, matrix: NDArray[np.float64], out: Image) -> None:
    """``picture`` moved by ``matrix`` (2, 3) and by smooth chance (Simard et al. 2003)."""
    cells = int(rng.integers(4, 7))
    field = (rng.standard_normal((cells, cells, 2)) * rng.uniform(0.3, 1.1)).astype(np.float32)
    moved = cv2.resize(field, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) + _PLACES
    back = cv2.invertAffineTransform(matrix).astype(np.float32)
    x, y = cv2.split(cv2.transform(moved, back))
    cv2.remap(picture, x, y, cv2.INTER_LINEAR, dst=out)


def _stretched(rng: np.random.Generator, picture: Image, out: Image) -> bool:
    """The ink alone, in another shape of box, of few pixels, cut as in photographs; False where too full."""
    x, y, w, h = cv2.boundingRect((picture > _INKED).astype(np.uint8))
    tall = int(rng.integers(12, 25))
    wide = max(round(tall * rng.uniform(0.55, 1.1)), 3)
    ink = cv2.resize(picture[y : y + h, x : x + w], (wide, tall), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.7:
        ink = np.where(ink > rng.uniform(60, 140), np.uint8(255), np.uint8(0))
    if cv2.mean(ink)[0] > _FULLEST * 255:
        return False
    page = np.pad(np.asarray(ink, np.uint8), tall)
    box = Box(*(float(value) for value in cv2.boundingRect(page)))
    return cut(page, jittered(rng, box) if rng.random() < 0.5 else box, dark_ink=False, out=out) > 0


def drawn(rng: np.random.Generator, alphabet: Alphabet, out: Image) -> int:
    """A digit among others in a photograph, cut into ``out``; gives its label."""
    kind = rng.random()
    if kind < DISPLAYED:
        return displayed(rng, alphabet.shown, alphabet.lit, out)
    digits = alphabet.printed if kind < DISPLAYED + PRINTED else alphabet.written
    canvas, hand = blank(rng, filled=digits.filled)
    chosen = int(rng.integers(len(digits.maps)))
    shape = digits.maps[chosen]
    if digits.filled and rng.random() < _HEAVY:
        hand = replace(hand, pen=hand.size * rng.uniform(-0.02, 0.09))
    elif rng.random() < _WIDENED:
        hand = replace(hand, aspect=_fuller(rng, shape, hand))
    if not digits.filled and rng.random() < 0.7:
        shape = bent(rng, shape, _BEND)
    box = write(canvas, shape, hand, middle(canvas))
    if rng.random() < 0.65:
        others = other_shapes(rng, alphabet, digits)
        neighbours(rng, canvas, others, hand, box)
    cut(finish(rng, canvas, hand), jittered(rng, box), dark_ink=hand.dark_ink, out=out)
    return int(digits.labels[chosen])


def blank(rng: np.random.Generator, *, filled: bool) -> tuple[Canvas, Style]:
    """An empty canvas, large enough for the cut and box errors, and a style of a fitting size."""
    size = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    side = int(size * 2.7) + 4
    return np.zeros((side, side), np.float32), style(rng, size, filled=filled)


def middle(canvas: Canvas) -> tuple[float, float]:
    """The centre of ``canvas``, (x, y)."""
    return (canvas.shape[1] - 1) / 2, (canvas.shape[0] - 1) / 2


def neighbours(rng: np.random.Generator, canvas: Canvas, shapes: Shapes, hand: Style, box: Box) -> None:
    """Characters beside ``box``, sometimes touching, sometimes a row above or below."""
    for side in (-1, 1):
        if rng.random() < 0.7:
            gap = hand.size * (rng.uniform(-0.04, 0.12) if rng.random() < 0.3 else rng.uniform(0.08, 0.6))
            first = beside(rng, canvas, shapes, hand, box, side=side, gap=gap)
            if first.w and rng.random() < 0.4:
                beside(rng, canvas, shapes, hand, first, side=side, gap=gap)
    if rng.random() < 0.2:
        down = rng.choice([-1, 1]) * hand.size * rng.uniform(1.1, 1.6)
        centre = (box.x + box.w * rng.uniform(-0.5, 1.5), box.y + box.h / 2 + down)
        write(canvas, shapes.maps[rng.integers(len(shapes.maps))], hand.varied(rng), centre)


def other_shapes(rng: np.random.Generator, alphabet: Alphabet, digits: Shapes) -> Shapes:
    """What stands beside a digit: digits of its own kind mostly, else letters of that kind."""
    if rng.random() < 0.8:
        return digits
    return alphabet.type if digits.filled else alphabet.letters


def jittered(rng: np.random.Generator, box: Box) -> Box:
    """``box`` as a proposal would have it: up to 12 % off in place and size."""
    longer = max(box.w, box.h)
    dx, dy = np.clip(rng.normal(0, 0.045, 2), -0.12, 0.12) * longer
    wide, high = rng.uniform(0.9, 1.13, 2)
    w, h = box.w * wide, box.h * high
    return Box(box.x + (box.w - w) / 2 + dx, box.y + (box.h - h) / 2 + dy, w, h)


def _fuller(rng: np.random.Generator, shape: Image, hand: Style) -> float:
    """An aspect with which the shape is about as wide as high; bare strokes keep theirs."""
    width, height = extent(shape, replace(hand, aspect=1.0))
    return hand.aspect if width < 0.3 * height else height / width * rng.uniform(0.75, 1.1)


def displayed(rng: np.random.Generator, shown: Shapes, lit: Image, out: Image) -> int:
    """A digit of a display among others, cut into ``out``; gives its label.

    ``shown`` and ``lit`` as `tools.ink.displays` gives them.
    """
    canvas, hand = blank(rng, filled=True)
    build = int(rng.integers(len(lit)))
    digits = shown.maps[10 * build : 10 * build + 10]
    digit = int(rng.integers(10))
    ghost = rng.uniform(0.03, 0.25) if rng.random() < 0.35 else 0.0
    pitch = hand.size * rng.uniform(0.62, 0.85)
    x, y = middle(canvas)
    box = write(canvas, digits[digit], hand, (x, y))
    for place in (-1, 0, 1):
        centre = (x + place * pitch, y + place * pitch * np.tan(np.deg2rad(hand.turn)))
        if ghost:
            write(canvas, lit[build], hand, centre, ghost)
        if place and rng.random() < 0.7:
            write(canvas, digits[rng.integers(10)], hand, centre)
    cut(finish(rng, canvas, hand), jittered(rng, box), dark_ink=hand.dark_ink, out=out)
    return digit
