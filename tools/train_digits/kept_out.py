"""Sets that nothing was trained on: other writers, kept-out families of type, kept-out displays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.recognize.digits.crop import cut
from edge.records import Box, Image
from tools.data import Labelled, optdigits, semeion
from tools.ink import fonts
from tools.ink.displays import displays
from tools.ink.page import finish, write
from tools.train_digits.crops import SIZE, blank, jittered, middle

SEED, _BUILDS = 5, 40
"""Of the displays, and of how type and displays are photographed; training and validation have 1 and 2."""


def written(root: Path) -> dict[str, Labelled]:
    """Digits by writers of other countries, cut as the recognizer cuts them. Raises InputError."""
    return {
        "Semeion (1593, never trained on)": _cut_out(semeion(root)),
        "Optdigits (1797, never trained on)": _cut_out(optdigits(root)),
    }


def kept_out() -> dict[str, Labelled]:
    """Type and displays whose families and builds nothing was trained on, clean and photographed."""
    faces = [font for font in fonts.installed() if fonts.part_of(font.family) == "test"]
    segments = [font for font in faces if font.family.startswith(fonts.SEGMENTS)]
    families = len({font.family for font in faces} - {font.family for font in segments})
    sets = {}
    for what, maps, digits in (
        (f"type of {families} kept-out families", *_set_in([font for font in faces if font not in segments])),
        ("displays of kept-out builds and of DSEG fonts", *_displays(segments)),
    ):
        if not len(digits):
            continue  # no font of the kept-out families is installed
        for how, photographed in (("clean", False), ("photographed", True)):
            sets[f"{what}, {how}"] = Labelled(_drawn(maps, photographed=photographed), digits)
    return sets


def _set_in(faces: Sequence[fonts.Font]) -> tuple[Image, NDArray[np.uint8]]:
    shapes = fonts.printed(faces, fonts.DIGITS)
    return shapes.maps, (shapes.labels - ord("0")).astype(np.uint8)


def _displays(faces: Sequence[fonts.Font]) -> tuple[Image, NDArray[np.uint8]]:
    shown, _ = displays(np.random.default_rng(SEED), _BUILDS)
    maps, digits = _set_in(faces)
    return np.concatenate([shown.maps, maps]), np.concatenate([shown.labels.astype(np.uint8), digits])


def _drawn(maps: Image, *, photographed: bool) -> Image:
    """Each map alone and cut out, (N, 32, 32): sharp on nothing, or on paper in some light by a camera."""
    rng = np.random.default_rng(SEED)
    crops = np.empty((len(maps), SIZE, SIZE), np.uint8)
    for shape, out in zip(maps, crops, strict=True):
        canvas, hand = blank(rng, filled=True)
        box = write(canvas, shape, hand, middle(canvas))
        if photographed:
            cut(finish(rng, canvas, hand), jittered(rng, box), dark_ink=hand.dark_ink, out=out)
        else:
            cut(np.asarray(canvas * 255, np.uint8), box, dark_ink=False, out=out)
    return crops


def _cut_out(labelled: Labelled) -> Labelled:
    """Each picture's ink, cut as the recognizer cuts it."""
    crops = np.empty((len(labelled.pictures), SIZE, SIZE), np.uint8)
    for picture, out in zip(labelled.pictures, crops, strict=True):
        framed = np.pad(picture, picture.shape[0])
        cut(framed, Box(*cv2.boundingRect(framed)), dark_ink=False, out=out)
    return labelled._replace(pictures=crops)
