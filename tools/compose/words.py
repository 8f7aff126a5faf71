"""Words in type and in script: pseudo-words set in the installed fonts, so in shapes of real letters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge.errors import UnavailableError
from edge.records import Image
from tools.ink import fonts
from tools.ink.alphabet import Part
from tools.ink.fonts import Font

_SCRIPTS = (
    "Balker", "Breip", "Comic Neue", "Dancing Script", "Delphine", "DkgHandwriting", "Domestic Manners",
    "Ecolier", "El Abogado Loco", "Humor Sans", "Isabella", "It wasn't me", "Junkyard", "Kaushan Script",
    "Kristi", "Lobster", "Marked Fool", "Penguin Attack", "Purisa", "Romande ADF Script", "Rufscript",
    "StayPuft", "Steve", "Summersby", "TeX Gyre Chorus", "Tomson Talks", "Winks", "Z003", "femkeklaver",
)  # fmt: skip
"""Beginnings of the names of families that look like handwriting."""

_SYLLABLES = (
    "a", "an", "al", "ar", "ba", "be", "bo", "ca", "ce", "co", "da", "de", "di", "do", "e", "el", "en",
    "er", "es", "fa", "fi", "fo", "ga", "ge", "go", "ha", "he", "hi", "ho", "i", "il", "in", "is", "it",
    "jo", "ka", "ke", "la", "le", "li", "lo", "lu", "ma", "me", "mi", "mo", "mu", "na", "ne", "ni", "no",
    "o", "ol", "on", "or", "pa", "pe", "po", "qui", "ra", "re", "ri", "ro", "sa", "se", "si", "so", "st",
    "ta", "te", "ti", "to", "tu", "u", "ul", "un", "us", "va", "ve", "vi", "vo", "we", "wi", "zo", "ß",
    "ü", "ö", "ä", "th", "sch", "ng", "ll", "ss",
)  # fmt: skip
_MARKS = ("", "", "", "", "", ".", ",", ":", ";", "!", "?", ")", "-")


@dataclass(frozen=True, slots=True)
class Faces:
    """The fonts of one part: upright and italic type, and families that look like handwriting."""

    type: tuple[Font, ...]
    script: tuple[Font, ...]


def faces(part: Part) -> Faces:
    """The installed fonts whose families belong to ``part``. Raises UnavailableError where there are none."""
    mine = [font for font in fonts.installed() if fonts.part_of(font.family) == part]
    # DSEG and the like show letters as digits; a few families have no letters at all.
    mine = [font for font in mine if _has_letters(font)]
    if not mine:
        raise UnavailableError("no fonts to compose with", "tools/environment fonts installs them")
    script = tuple(font for font in mine if font.family.startswith(_SCRIPTS))
    return Faces(tuple(mine), script or tuple(mine))


def word(rng: np.random.Generator) -> str:
    """A pseudo-word of one to five syllables, perhaps capitalised, perhaps with a mark."""
    text = "".join(_SYLLABLES[i] for i in rng.integers(0, len(_SYLLABLES), int(rng.integers(1, 6))))
    if rng.random() < 0.25:
        text = text.upper() if rng.random() < 0.2 else text.capitalize()
    return text + _MARKS[rng.integers(len(_MARKS))]


def phrase(rng: np.random.Generator, words: int) -> str:
    """Several words in a line."""
    return " ".join(word(rng) for _ in range(words))


def set_line(font: Font, text: str, size: float) -> Image | None:
    """``text`` as a mask (h, w) uint8, letters ``size`` pixels high; None where the font cannot."""
    try:
        face = _face(font, max(round(size), 4))
    except OSError:  # a bitmap font has some sizes only
        return None
    left, top, right, bottom = (int(v) for v in face.getbbox(text))
    if right - left < 2 or bottom - top < 2 or right - left > 4000:
        return None
    mask = Pillow.new("L", (right - left, bottom - top))
    ImageDraw.Draw(mask).text((-left, -top), text, font=face, fill=255)
    return np.asarray(mask, np.uint8)


@lru_cache(maxsize=2000)
def _face(font: Font, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(font.path, size, index=font.face)


def _has_letters(font: Font) -> bool:
    try:
        first, second = (set_line(font, character, 20) for character in "an")
    except (OSError, ValueError):
        return False
    return first is not None and second is not None and not np.array_equal(first, second)
