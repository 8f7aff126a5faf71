"""The sheets of ``edge recognize --explain``: what they say, and that they say it in full."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from edge.annotate import AMBER, GREEN
from edge.cli.explanations import DIM, FEWEST, GAP, HEIGHT, SIDE, WIDTH, counted, heat, sheet
from edge.recognize.descriptor import Explanation, Explanations
from edge.records import Box

PICTURE = np.full((120, 160, 3), 230, np.uint8)
NINE = Explanation(
    box=Box(60, 40, 30, 40),
    label="9",
    score=0.84,
    alone=0.22,
    told=True,
    threshold=0.6,
    view=np.zeros((32, 32), np.uint8),
    attention=np.zeros((32, 32), np.float32),
    scores=(("reject", 0.75), ("9", 0.22), ("4", 0.001)),
)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that is written on the sheets; each line must end inside of its picture."""
    texts: list[str] = []
    put = cv2.putText

    def noted(image: Any, text: str, place: tuple[int, int], font: int, scale: float, *more: Any) -> Any:
        (wide, _), _ = cv2.getTextSize(text, font, scale, 1)
        assert place[0] + wide <= image.shape[1], text
        assert 0 < place[1] < image.shape[0], text
        texts.append(text)
        return put(image, text, place, font, scale, *more)

    monkeypatch.setattr("cv2.putText", noted)
    return texts


def test_a_score_and_the_cut_that_says_otherwise_do_not_contradict(written: list[str]) -> None:
    sheet(PICTURE, Explanations((NINE,)))
    assert "read as 9: score 0.84" in written
    assert "cut alone: reject: 0.75, 9: 0.22" in written
    assert "digits beside it raise that from 0.22 to 0.84" in written


@pytest.mark.parametrize(
    ("alone", "score", "told", "lines"),
    [
        (0.97, 0.31, False, ("not read: 9 scores 0.31", "other ink beside it lowers that from 0.97 to 0.31")),
        (0.97, 0.968, False, ("not read: 9 scores 0.97, but is a decimal mark",)),
        (0.97, 0.968, True, ("read as 9: score 0.97", "nothing beside it changes that")),
    ],
)
def test_what_stands_beside_it_is_told(
    alone: float, score: float, told: bool, lines: tuple[str, ...], written: list[str]
) -> None:
    sheet(PICTURE, Explanations((replace(NINE, alone=alone, score=score, told=told),)))
    assert set(lines) <= set(written)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_panels_colours_and_scores_are_explained(count: int, written: list[str]) -> None:
    picture = sheet(PICTURE, Explanations((NINE,) * count))
    assert picture.shape[1] == max(FEWEST, min(count, 3)) * WIDTH
    for panel in ("in the picture", "the cut", "where it looked"):
        assert written.count(panel) == count + 1  # over each, and in the head
    said = " ".join(written)
    for words in (
        "green: read, and sure (0.90 or more)",
        "amber: read, less sure",
        "grey: not read (below 0.60, or a decimal mark)",
        "falls: it speaks for it",
        "rises: it speaks against it",
        "reject: no digit",
        "in whose cut no digit was seen",
        "raised by digits beside it, lowered by letters or other ink beside it",
    ):
        assert words in said


def test_what_is_left_out_is_told(written: list[str]) -> None:
    some = Explanations((NINE, NINE), left_out=70)
    assert counted(some) == "2 of 72 readings are explained, the most doubtful, 70 left out"
    sheet(PICTURE, some)
    assert counted(some) in " ".join(written)
    assert "left out" not in counted(Explanations((NINE, NINE)))


def test_a_sheet_of_nothing_says_so(written: list[str]) -> None:
    sheet(PICTURE, Explanations())
    assert "nothing was read, nor almost read" in " ".join(written)


@pytest.mark.parametrize(
    ("score", "told", "colour"), [(0.95, True, GREEN), (0.7, True, AMBER), (0.3, False, DIM)]
)
def test_the_box_has_the_colour_of_the_legend(score: float, told: bool, colour: tuple[int, int, int]) -> None:
    picture = sheet(PICTURE, Explanations((replace(NINE, score=score, told=told),)))
    head, tile = picture[:-HEIGHT], picture[-HEIGHT:]
    assert (tile[20 : 20 + SIDE, GAP : GAP + SIDE] == colour).all(
        axis=2
    ).sum() > 100  # the outline of the box
    assert all((head == each).all(axis=2).sum() >= 81 for each in (GREEN, AMBER, DIM))


def test_red_carries_the_score_and_blue_speaks_against_it() -> None:
    attention = np.zeros((32, 32), np.float32)
    attention[:8], attention[24:] = 0.4, -0.2
    blue, _, red = cv2.split(heat(np.full((32, 32), 128, np.uint8), attention).astype(int))
    assert (red[:8] - blue[:8]).min() > 100
    assert (blue[24:] - red[24:]).min() > 50
    assert np.abs(red[8:24] - blue[8:24]).max() == 0


def test_noise_is_not_coloured_as_if_it_mattered() -> None:
    attention = np.random.default_rng(1).normal(0, 1e-4, (32, 32)).astype(np.float32)
    blue, _, red = cv2.split(heat(np.full((32, 32), 128, np.uint8), attention).astype(int))
    assert np.abs(red - blue).max() < 10
