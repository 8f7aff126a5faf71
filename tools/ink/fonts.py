"""Printed characters from the fonts that are installed, as filled shapes.

On Debian, families come with packages such as fonts-dejavu, fonts-liberation, fonts-lato and
fonts-roboto-unhinted.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge.errors import UnavailableError
from edge.records import Image
from tools.ink.shapes import BODY, SIDE, Shapes, filled_map

DIGITS = "0123456789"
LETTERS = "ACDEFHJKLMNPRTUVWXYacdefhkmnprtuvwx"
SYMBOLS = "+-=×÷%&#@?*<>[]€$£§^~←→↑↓:;.,αβδεθλμπσφψωΔΣΩ"
"""Letters and symbols that nobody reads as a digit: no O o I l i j | / ! S s Z z B b G g Q q y { }."""

_OVERSAMPLING = 4
_STYLES_OF_A_FAMILY = 2
_SKIP = (
    "Emoji",
    "Symbol",
    "Icon",
    "Dingbat",
    "Math",
    "D050000L",
    "Keyboard",
    "Initials",
    "Weather",
    "GGCHAN",
    "STIXInt",
    "STIXSize",
    "STIXVariants",
    "msam",
    "msbm",
    "cmex",
    "cmsy",
    "stmary",
    "wasy",
    "dsrom",
    "feta",
    "esint",
    "Patch",
    "pauta",
    "ligne",
    "DedaEna",
)
"""Parts of the names of families whose digits are none, are cut out of something, or come with lines."""


_WIDEST = 1.25
"""Width of a 0 in heights above which type is ornament."""

_HOLE = 0.004
"""Share of its box from which what ink encloses is a hole."""

SEGMENTS = "DSEG"
"""Families that look like displays, by the beginning of their names."""


class Font(NamedTuple):
    """One installed font file (and face within it) and the family it belongs to."""

    family: str
    path: str
    face: int


def installed() -> list[Font]:
    """All usable font faces, at most two styles of a family, in a fixed order. Raises UnavailableError."""
    lister = shutil.which("fc-list")
    if lister is None:
        raise UnavailableError("fc-list is not there", "install fontconfig and some fonts-* packages")
    found = subprocess.run(
        [lister, "--format", "%{family[0]}\t%{file}\t%{index}\t%{fontformat}\n"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    fonts: dict[str, list[Font]] = {}
    for line in sorted(set(found.splitlines())):
        family, path, face, kind = line.split("\t")
        known = fonts.setdefault(family, [])
        if (
            kind in {"TrueType", "CFF"}
            and len(known) < _STYLES_OF_A_FAMILY
            and not any(s in family for s in _SKIP)
        ):
            known.append(Font(family, path, int(face) & 0xFFFF))
    return [font for family in sorted(fonts) for font in fonts[family]]


def part_of(family: str) -> Literal["train", "validation", "test"]:
    """The part a family belongs to, by its name alone: it must not depend on what else is installed."""
    if family.startswith(SEGMENTS):
        return "test"
    place = hashlib.md5(family.encode(), usedforsecurity=False).digest()[0]
    return "test" if place < 48 else "validation" if place < 72 else "train"


def printed(fonts: Sequence[Font], characters: str) -> Shapes:
    """The shapes of ``characters`` in all ``fonts`` that have them; labels are code points.

    Ornament is left out: type much wider than high, mere outlines, and one sign for all digits.
    """
    maps, labels = [], []
    for font in fonts:
        try:
            face = ImageFont.truetype(font.path, 160, index=font.face)
            missing = _picture(face, "\U0010fffd")
            if _ornament(face):
                continue
        except (OSError, ValueError):
            continue
        for character in characters:
            picture = _picture(face, character)
            if picture is not None and not (missing is not None and np.array_equal(picture, missing)):
                maps.append(filled_map(picture, _OVERSAMPLING))
                labels.append(ord(character))
    empty = np.empty((0, SIDE, SIDE), np.uint8)
    return Shapes(np.stack(maps) if maps else empty, np.array(labels, np.int16), filled=True)


def _ornament(face: ImageFont.FreeTypeFont) -> bool:
    zero = _picture(face, "0")
    if zero is not None:
        _, _, w, h = cv2.boundingRect(zero)
        if w > _WIDEST * h:
            return True
    digits = [picture for digit in "1357" if (picture := _picture(face, digit)) is not None]
    same = len(digits) > 1 and all(np.array_equal(digits[0], other) for other in digits[1:])
    return same or any(map(_hollow, digits))


def _hollow(picture: Image) -> bool:
    """Whether there is a hole in what should have none."""
    paper = (picture < 128).astype(np.uint8)
    count, _, measures, _ = cv2.connectedComponentsWithStats(paper, connectivity=4)
    least = _HOLE * (BODY * _OVERSAMPLING) ** 2
    return bool((measures[1:count, cv2.CC_STAT_AREA] > least).sum() > 1)


def _picture(face: ImageFont.FreeTypeFont, character: str) -> Image | None:
    left, top, right, bottom = face.getbbox(character)
    width, height = int(right - left), int(bottom - top)
    if min(width, height) < 1:
        return None
    glyph = Pillow.new("L", (width, height))
    ImageDraw.Draw(glyph).text((-left, -top), character, font=face, fill=255)
    tight = glyph.getbbox()
    if tight is None:
        return None
    glyph = glyph.crop(tight)
    scale = BODY * _OVERSAMPLING / max(glyph.size)
    glyph = glyph.resize((max(round(glyph.width * scale), 1), max(round(glyph.height * scale), 1)))
    page = Pillow.new("L", (SIDE * _OVERSAMPLING,) * 2)
    page.paste(glyph, ((page.width - glyph.width) // 2, (page.height - glyph.height) // 2))
    return np.asarray(page, np.uint8)
