"""A seed's scenes stay the same from version to version: validation scenes are drawn already and in use.

Shapes and type are drawn here by plain lines, so that no installed font and no data set has a say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edge.geometry import centre
from edge.records import Image
from tools.compose import clutter
from tools.compose.files import entry
from tools.compose.leaf import Leaf
from tools.compose.scene import Parts, Scene, compose
from tools.compose.words import Faces
from tools.ink.alphabet import Alphabet
from tools.ink.fonts import Font
from tools.ink.page import style
from tools.ink.shapes import SIDE, Shapes, filled_map, stroke_map

SCENES = 10

DRAWN = "0967e36bc51c44e5"
"""Of all chance and of the digits of ``SCENES`` scenes. Whoever changes it on purpose has all composed
scenes that figures are told of drawn anew."""


def angular(count: int, *, filled: bool) -> Shapes:
    """Signs of a few straight lines, as pen strokes or filled; labels 0 to 9 again and again."""
    chance = np.random.default_rng(count)
    maps = []
    for _ in range(count):
        sign: Image = np.zeros((SIDE, SIDE), np.uint8)
        for _ in range(3):
            place, low, high = (int(value) for value in (*chance.integers(10, 38, 1), 10, 38))
            wide = 3 if filled else 1
            if chance.random() < 0.5:
                sign[place : place + wide, low:high] = 255
            else:
                sign[low:high, place : place + wide] = 255
        maps.append(filled_map(sign, 1) if filled else stroke_map(sign))
    return Shapes(np.stack(maps), (np.arange(count) % 10).astype(np.int16), filled)


def block(font: Font, text: str, size: float) -> Image:
    """Type whose every letter is a bar."""
    mask: Image = np.zeros((max(round(size), 2), max(round(size * len(text) / 2), 2)), np.uint8)
    mask[:, ::2] = 255
    return mask


@pytest.fixture(scope="module")
def composed() -> Iterator[tuple[list[Scene], list[np.random.Generator]]]:
    """Scenes of fixed parts, and the generators that they were drawn by, as they were left."""
    seeded: list[np.random.Generator] = []
    default_rng = np.random.default_rng

    def noted(seed: Any) -> np.random.Generator:
        seeded.append(default_rng(seed))
        return seeded[-1]

    shown = angular(20, filled=True)
    alphabet = Alphabet(
        written=angular(40, filled=False),
        printed=angular(30, filled=True),
        shown=shown,
        lit=shown.maps[::10],
        letters=angular(25, filled=False),
        type=angular(35, filled=True),
    )
    parts = Parts("validation", alphabet, Faces((Font("bars", "", 0),), (Font("bars", "", 0),)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clutter, "set_line", block)
        patch.setattr(np.random, "default_rng", noted)
        yield [compose(parts, 4, index) for index in range(SCENES)], seeded


def test_a_seed_draws_what_it_always_drew(
    composed: tuple[list[Scene], list[np.random.Generator]],
) -> None:
    scenes, seeded = composed
    said = hashlib.sha256()
    for one, generator in zip(scenes, seeded, strict=True):
        said.update(repr(generator.bit_generator.state).encode())
        said.update(repr([(digit.digit, digit.line) for digit in one.digits]).encode())
    assert said.hexdigest()[:16] == DRAWN


def test_numbers_are_the_digits_in_order_apart(
    composed: tuple[list[Scene], list[np.random.Generator]],
) -> None:
    scenes, _ = composed
    assert max(len(number) for one in scenes for number in one.numbers) > 2
    assert any(len(one.numbers) > len(one.lines) for one in scenes), "a line holds several numbers"
    for one in scenes:
        labels = entry(one)
        assert [place for number in one.numbers for place in number] == list(range(len(one.digits)))
        assert "".join(number["text"] for number in labels["numbers"]) == "".join(one.lines)
        for number, label in zip(one.numbers, labels["numbers"], strict=True):
            assert len({one.digits[place].line for place in number}) == 1
            assert label["digits"] == list(number)
            assert label["text"] == "".join(str(one.digits[place].digit) for place in number)


def test_what_the_picture_does_not_show_parts_a_number() -> None:
    shape = angular(1, filled=False).maps[0]
    seen = np.full((100, 300), 255, np.uint8)
    seen[:, 120:180] = 0
    leaf = Leaf(np.ones((100, 300, 3), np.float32), np.eye(3), seen, dark_ink=True)
    ink, hand = leaf.new_ink((0, 0, 0), 1.0), style(np.random.default_rng(0), 30, filled=False)
    for x in (40, 90, 150, 210, 260):
        leaf.digit(shape, 7, hand, (x, 50), ink)
    leaf.gap()
    leaf.digit(shape, 7, hand, (30, 50), ink)
    numbers = [digit.number for digit in leaf.digits]
    assert [centre(digit.box)[0] < 120 for digit in leaf.digits] == [True, True, False, False, True]
    assert numbers[0] == numbers[1] < numbers[2] == numbers[3] < numbers[4]
