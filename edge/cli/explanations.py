"""The sheets that ``edge recognize --explain DIR`` writes: why each digit was read as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.annotate import AMBER, GREEN, SURE
from edge.recognize.descriptor import Explanation, Explanations
from edge.records import Image

SIDE, GAP, FEWEST, ACROSS = 96, 8, 2, 3
"""Pixels of a panel and of the space between; explanations side by side, for whose width the head is set."""

WIDTH, HEIGHT = 3 * SIDE + 4 * GAP, SIDE + 96
"""Pixels of one explanation: three panels with their titles, three lines below."""

CAPTION, ROW = 132, 19
"""Pixels of the head: where its sentences begin, beside their captions, and from line to line."""

FAINTEST = 0.05
"""Change of the score by hiding one place below which colours stay pale: where no place matters, the
strongest of them is noise."""

SAID = 0.005
"""Least of the network's answers about a cut that is told: less shows as 0.00."""

MOVED = 0.01
"""Change of the score by what stands beside the digit from which on it is told."""

RED, BLUE = (50, 50, 230), (235, 110, 40)
BLACK, GREY, DIM, LINE = (30, 30, 30), (80, 80, 80), (135, 135, 135), (215, 215, 215)
"""BGR: titles, texts, what was too unsure to be told, lines between explanations."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PANELS = ("in the picture", "the cut", "where it looked")

Colour = tuple[int, int, int]


class _Part(NamedTuple):
    """Words of a sentence; those in a ``colour`` are what it stands for."""

    text: str
    colour: Colour | None = None


def counted(explanations: Explanations) -> str:
    """How many of the readings are explained, and which."""
    shown, left_out = len(explanations.items), explanations.left_out
    if left_out:
        return f"{shown} of {shown + left_out} readings are explained, the most doubtful, {left_out} left out"
    if shown > 1:
        return f"all {shown} readings, the most doubtful first"
    return "the one reading" if shown else "nothing was read, nor almost read"


def sheet(image: Image, explanations: Explanations) -> Image:
    """All ``explanations`` of a picture (H, W, 3 BGR), under a head that says how they are to be read."""
    tiles = [_tile(image, item) for item in explanations.items]
    across = max(min(len(tiles), ACROSS), FEWEST)
    tiles += [np.full((HEIGHT, WIDTH, 3), 255, np.uint8)] * (-len(tiles) % across)
    rows = [np.hstack(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return np.vstack([_head(explanations, across * WIDTH), *rows])


def heat(view: Image, attention: NDArray[np.float32]) -> Image:
    """``view`` (h, w) with ``attention`` (h, w) over it: red carries the score, blue speaks against it."""
    share = np.clip(attention / max(float(np.abs(attention).max()), FAINTEST), -1, 1)[..., np.newaxis]
    grey = np.asarray(cv2.cvtColor(view, cv2.COLOR_GRAY2BGR), np.float32)
    colour = np.where(share > 0, np.array(RED, np.float32), np.array(BLUE, np.float32))
    mixed = grey * 0.7 * (1 - 0.6 * np.abs(share)) + colour * 0.8 * np.abs(share)
    return np.asarray(np.clip(mixed, 0, 255), np.uint8)


def _head(explanations: Explanations, width: int) -> Image:
    """What the sheet shows and what its panels, colours and scores mean: (H, ``width``, 3)."""
    head = np.full((ROW * 40, width, 3), 255, np.uint8)
    cv2.putText(head, "Why each digit was read as it was", (GAP, 26), _FONT, 0.62, BLACK, 1, cv2.LINE_AA)
    y = 26 + ROW
    for caption, parts in _legend(explanations):
        cv2.putText(head, caption, (GAP, y), _FONT, 0.4, BLACK, 1, cv2.LINE_AA)
        y = _flow(head, parts, y) + ROW
    return head[:y]


def _legend(explanations: Explanations) -> Iterator[tuple[str, Sequence[_Part]]]:
    """The head's captions and sentences."""
    if not explanations.items:
        yield "explained", [_Part(counted(explanations))]
        return
    least = " or ".join(f"{value:.2f}" for value in sorted({item.threshold for item in explanations.items}))
    nearest = f". The nearer to {least}, from which a digit is read, the more doubtful."
    yield "explained", [_Part(counted(explanations) + nearest * (len(explanations.items) > 1))]
    place = [
        _Part("its place, in a box that is"),
        _Part(f"green: read, and sure ({SURE:.2f} or more)", GREEN),
        _Part("amber: read, less sure", AMBER),
        _Part(f"grey: not read (below {least}, or a decimal mark)", DIM),
    ]
    yield _PANELS[0], place
    yield _PANELS[1], [_Part("all that the network is shown: a square around the box, its ink made bright")]
    looked = [
        _Part("hide this place of the cut, and what the network says for the digit"),
        _Part("falls: it speaks for it", RED),
        _Part("rises: it speaks against it", BLUE),
    ]
    yield _PANELS[2], looked
    yield "cut alone", [_Part("what the network says of the cut, each answer from 0 to 1; reject: no digit")]
    score = "what counts: the cut's, raised by digits beside it, lowered by letters or other ink beside it"
    yield "score", [_Part(score)]
    yield (
        "not here",
        [_Part("what is no stroke of its own in the picture, or in whose cut no digit was seen")],
    )


