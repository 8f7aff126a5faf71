"""A whole picture: sheets on a table, a board or a screen, in some light, through a camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.records import Image
from tools.compose.clutter import decorate, show_through
from tools.compose.ground import Sheet, drop_shadow, objects, sheet, table
from tools.compose.leaf import Colour, Leaf, Written
from tools.compose.lens import developed, lit, photographed
from tools.compose.words import Faces, faces
from tools.compose.writing import Theme, Writer
from tools.ink.alphabet import Alphabet, Part
from tools.ink.page import style
from tools.ink.shapes import Canvas, Shapes

SIZES = ((640, 480), (640, 480), (800, 600), (480, 640), (1024, 768), (768, 1024), (1280, 960), (1280, 720))
"""Width and height of the pictures."""

_THEMES: tuple[Theme, ...] = (
    *("numbers",) * 6, *("notes",) * 5, "sums", "sums", "form", "form", "table", "table", "large", "large",
    "scattered", "scattered", "prose",
)  # fmt: skip
_PENS: tuple[Colour, ...] = (
    (0.08, 0.08, 0.08), (0.08, 0.08, 0.08), (0.1, 0.1, 0.12), (0.6, 0.2, 0.1), (0.7, 0.3, 0.15),
    (0.15, 0.12, 0.75), (0.2, 0.45, 0.1), (0.35, 0.35, 0.36), (0.5, 0.15, 0.4),
)  # fmt: skip
_CHALKS: tuple[Colour, ...] = (
    (1, 1, 1), (0.9, 0.95, 0.95), (0.5, 0.9, 0.95), (0.75, 0.65, 0.95), (0.4, 0.95, 0.5),
)  # fmt: skip

_EMPTY = 0.2
"""Share of the pictures that have no digit."""

Difficulty = Literal["ordinary", "hard"]


class Parts(NamedTuple):
    """All that scenes of one part are composed from."""

    part: Part
    alphabet: Alphabet
    faces: Faces

    @staticmethod
    def of(part: Part, alphabet: Alphabet) -> Parts:
        """With the fonts of the same part. Raises UnavailableError where there are none."""
        return Parts(part, alphabet, faces(part))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and its truth: the ``jpeg`` file; ``digits`` with their boxes; ``lines`` in reading order;
    ``owner`` (H, W) uint16, 1 + the place in ``digits`` of the ink there; ``dark`` (N,) whether each
    digit is dark ink on light; ``numbers``: the places in ``digits`` of what was written as one number."""

    jpeg: bytes
    image: Image
    digits: tuple[Written, ...]
    lines: tuple[str, ...]
    owner: NDArray[np.uint16]
    dark: NDArray[np.bool_]
    difficulty: Difficulty
    numbers: tuple[tuple[int, ...], ...] = ()


def compose(parts: Parts, seed: int, index: int) -> Scene:
    """Scene number ``index`` of a seed: the same for the same part, seed and fonts."""
    rng = np.random.default_rng([0 if parts.part == "train" else 1, seed, index])
    width, height = SIZES[rng.integers(len(SIZES))]
    with_digits = rng.random() >= _EMPTY
    picture = table(rng, height, width)
    cover: Image = np.zeros((height, width), np.uint8)
    leaves, faintest, tilted = _leaves(rng, parts, cover, with_digits)
    owner: NDArray[np.uint16] = np.zeros((height, width), np.uint16)
    digits: list[Written] = []
    dark: list[bool] = []
    lines: list[str] = []
    numbers: list[tuple[int, ...]] = []
    for leaf in leaves:
        _lay(rng, picture, owner, leaf, len(digits))
        numbers += _numbers(leaf, len(digits))
        digits += leaf.digits
        dark += [leaf.dark_ink] * len(leaf.digits)
        lines += _lines(leaf)
    _put_objects(rng, picture, owner)
    smallest = min([max(digit.box.w, digit.box.h) for digit in digits], default=22.0)
    jpeg = photographed(rng, lit(rng, picture), smallest, faintest)
    hard = tilted or faintest < 0.3 or smallest < 16
    return Scene(
        jpeg,
        developed(jpeg),
        tuple(digits),
        tuple(lines),
        owner,
        np.array(dark, bool),
        "hard" if hard else "ordinary",
        tuple(numbers),
    )


