"""Crops that are no digit: letters, symbols, groups and parts of digits, lines, and a bank of pages."""

from __future__ import annotations

import cv2
import numpy as np

from edge.recognize.digits.crop import cut
from edge.records import Box, Image
from tools.ink.alphabet import Alphabet
from tools.ink.camera import photograph
from tools.ink.page import beside, finish, style, write
from tools.ink.papers import any_ruling, light, paper, ruling
from tools.ink.scribbles import blot, cursive, doodle, trace
from tools.ink.shapes import Canvas
from tools.ink.textures import surface
from tools.train_digits.crops import blank, jittered, middle, neighbours

_PAGE = 320
_PAGES = 40
_CROPS_OF_A_PAGE = 16
_BARE = 2.2


class Rejects:
    """Draws crops without a digit. Pages are drawn once, used for some crops, and replaced."""

    def __init__(self, alphabet: Alphabet) -> None:
        self._alphabet = alphabet
        self._pages: list[tuple[Image, list[tuple[Box, bool]]]] = []
        self._used = 0

    def draw(self, rng: np.random.Generator, out: Image) -> None:
        """One crop (32, 32) into ``out``."""
        kind = rng.random()
        if kind < 0.3:
            self._character(rng, out)
        elif kind < 0.42:
            self._group(rng, out)
        elif kind < 0.62:
            self._misplaced(rng, out)
        elif kind < 0.68:
            self._line(rng, out)
        else:
            self._from_page(rng, out)

    def _character(self, rng: np.random.Generator, out: Image) -> None:
        written = rng.random() < 0.5
        shapes = self._alphabet.letters if written else self._alphabet.type
        canvas, hand = blank(rng, filled=shapes.filled)
        box = write(canvas, shapes.maps[rng.integers(len(shapes.maps))], hand, middle(canvas))
        if rng.random() < 0.6:
            digits = self._alphabet.written if written else self._alphabet.printed
            neighbours(rng, canvas, digits if rng.random() < 0.3 else shapes, hand, box)
        cut(finish(rng, canvas, hand), jittered(rng, box), dark_ink=hand.dark_ink, out=out)

    def _group(self, rng: np.random.Generator, out: Image) -> None:
        """Two to four digits in one box."""
        digits = self._alphabet.written if rng.random() < 0.7 else self._alphabet.printed
        canvas, hand = blank(rng, filled=digits.filled)
        canvas = np.zeros((canvas.shape[0] * 2,) * 2, np.float32)
        last = write(canvas, digits.maps[rng.integers(len(digits.maps))], hand, middle(canvas))
        boxes = [last]
        gap = hand.size * rng.uniform(-0.05, 0.35)
        for _ in range(int(rng.choice([1, 1, 2, 3]))):
            last = beside(rng, canvas, digits, hand, last, side=1, gap=gap)
            boxes.append(last)
        cut(finish(rng, canvas, hand), jittered(rng, _around(boxes)), dark_ink=hand.dark_ink, out=out)

    def _misplaced(self, rng: np.random.Generator, out: Image) -> None:
        """A box on half of a digit, on its edge, or far larger than it."""
        digits = self._alphabet.written if rng.random() < 0.7 else self._alphabet.printed
        canvas, hand = blank(rng, filled=digits.filled)
        canvas = np.zeros((int(canvas.shape[0] * 1.6),) * 2, np.float32)
        box = write(canvas, digits.maps[rng.integers(len(digits.maps))], hand, middle(canvas))
        if rng.random() < 0.5:
            neighbours(rng, canvas, digits, hand, box)
        longer = max(box.w, box.h, 4.0)
        kind = rng.random()
        if kind < 0.4:
            wrong = _part(rng, box)
        elif kind < 0.7:
            angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.38, 0.8) * longer
            wrong = Box(box.x + far * np.cos(angle), box.y + far * np.sin(angle), box.w, box.h)
        else:
            side = longer * rng.uniform(1.8, 3.2)
            free = side - longer
            wrong = Box(box.x - rng.uniform(0, 1) * free, box.y - rng.uniform(0, 1) * free, side, side)
        cut(finish(rng, canvas, hand), wrong, dark_ink=hand.dark_ink, out=out)

    def _line(self, rng: np.random.Generator, out: Image) -> None:
        """A line or edge that runs through the whole crop, or a horizontal bar."""
        canvas, hand = blank(rng, filled=False)
        side = canvas.shape[0]
        centre = np.array(middle(canvas))
        bar = rng.random() < 0.3
        angle = rng.normal(0, 0.2) if bar else rng.uniform(0, np.pi)
        reach = hand.size * 0.5 if bar else side
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        pen = hand.pen * rng.uniform(0.6, 2)
        for offset in (0.0, *rng.uniform(-0.8, 0.8, int(rng.choice([0, 0, 0, 1, 2])))):
            place = centre + across * offset * hand.size
            trace(canvas, np.array([place - along * reach, place + along * reach]), pen)
        if not bar and rng.random() < 0.3:
            trace(canvas, np.array([centre, centre + across * side]), pen)
        wide = rng.uniform(0.15, 1)
        w, h = (hand.size, hand.size * wide) if bar or rng.random() < 0.5 else (hand.size * wide, hand.size)
        box = Box(centre[0] - w / 2, centre[1] - h / 2, w, h)
        cut(finish(rng, canvas, hand), jittered(rng, box), dark_ink=hand.dark_ink, out=out)

    def _from_page(self, rng: np.random.Generator, out: Image) -> None:
        if len(self._pages) < _PAGES or self._used >= _CROPS_OF_A_PAGE:
            self._used = 0
            page = self._textured(rng) if rng.random() < 0.5 else self._scribbled(rng)
            boxes = _proposals(rng, page)
            if boxes:
                self._pages = [*self._pages, (page, boxes)][-_PAGES:]
        self._used += 1
        if not self._pages:
            out[:] = rng.integers(0, 256, out.shape)
            return
        page, boxes = self._pages[rng.integers(len(self._pages))]
        box, dark = boxes[rng.integers(len(boxes))]
        cut(page, jittered(rng, box), dark_ink=dark, out=out)

    def _textured(self, rng: np.random.Generator) -> Image:
        scene = surface(rng, _PAGE)
        return photograph(rng, scene * light(rng, _PAGE, _PAGE), 20, 0.2)

    def _scribbled(self, rng: np.random.Generator) -> Image:
        """Joined writing, words, doodles and blots on ruled paper, perhaps with the sheet's edge."""
        ink: Canvas = np.zeros((_PAGE, _PAGE), np.float32)
        hand = style(rng, float(rng.uniform(12, 40)), filled=False)
        for _ in range(int(rng.integers(1, 5))):
            start = (rng.uniform(0, 0.5) * _PAGE, rng.uniform(0.1, 0.9) * _PAGE)
            cursive(rng, ink, start, hand.size * rng.uniform(0.3, 0.8), hand.pen)
        for _ in range(int(rng.integers(0, 4))):
            doodle(rng, ink, hand.pen * rng.uniform(0.7, 1.5))
        if rng.random() < 0.4:
            blot(rng, ink)
        for _ in range(int(rng.integers(0, 5))):
            self._word(rng, ink)
        sheet = paper(rng, _PAGE, _PAGE)
        ruling(rng, sheet, hand.size * rng.uniform(0.5, 2), any_ruling(rng), rng.normal(0, 6))
        if rng.random() < 0.3:
            ground = surface(rng, _PAGE)
            cover = np.zeros((_PAGE, _PAGE), np.float32)
            box = cv2.boxPoints((tuple(rng.uniform(0.2, 0.8, 2) * _PAGE), tuple(rng.uniform(0.4, 1.2, 2) * _PAGE), rng.uniform(0, 90)))  # fmt: skip # noqa: E501
            cv2.fillPoly(cover, [box.astype(np.int32)], (1.0,), cv2.LINE_AA)
            sheet, ink = ground + (sheet - ground) * cover, ink * cover
        return finish(rng, ink, hand, sheet)

    def _word(self, rng: np.random.Generator, ink: Canvas) -> None:
        shapes = self._alphabet.letters if rng.random() < 0.4 else self._alphabet.type
        hand = style(rng, float(rng.uniform(10, 34)), filled=shapes.filled)
        start = (rng.uniform(0, 0.6) * _PAGE, rng.uniform(0.1, 0.9) * _PAGE)
        last = write(ink, shapes.maps[rng.integers(len(shapes.maps))], hand, start)
        gap = hand.size * rng.uniform(-0.12, 0.2)
        for _ in range(int(rng.integers(2, 9))):
            last = beside(rng, ink, shapes, hand, last, side=1, gap=gap)
            if not last.w:
                return


