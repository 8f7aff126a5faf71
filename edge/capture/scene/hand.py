"""Hands: how one person writes, and the digits that come out of it as lines of a pen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.scene.glyphs import FORMS, Path, trace

Colour = tuple[int, int, int]
"""BGR, 0..255."""


@dataclass(frozen=True, slots=True)
class Pen:
    """What is written with. ``width`` in units of the page; ``grain`` 0..1: how much paper shows through."""

    name: str
    colour: Colour
    width: float
    grain: float


PENS = (
    Pen("ballpoint, blue", (122, 48, 28), 2.5, 0.10),
    Pen("ballpoint, black", (46, 42, 42), 2.3, 0.10),
    Pen("fibre pen, black", (30, 27, 26), 4.3, 0.0),
    Pen("fibre pen, blue", (105, 38, 22), 3.7, 0.0),
    Pen("fineliner, red", (42, 38, 168), 3.1, 0.0),
)
PENCIL = Pen("pencil", (66, 66, 68), 3.0, 0.35)


@dataclass(frozen=True, slots=True)
class Hand:
    """One person's writing. Lengths are in units of the page, angles in radians.

    ``forms`` is the form of each digit; ``restless`` is how often another one slips in.
    """

    forms: tuple[int, ...]
    pen: Pen
    height: float
    breadth: float
    slant: float
    gap: float
    climb: float
    wobble: float
    uneven: float
    restless: float


@dataclass(frozen=True, slots=True)
class Glyph:
    """A digit as it was written: ``lines`` in units of the page, the pen's radius along each.

    ``outline`` (N, 2) is the convex hull of the ink: whoever encloses it encloses all of the digit.
    """

    digit: int
    pen: Pen
    lines: tuple[Path, ...]
    radii: tuple[NDArray[np.float64], ...]
    outline: Path

    def moved(self, x: float) -> Glyph:
        """The same to the right by ``x``."""
        shift = np.array([x, 0.0])
        return replace(self, lines=tuple(line + shift for line in self.lines), outline=self.outline + shift)


def some_hand(random: np.random.Generator, pen: Pen | None = None) -> Hand:
    """A person met by chance; with the pen given, or one of their own."""
    return Hand(
        forms=tuple(int(random.integers(len(FORMS[digit]))) for digit in range(10)),
        pen=pen or PENS[random.integers(len(PENS))],
        height=random.uniform(42, 56),
        breadth=random.uniform(0.82, 1.2),
        slant=random.uniform(-0.08, 0.32),
        gap=random.uniform(0.22, 0.4),
        climb=random.uniform(-0.02, 0.02),
        wobble=random.uniform(0.004, 0.014),
        uneven=random.uniform(0.03, 0.08),
        restless=random.uniform(0, 0.12),
    )


def write(hand: Hand, digit: int, left: float, base: float, random: np.random.Generator) -> Glyph:
    """A digit by this hand, its ink beginning at ``left`` and standing on ``base``."""
    forms = FORMS[digit]
    choice = int(random.integers(len(forms))) if random.random() < hand.restless else hand.forms[digit]
    height = hand.height * (1 + hand.uneven * random.normal())
    breadth = hand.breadth * (1 + hand.uneven * random.normal())
    turn = hand.uneven * random.normal()
    shear = np.tan(hand.slant + turn)
    lines = [_shake(line, hand.wobble, random) for line in trace(forms[choice])]
    # x grows by the slant above the base line, and the digit is turned a little about its foot.
    placed = [
        np.stack([x * breadth + shear * (1 - y), (y - 1) + turn * x * 0.5], axis=1) * height
        for x, y in (line.T for line in lines)
    ]
    radii = tuple(_pressure(len(line), hand.pen, random) for line in placed)
    start = min(float((line[:, 0] - radius).min()) for line, radius in zip(placed, radii, strict=True))
    drift = hand.height * hand.uneven * 0.4 * random.normal()
    shift = np.array([left - start, base + drift])
    inked = tuple(line + shift for line in placed)
    return Glyph(digit, hand.pen, inked, radii, _outline(inked, radii))


def _shake(line: Path, wobble: float, random: np.random.Generator) -> Path:
    """The line as a living hand draws it: slow waves along its length, not noise from point to point."""
    steps = np.linalg.norm(np.diff(line, axis=0, prepend=line[:1]), axis=1)
    along = np.cumsum(steps)[:, None]
    waves = np.zeros_like(line)
    for frequency in (0.3, 0.7, 1.3):
        phase = random.uniform(0, 2 * np.pi, 2)
        waves += random.normal(size=2) / frequency * np.sin(2 * np.pi * frequency * along + phase)
    return line + wobble * waves


def _outline(lines: tuple[Path, ...], radii: tuple[NDArray[np.float64], ...]) -> Path:
    """The hull of all points of the lines with the pen's ring around each."""
    turns = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    points, radius = np.concatenate(lines), np.concatenate(radii)
    inked = (points[:, None] + radius[:, None, None] * ring).reshape(-1, 2)
    return np.asarray(cv2.convexHull(inked.astype(np.float32)), np.float64).reshape(-1, 2)


def _pressure(points: int, pen: Pen, random: np.random.Generator) -> NDArray[np.float64]:
    """The pen's radius along a line: set down, pressed and lifted."""
    along = np.linspace(0, 1, points)
    swell = 1 + 0.1 * np.sin(2 * np.pi * (along * random.uniform(0.6, 1.5) + random.uniform()))
    lifted = 1 - 0.25 * np.exp(-along * 14) - 0.3 * np.exp(-(1 - along) * 14)
    return np.asarray(pen.width / 2 * swell * lifted)