def _leaves(
    rng: np.random.Generator, parts: Parts, cover: Image, with_digits: bool
) -> tuple[list[Leaf], float, bool]:
    """Written leaves from the lowest to the uppermost; the contrast of the faintest; whether one is tilted.

    Where each leaf lies is chosen first, from the uppermost down, so that no digit is written under another.
    """
    close = rng.random() < 0.3
    kind: Sheet = "paper"
    if close:
        kind = ("paper", "paper", "paper", "whiteboard", "blackboard", "screen")[rng.integers(6)]
    count = 1 if close else int(rng.choice([0, 1, 1, 1, 2, 2, 3] if not with_digits else [1, 1, 1, 2, 2, 3]))
    leaves: list[Leaf] = []
    faintest, tilted = 0.6, False
    for place in range(count):
        this: Sheet = kind if close else ("note" if rng.random() < 0.25 else "paper")
        leaf, tilt = _bare(rng, this, cover, close)
        tilted |= tilt > 22
        wanted = with_digits and (place == 0 or rng.random() < 0.7)
        contrast = _write(rng, parts, leaf, this, with_digits=wanted)
        faintest = min(faintest, contrast) if wanted else faintest
        leaves.append(leaf)
    return leaves[::-1], faintest, tilted


def _bare(rng: np.random.Generator, kind: Sheet, cover: Image, close: bool) -> tuple[Leaf, float]:
    """An empty leaf somewhere in the picture, and its tilt in degrees; ``cover`` learns where it lies."""
    height, width = cover.shape
    if close:
        w, h = int(width * rng.uniform(0.95, 1.5)), int(height * rng.uniform(0.95, 1.5))
        centre = np.array([width, height]) * rng.uniform(0.45, 0.55, 2)
    else:
        largest = 0.6 if kind == "note" else 1.05
        w = int(width * rng.uniform(0.25, largest))
        h = int(np.clip(w * rng.uniform(0.6, 1.5), 80, height * 1.1))
        w = max(w, 80)
        centre = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
    tilt = abs(rng.normal(0, 12)) if rng.random() < 0.8 else rng.uniform(15, 40)
    turn = rng.normal(0, 5) if close or rng.random() < 0.75 else rng.uniform(-35, 35)
    matrix = _view(rng, (w, h), centre, min(tilt, 40), turn)
    shape = cv2.warpPerspective(np.full((h, w), 255, np.uint8), matrix, (width, height))
    visible = np.asarray(np.where(cover == 0, shape, 0), np.uint8)
    cover[shape > 0] = 255
    dark_ink = kind not in {"blackboard", "screen"}
    pitch = min(width, height) * 10 ** rng.uniform(-1.7, -1.0)
    return Leaf(sheet(rng, kind, h, w, pitch), matrix, visible, dark_ink), max(tilt, abs(turn))


def _view(
    rng: np.random.Generator, size: tuple[int, int], centre: NDArray[np.float64], tilt: float, turn: float
) -> NDArray[np.float64]:
    """The perspective (3, 3) of a leaf that is turned in its plane and tilted about some axis in it."""
    w, h = size
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)], float)
    flat = corners - (w / 2, h / 2)
    angle, axis = np.deg2rad(turn), rng.uniform(0, 2 * np.pi)
    flat = flat @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    along = flat @ (np.cos(axis), np.sin(axis))
    across = flat @ (-np.sin(axis), np.cos(axis))
    distance = max(w, h) * rng.uniform(1.5, 3)
    depth = distance + across * np.sin(np.deg2rad(tilt))
    across = across * np.cos(np.deg2rad(tilt))
    seen = np.outer(along, (np.cos(axis), np.sin(axis))) + np.outer(across, (-np.sin(axis), np.cos(axis)))
    moved = seen * (distance / depth)[:, None] + centre
    return np.asarray(
        cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32)), np.float64
    )


