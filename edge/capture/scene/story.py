"""The story of a scene: what lies where, and what is to be read, at every second; nothing is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from edge.capture.scene.motion import Homography, Motion
from edge.capture.scene.page import PERIOD, Mark, Page, some_page
from edge.geometry import clip
from edge.records import Box

KEPT = 4
"""Pages that are kept in memory."""


@dataclass(frozen=True, slots=True)
class Written:
    """A digit that stands in full view. ``mark`` is this writing of it, ``number`` what it belongs to."""

    digit: int
    box: Box
    number: int
    mark: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What is to be read. ``unclear`` are the boxes of what nobody can be asked to read now:
    digits being written or erased, or cut by the edge of the picture. ``lines`` are the rows from
    the top, numbers apart by a space, of digits in full view."""

    digits: tuple[Written, ...]
    unclear: tuple[Box, ...]
    lines: tuple[str, ...]


class Story:
    """The same for the same seed. ``size``: (width, height) of the pictures."""

    def __init__(self, seed: int = 0, size: tuple[int, int] = (640, 480)) -> None:
        self.seed = seed
        self.size = size
        self._pages: dict[int, tuple[Page, Motion]] = {}

    def moment(self, t: float) -> tuple[Page, float, Homography, Homography]:
        """The page at second ``t``, its own second, and the moves: table to picture, page to table."""
        number, second = divmod(t, PERIOD)
        page, motion = self._page(int(number))
        return page, second, motion.camera(second).matrix(*self.size), motion.page(second)

    def truth(self, t: float) -> Truth:
        """What is to be read at second ``t``."""
        page, second, camera, place = self.moment(t)
        digits: list[Written] = []
        unclear: list[Box] = []
        lines: list[str] = []
        for row in page.rows:
            seen: list[Written] = []
            for mark in row.marks:
                if mark.drawn(second) <= 0 or mark.left(second) <= 0:
                    continue
                box = _box(mark, camera @ place)
                inside = clip(box, *self.size)
                if mark.whole(second) and inside == box:
                    seen.append(Written(mark.glyph.digit, box, mark.number, mark.id))
                elif inside.w > 0 and inside.h > 0:
                    unclear.append(inside)
            seen.sort(key=lambda written: written.box.x)
            digits += seen
            lines += [_text(seen)] if seen else []
        return Truth(tuple(digits), tuple(unclear), tuple(lines))

    def _page(self, number: int) -> tuple[Page, Motion]:
        if number not in self._pages:
            if len(self._pages) >= KEPT:
                del self._pages[next(iter(self._pages))]
            self._pages[number] = some_page(self.seed, number), Motion(self.seed, number)
        return self._pages[number]


def _box(mark: Mark, move: Homography) -> Box:
    """The box around a mark's ink in the picture."""
    outline = mark.glyph.outline @ move[:2, :2].T + move[:2, 2]
    depth = mark.glyph.outline @ move[2, :2] + move[2, 2]
    points = outline / depth[:, None]
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return Box(float(left), float(top), float(right - left), float(bottom - top))


def _text(seen: list[Written]) -> str:
    """Digits of a row from the left, with a space between numbers."""
    text = ""
    for before, written in zip([None, *seen], seen, strict=False):
        text += " " if before and before.number != written.number else ""
        text += str(written.digit)
    return text
