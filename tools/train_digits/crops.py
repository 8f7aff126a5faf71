"""Crops of digits as proposals in photographs would give them, labelled 0 to 9."""

from __future__ import annotations

import cv2
import numpy as np

from edge.recognize.digits.crop import cut
from edge.records import Box, Image
from tools.ink.alphabet import Alphabet
from tools.ink.page import Style, beside, finish, style, write
from tools.ink.shapes import Canvas, Shapes, bent

SIZE = 32
"""Side of a crop."""

SMALLEST, LARGEST = 10.0, 60.0
"""Sizes of drawn digits in pixels before the cut; larger ones look the same after it."""


_BEND = 0.9
"""How far strokes are bent, in pixels of a map whose digit is 32 high."""


def scanned(rng: np.random.Generator, picture: Image, out: Image) -> None:
    """An MNIST picture (28, 28) into the middle of ``out`` (32, 32), bent a little, or as it is."""
    if rng.random() < 0.25:
        out[:] = 0
        out[2:30, 2:30] = picture
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
    cv2.warpAffine(picture, matrix, (SIZE, SIZE), dst=out, flags=cv2.INTER_LINEAR)
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(3, 25), out.shape)
        np.copyto(out, np.clip(out + noise, 0, 255).astype(np.uint8))


def drawn(rng: np.random.Generator, alphabet: Alphabet, out: Image) -> int:
    """A digit among others in a photograph, cut into ``out``; gives its label."""
    kind = rng.random()
    if kind < 0.12:
        return _displayed(rng, alphabet, out)
    digits = alphabet.printed if kind < 0.33 else alphabet.written
    canvas, hand = blank(rng, filled=digits.filled)
    chosen = int(rng.integers(len(digits.maps)))
    shape = digits.maps[chosen]
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


def _displayed(rng: np.random.Generator, alphabet: Alphabet, out: Image) -> int:
    canvas, hand = blank(rng, filled=True)
    build = int(rng.integers(len(alphabet.lit)))
    digits = alphabet.shown.maps[10 * build : 10 * build + 10]
    digit = int(rng.integers(10))
    ghost = rng.uniform(0.03, 0.25) if rng.random() < 0.35 else 0.0
    pitch = hand.size * rng.uniform(0.62, 0.85)
    x, y = middle(canvas)
    box = write(canvas, digits[digit], hand, (x, y))
    for place in (-1, 0, 1):
        centre = (x + place * pitch, y + place * pitch * np.tan(np.deg2rad(hand.turn)))
        if ghost:
            write(canvas, alphabet.lit[build], hand, centre, ghost)
        if place and rng.random() < 0.7:
            write(canvas, digits[rng.integers(10)], hand, centre)
    cut(finish(rng, canvas, hand), jittered(rng, box), dark_ink=hand.dark_ink, out=out)
    return digit