def _write(rng: np.random.Generator, parts: Parts, leaf: Leaf, kind: Sheet, *, with_digits: bool) -> float:
    """Fills a leaf by one hand; gives the contrast of its ink, as a share of white."""
    width, height = leaf.size
    theme = _THEMES[rng.integers(len(_THEMES))]
    digits = _digits(rng, parts.alphabet, kind)
    largest = min(width, height) * 0.22
    size = float(np.exp(rng.uniform(np.log(14), np.log(max(largest, 18)))))
    hand = style(rng, size, filled=digits.filled)
    thickness = max(size * 10 ** rng.uniform(-1.6, -0.8), 0.9) if digits.filled else hand.pen
    hand = replace(hand, turn=float(np.clip(rng.normal(0, 3), -10, 10)), dark_ink=leaf.dark_ink)
    pens = _PENS if leaf.dark_ink else _CHALKS
    colour = pens[rng.integers(len(pens))]
    opacity = float(np.clip(1.05 - abs(rng.normal(0, 0.3)), 0.3, 1))
    ink = leaf.new_ink(colour, opacity)
    unequal = 0.3 if rng.random() < 0.12 else 0.03
    writer = Writer(rng, leaf, parts.alphabet, parts.faces, digits, hand, ink, thickness, unequal)
    writer.fill(theme, digits=with_digits)
    other = leaf.new_ink(pens[rng.integers(len(pens))], float(rng.uniform(0.4, 1)))
    decorate(rng, leaf, other if rng.random() < 0.6 else ink, parts.faces, thickness)
    if leaf.dark_ink and rng.random() < 0.12:
        show_through(rng, leaf)
    if kind == "blackboard":
        grain = rng.random(leaf.ground.shape[:2], np.float32)
        ink.cover *= 1 - np.float32(rng.uniform(0, 0.6)) * grain
    shade = float(np.mean(colour))
    bare = float(leaf.ground.mean())
    return max(opacity * (bare * (1 - shade) if leaf.dark_ink else shade - bare), 0.12)


def _digits(rng: np.random.Generator, alphabet: Alphabet, kind: Sheet) -> Shapes:
    """Written ones mostly; else those of one font, or of one display."""
    draw = rng.random()
    if draw < (0.45 if kind == "screen" else 0.85):
        return alphabet.written
    if draw < 0.95:
        starts = np.flatnonzero(alphabet.printed.labels == 0)
        chosen = slice(start := int(rng.choice(starts)), start + 10)
        return Shapes(alphabet.printed.maps[chosen], alphabet.printed.labels[chosen], filled=True)
    build = int(rng.integers(len(alphabet.lit)))
    return Shapes(
        alphabet.shown.maps[10 * build : 10 * build + 10], np.arange(10, dtype=np.int16), filled=True
    )


def _lay(
    rng: np.random.Generator, picture: Canvas, owner: NDArray[np.uint16], leaf: Leaf, known: int
) -> None:
    """Puts a written leaf into the picture; ``owner`` learns whose ink is where."""
    height, width = owner.shape
    w, h = leaf.size
    alpha = cv2.warpPerspective(np.ones((h, w), np.float32), leaf.to_picture, (width, height))
    if rng.random() < 0.7:
        drop_shadow(rng, picture, np.asarray(alpha, np.float32))
    surface = cv2.warpPerspective(
        leaf.surface(), leaf.to_picture, (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    picture *= 1 - alpha[..., None]
    picture += surface * alpha[..., None]
    owner[alpha > 0.5] = 0
    ids = cv2.warpPerspective(leaf.ids, leaf.to_picture, (width, height), flags=cv2.INTER_NEAREST)
    owner[ids > 0] = ids[ids > 0] + known


def _put_objects(rng: np.random.Generator, picture: Canvas, owner: NDArray[np.uint16]) -> None:
    """Lays objects on the scene, where they hide no digit."""
    if rng.random() < 0.5:
        return
    before, cover = picture.copy(), np.zeros(owner.shape, np.uint8)
    objects(rng, picture, cover)
    near = cv2.dilate((owner > 0).astype(np.uint8), np.ones((9, 9), np.uint8))
    if (cover[near > 0] > 0).any():
        picture[:] = before


def _lines(leaf: Leaf) -> list[str]:
    """The digits of each line, from left to right as written."""
    lines: dict[int, str] = {}
    for digit in leaf.digits:
        lines[digit.line] = lines.get(digit.line, "") + str(digit.digit)
    return list(lines.values())


def _numbers(leaf: Leaf, known: int) -> list[tuple[int, ...]]:
    """The places of each number's digits among a picture's, ``known`` of which are on other leaves."""
    numbers: dict[tuple[int, int], list[int]] = {}
    for place, digit in enumerate(leaf.digits, start=known):
        numbers.setdefault((digit.line, digit.number), []).append(place)
    return [tuple(places) for places in numbers.values()]