def _flow(head: Image, parts: Sequence[_Part], y: int) -> int:
    """Writes ``parts`` from line ``y`` on, a square before what is in a colour; gives their last line."""
    x = CAPTION
    for text, colour in parts:
        if colour and x + 14 + _wide(text) > head.shape[1]:
            x, y = CAPTION, y + ROW
        if colour:
            cv2.rectangle(head, (x, y - 9), (x + 9, y), colour, cv2.FILLED)
            x += 14
        for word in text.split():
            if x + _wide(word) > head.shape[1] - GAP:
                x, y = CAPTION, y + ROW
            cv2.putText(head, word, (x, y), _FONT, 0.4, GREY, 1, cv2.LINE_AA)
            x += _wide(word + " ")
        x += GAP
    return y


def _wide(text: str) -> int:
    return int(cv2.getTextSize(text, _FONT, 0.4, 1)[0][0])


def _tile(image: Image, explanation: Explanation) -> Image:
    colour = DIM if not explanation.told else GREEN if explanation.score >= SURE else AMBER
    pictures = [
        _place(image, explanation, colour),
        cv2.cvtColor(explanation.view, cv2.COLOR_GRAY2BGR),
        heat(explanation.view, explanation.attention),
    ]
    tile = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    cv2.line(tile, (GAP, 0), (WIDTH - GAP, 0), LINE)
    for number, (title, picture) in enumerate(zip(_PANELS, pictures, strict=True)):
        left, top = GAP + number * (SIDE + GAP), 20
        _write(tile, title, (left, top - 5), 0.34, DIM, width=SIDE)
        shown = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
        tile[top : top + SIDE, left : left + SIDE] = shown
    _write(tile, _verdict(explanation), (GAP, SIDE + 40), 0.5, colour, width=WIDTH - 2 * GAP)
    for number, text in enumerate(_reasons(explanation)):
        _write(tile, text, (GAP, SIDE + 60 + 18 * number), 0.38, GREY, width=WIDTH - 2 * GAP)
    return tile


def _write(
    tile: Image, text: str, place: tuple[int, int], scale: float, colour: Colour, *, width: int
) -> None:
    """A line of text, smaller where it is wider than ``width``: fonts differ between releases of OpenCV."""
    wide = int(cv2.getTextSize(text, _FONT, scale, 1)[0][0])
    cv2.putText(tile, text, place, _FONT, scale * min(width / max(wide, 1), 1), colour, 1, cv2.LINE_AA)


def _verdict(explanation: Explanation) -> str:
    """What was read, and what it is worth; what is worth enough and not read is a comma between digits."""
    if explanation.told:
        return f"read as {explanation.label}: score {explanation.score:.2f}"
    why = ", but is a decimal mark" if explanation.score >= explanation.threshold else ""
    return f"not read: {explanation.label} scores {explanation.score:.2f}{why}"


def _reasons(explanation: Explanation) -> tuple[str, str]:
    """What the network says of the cut, and what its surroundings make of that."""
    said = [
        (label, score) for label, score in explanation.scores if label == explanation.label or score >= SAID
    ]
    alone, score = explanation.alone, explanation.score
    if score >= alone + MOVED:
        beside = f"digits beside it raise that from {alone:.2f} to {score:.2f}"
    elif score <= alone - MOVED:
        beside = f"other ink beside it lowers that from {alone:.2f} to {score:.2f}"
    else:
        beside = "nothing beside it changes that"
    return "cut alone: " + ", ".join(f"{label}: {score:.2f}" for label, score in said), beside


def _place(image: Image, explanation: Explanation, colour: Colour) -> Image:
    """The surroundings of the digit, with its box."""
    x, y, w, h = explanation.box
    side = max(round(2.4 * max(w, h)), 16)
    left, top = round(x + (w - side) / 2), round(y + (h - side) / 2)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    square = np.full((side, side, 3), 255, np.uint8)
    square[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    scale = SIDE / side
    shrunk = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    corner = round((x - left) * scale), round((y - top) * scale)
    opposite = round((x - left + w) * scale), round((y - top + h) * scale)
    return np.asarray(cv2.rectangle(shrunk, corner, opposite, colour, 1), np.uint8)