def _around(boxes: list[Box]) -> Box:
    seen = [box for box in boxes if box.w]
    x, y = min(box.x for box in seen), min(box.y for box in seen)
    return Box(x, y, max(box.x + box.w for box in seen) - x, max(box.y + box.h for box in seen) - y)


def _part(rng: np.random.Generator, box: Box) -> Box:
    """The upper, lower, left or right part of ``box``."""
    share = rng.uniform(0.35, 0.6)
    if box.h >= box.w or rng.random() < 0.4:
        h = box.h * share
        return Box(box.x, box.y if rng.random() < 0.5 else box.y + box.h - h, box.w, h)
    w = box.w * share
    return Box(box.x if rng.random() < 0.5 else box.x + box.w - w, box.y, w, box.h)


def _proposals(rng: np.random.Generator, page: Image) -> list[tuple[Box, bool]]:
    """Boxes of connected parts by local contrast, dark and light; most tall bare ones, maybe 1s, left out."""
    boxes: list[tuple[Box, bool]] = []
    for dark in (True, False):
        window, margin = int(rng.integers(5, 30)) * 2 + 1, float(rng.uniform(3, 12))
        kind = cv2.THRESH_BINARY_INV if dark else cv2.THRESH_BINARY
        shift = margin if dark else -margin
        binary = cv2.adaptiveThreshold(page, 255, cv2.ADAPTIVE_THRESH_MEAN_C, kind, window, shift)
        if rng.random() < 0.3:
            binary = cv2.morphologyEx(binary, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(binary, connectivity=8)
        for x, y, w, h, area in stats[1:].tolist():
            whole = 8 <= max(w, h) <= _PAGE * 0.6 and area > 12
            if whole and (h < _BARE * w or rng.random() < 0.15):
                boxes.append((Box(x, y, w, h), dark))
    if len(boxes) > 60:
        boxes = [boxes[i] for i in rng.choice(len(boxes), 60, replace=False)]
    return boxes
