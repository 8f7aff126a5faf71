"""The sheets that ``edge recognize --explain DIR`` writes: why each digit was read as it was."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.annotate import AMBER, GREEN, SURE
from edge.recognize.descriptor import Explanation
from edge.records import Image

SIDE, GAP, TEXT, ACROSS = 96, 6, 40, 4
"""Pixels of a picture, of the space between, of the text below; explanations side by side."""

DIM = (150, 150, 150)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def sheet(image: Image, explanations: Sequence[Explanation]) -> Image:
    """All ``explanations`` of a picture (H, W, 3 BGR): its place, what the network saw, where it looked."""
    if not explanations:
        empty = np.full((TEXT, 2 * SIDE, 3), 255, np.uint8)
        cv2.putText(empty, "nothing was read", (GAP, TEXT // 2), _FONT, 0.4, DIM, 1, cv2.LINE_AA)
        return empty
    tiles = [_tile(image, explanation) for explanation in explanations]
    across = min(len(tiles), ACROSS)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % across)
    rows = [np.hstack(tiles[start : start + across]) for start in range(0, len(tiles), across)]
    return np.vstack(rows)


def heat(view: Image, attention: NDArray[np.float32]) -> Image:
    """``view`` (h, w) with ``attention`` (h, w) over it: red carries the score, blue speaks against it."""
    strongest = max(float(np.abs(attention).max()), 1e-6)
    share = np.clip(attention / strongest, -1, 1)
    grey = np.asarray(cv2.cvtColor(view, cv2.COLOR_GRAY2BGR), np.float32) * 0.6
    grey[..., 2] += 150 * np.maximum(share, 0)
    grey[..., 0] += 150 * np.maximum(-share, 0)
    return np.asarray(np.clip(grey, 0, 255), np.uint8)


def _tile(image: Image, explanation: Explanation) -> Image:
    told = explanation.told
    colour = DIM if not told else GREEN if explanation.score >= SURE else AMBER
    pictures = [
        _place(image, explanation, colour),
        cv2.cvtColor(explanation.view, cv2.COLOR_GRAY2BGR),
        heat(explanation.view, explanation.attention),
    ]
    shown = [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST) for picture in pictures]
    tile = np.full((SIDE + TEXT + 2 * GAP, 3 * SIDE + 4 * GAP, 3), 255, np.uint8)
    for number, picture in enumerate(shown):
        left = GAP + number * (SIDE + GAP)
        tile[GAP : GAP + SIDE, left : left + SIDE] = picture
    verdict = f"{explanation.label}  {explanation.score:.2f}" + ("" if told else "  too unsure to be told")
    cv2.putText(tile, verdict, (GAP, SIDE + 2 * GAP + 10), _FONT, 0.45, colour, 1, cv2.LINE_AA)
    scores = "cut alone: " + ", ".join(f"{label} {score:.2f}" for label, score in explanation.scores)
    cv2.putText(tile, scores, (GAP, SIDE + 2 * GAP + 28), _FONT, 0.36, (90, 90, 90), 1, cv2.LINE_AA)
    return tile


def _place(image: Image, explanation: Explanation, colour: tuple[int, int, int]) -> Image:
    """The surroundings of the digit, with its box."""
    x, y, w, h = explanation.box
    side = max(round(2.4 * max(w, h)), 16)
    left, top = round(x + (w - side) / 2), round(y + (h - side) / 2)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    square = np.full((side, side, 3), 128, np.uint8)
    square[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    scale = SIDE / side
    shrunk = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    corner = round((x - left) * scale), round((y - top) * scale)
    opposite = round((x - left + w) * scale), round((y - top + h) * scale)
    return np.asarray(cv2.rectangle(shrunk, corner, opposite, colour, 1), np.uint8)
