"""A page: characters inked in one style, on paper, in some light, through a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.records import Box, Image
from tools.ink.camera import photograph
from tools.ink.papers import any_ruling, light, paper, ruling
from tools.ink.shapes import STEP, ZERO, Canvas, Shapes, draw, placement


@dataclass(frozen=True, slots=True)
class Style:
    """How one hand writes on one sheet: ``size`` pixels, ``pen`` pixels, ``turn`` degrees, and so on."""

    size: float
    pen: float
    turn: float
    slant: float
    aspect: float
    dark_ink: bool
    opacity: float

    def varied(self, rng: np.random.Generator) -> Style:
        """The same hand's next character: a little larger or smaller, turned a little otherwise."""
        return replace(
            self,
            size=self.size * rng.uniform(0.8, 1.25),
            turn=self.turn + rng.normal(0, 3),
            slant=self.slant + rng.normal(0, 0.05),
        )


def style(rng: np.random.Generator, size: float, *, filled: bool) -> Style:
    """A style by chance for characters of about ``size`` pixels; ``filled`` for type and displays."""
    tilt = 3.0 if filled else 6.0
    thin = size * 10 ** rng.uniform(-1.6, -0.72)
    bold = size * rng.normal(0, 0.012)
    spread = 0.22 if rng.random() < 0.25 else 0.09
    return Style(
        size=size,
        pen=bold if filled else max(thin, 0.9),
        turn=float(np.clip(rng.normal(0, tilt), -15, 15)),
        slant=float(rng.normal(0, 0.04 if filled else 0.1)),
        aspect=float(np.exp(np.clip(rng.normal(0, spread), -0.5, 0.6))),
        dark_ink=bool(rng.random() < 0.75),
        opacity=float(10 ** rng.uniform(-0.55, 0) if rng.random() < 0.5 else rng.uniform(0.6, 1)),
    )


def write(
    canvas: Canvas, shape: Image, hand: Style, centre: tuple[float, float], strength: float = 1.0
) -> Box:
    """Inks one character with its middle at ``centre``; gives the tight box of its ink."""
    matrix = placement(centre, hand.size, turn=hand.turn, slant=hand.slant, aspect=hand.aspect)
    return draw(canvas, shape, matrix, hand.pen, strength=strength)


def extent(shape: Image, hand: Style) -> tuple[float, float]:
    """Width and height in canvas pixels that a character will take, leaving its turn aside."""
    inked = shape <= ZERO + STEP
    scale = hand.size / 32
    return (
        float(np.count_nonzero(inked.any(0)) * scale * hand.aspect + hand.pen),
        float(np.count_nonzero(inked.any(1)) * scale + hand.pen),
    )


def beside(
    rng: np.random.Generator, canvas: Canvas, shapes: Shapes, hand: Style, box: Box, *, side: int, gap: float
) -> Box:
    """Writes a character of ``shapes`` left (side -1) or right (1) of ``box``, ``gap`` pixels off.

    Gives the box of its ink.
    """
    shape = shapes.maps[rng.integers(len(shapes.maps))]
    next_hand = hand.varied(rng)
    width, _ = extent(shape, next_hand)
    edge = box.x + box.w if side > 0 else box.x
    drop = side * np.tan(np.deg2rad(hand.turn)) * width
    centre = (edge + side * (gap + width / 2), box.y + box.h / 2 + drop + rng.normal(0, 0.05) * hand.size)
    return write(canvas, shape, next_hand, centre)


def finish(
    rng: np.random.Generator, ink: Canvas, hand: Style, sheet: NDArray[np.float32] | None = None
) -> Image:
    """The photograph (H, W) uint8 of ``ink`` (share 0..1) on ``sheet``, or on a sheet by chance."""
    height, width = ink.shape
    if sheet is None:
        sheet = paper(rng, height, width)
        ruling(rng, sheet, hand.size * rng.uniform(0.5, 2.2), any_ruling(rng), rng.normal(0, 4))
    cover = ink * hand.opacity
    if hand.dark_ink:
        scene = sheet * (1 - cover) + rng.uniform(0, 0.3) * sheet * cover
    else:
        ground = sheet * rng.uniform(0.03, 0.4)
        scene = ground * (1 - cover) + rng.uniform(0.65, 1) * cover
    return photograph(rng, scene * light(rng, height, width), hand.size, contrast=0.5 * hand.opacity)
