"""Draws what was recognised into a picture, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from edge.records import Box, Detection, Image

GREEN, AMBER, GREY = (80, 175, 60), (0, 140, 255), (60, 60, 60)
"""BGR: sure and less sure; of whole numbers."""

SURE = 0.9

FONT = cv2.FONT_HERSHEY_SIMPLEX


class _Tag(NamedTuple):
    """Text in white on a filled ``box``; ``lift`` pixels of it are below the text's line."""

    text: str
    box: Box
    lift: int
    scale: float
    stroke: int


def annotate(image: Image, detections: Sequence[Detection], lines: Sequence[tuple[Box, str]]) -> Image:
    """A copy of ``image`` (H, W, 3 BGR) with a box and label for each detection, and the numbers' texts.

    The text of a number of several digits stands right of it where there is room, else left of it, above or
    below, and is joined to it by a stroke.
    """
    picture = np.array(image)
    height, width = picture.shape[:2]
    scale = max(min(width, height) / 700, 0.4)
    stroke = max(round(1.5 * scale), 1)
    taken: list[Box] = []
    for found in detections:
        if found.label is None:
            continue
        colour = GREEN if found.score >= SURE else AMBER
        x, y, w, h = (round(value) for value in found.box)
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, stroke, cv2.LINE_AA)
        tag = _tag(picture, found.label, (x, y), 0.6 * scale)
        _draw(picture, tag, colour)
        taken += [found.box, tag.box]
    for box, text in lines:
        if len(text) == 1:
            continue  # its digit's label says the same
        tag = _beside(picture, text, box, taken, scale)
        cv2.line(picture, *_joint(box, tag.box), GREY, stroke, cv2.LINE_AA)
        _draw(picture, tag, GREY)
        taken.append(tag.box)
    return picture


def _beside(picture: Image, text: str, box: Box, taken: Sequence[Box], scale: float) -> _Tag:
    """The text of a number where it covers least of what is ``taken``: the first such place of right, left,
    above and below."""
    apart = 8 * scale
    _, _, wide, high = _tag(picture, text, (0, 0), 0.55 * scale).box
    # Above the number its digits have their labels.
    over = box.y - 1.3 * high - apart
    level = box.y + (box.h + high) / 2
    places = (
        (box.x + box.w + apart, level),
        (box.x - wide - apart, level),
        (box.x, over),
        (box.x, box.y + box.h + high + apart),
    )
    tags = [_tag(picture, text, (round(x), round(y)), 0.55 * scale) for x, y in places]
    # A number's own box counts too: at the border of the picture a tag is pushed back over it.
    covered = [sum(_shared(tag.box, other) for other in (*taken, box)) for tag in tags]
    return tags[covered.index(min(covered))]


def _joint(box: Box, tag: Box) -> tuple[tuple[int, int], tuple[int, int]]:
    """The shortest stroke, level or plumb where it can be, from a number to its text."""
    ends = []
    for low, length, other, width in ((box.x, box.w, tag.x, tag.w), (box.y, box.h, tag.y, tag.h)):
        shared = max(low, other), min(low + length, other + width)
        if shared[0] <= shared[1]:
            ends.append((round(sum(shared) / 2),) * 2)
        elif low < other:
            ends.append((round(low + length), round(other)))
        else:
            ends.append((round(low), round(other + width)))
    (x0, x1), (y0, y1) = ends
    return (x0, y0), (x1, y1)


def _shared(a: Box, b: Box) -> float:
    """The area that two boxes share, in pixels."""
    width = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    height = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(width, 0.0) * max(height, 0.0)


def _tag(picture: Image, text: str, corner: tuple[int, int], scale: float) -> _Tag:
    """Where ``text`` stands if its lower left corner is ``corner``, kept inside the picture."""
    stroke = max(round(1.6 * scale), 1)
    (wide, high), base = cv2.getTextSize(text, FONT, scale, stroke)
    x = min(max(corner[0], 0), max(picture.shape[1] - wide, 0))
    y = min(max(corner[1], high + base), picture.shape[0])
    return _Tag(text, Box(x, y - high - base, wide, high + base), base // 2, scale, stroke)


def _draw(picture: Image, tag: _Tag, colour: tuple[int, int, int]) -> None:
    left, top, wide, high = (round(value) for value in tag.box)
    cv2.rectangle(picture, (left, top), (left + wide, top + high), colour, cv2.FILLED)
    place = left, top + high - tag.lift
    cv2.putText(picture, tag.text, place, FONT, tag.scale, (255, 255, 255), tag.stroke, cv2.LINE_AA)
