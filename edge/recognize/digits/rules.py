"""Ruled and squared paper, forms, underlines: long thin lines are taken out of a mask of strokes.

What crosses a line stays whole: where the ink goes on above and below, the line's pixels are ink.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.records import Image

LONG_ACROSS = 48
"""Pixels of a level: longer horizontal runs are a line. The foot of a 2 is as long only on levels
where another one shows it smaller."""

LONG_DOWN = 80
"""The same for vertical runs, longer because a 1 is one."""

THICK = 4
"""Pixels of a level: thicker runs are no line of printed paper."""


def without_rules(mask: Image) -> Image:
    """``mask`` (H, W) uint8 0 or 255 without thin lines that run across or down, slightly tilted ones too."""
    rules = [_rules(mask, LONG_ACROSS, across=True), _rules(mask, LONG_DOWN, across=False)]
    found = [some for some in rules if some is not None]
    if not found:
        return mask
    rest = mask
    for some in found:
        rest = np.asarray(cv2.subtract(rest, some), np.uint8)
    bridged = [cv2.morphologyEx(rest, cv2.MORPH_CLOSE, bridge) for bridge in (_BRIDGE, _BRIDGE.T)]
    return np.asarray(cv2.bitwise_and(mask, cv2.bitwise_or(*bridged)), np.uint8)


_THICKER = np.ones((THICK + 1, 1), np.uint8)
_BRIDGE = np.ones((THICK + 3, 1), np.uint8)


def _rules(mask: Image, length: int, *, across: bool) -> Image | None:
    """Pixels of thin runs of at least ``length``; None where there is none."""
    run = np.ones((1, length) if across else (length, 1), np.uint8)
    beside = np.ones((3, 1) if across else (1, 3), np.uint8)
    # Thickened by a pixel first: a tilted line is a stair of short runs.
    starts = cv2.erode(cv2.dilate(mask, beside), run)
    if not cv2.countNonZero(starts):
        return None
    runs = cv2.bitwise_and(cv2.dilate(starts, run, anchor=_opposite(run)), mask)
    thick = cv2.morphologyEx(runs, cv2.MORPH_OPEN, _THICKER if across else _THICKER.T)
    return np.asarray(cv2.subtract(runs, thick), np.uint8)


def _opposite(run: Image) -> tuple[int, int]:
    """The anchor (x, y) with which a dilation undoes the shift of an erosion by an even kernel."""
    height, width = run.shape
    return (width - 1) // 2, (height - 1) // 2
