"""Pictures of an evaluation of scenes: every mistake on a sheet, what is read as what, what scores mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.capture.stills import read_picture
from edge.records import Image
from tools.evaluate.digits import DIGITS
from tools.evaluate.error_sheet import tile
from tools.evaluate.matching import Outcome, Tally, total
from tools.evaluate.plots import write_confusion, write_reliability


def tiles(outcomes: Sequence[Outcome]) -> list[Image]:
    """Every mistake, (h, w, 3) uint8 BGR of one size, with what is true and what was read."""
    made = []
    for outcome in outcomes:
        image = read_picture(outcome.scene.path) if outcome.mistakes else None
        for mistake in outcome.mistakes:
            read = "-" if mistake.read is None else f"{mistake.read} ({mistake.score:.2f})"
            true = "none" if mistake.true is None else str(mistake.true)
            assert image is not None
            captions = (f"{mistake.kind}: {true} > {read}", outcome.scene.path.stem[:20])
            made.append(tile(image, mistake.box, captions))
    return made


def plot(folder: Path, outcomes: Sequence[Outcome], figures: Mapping[str, Any]) -> None:
    """What is found and what is missed, by digit, and whether the scores of digits, and of numbers where the
    labels tell them, mean what they say. ``figures``: the record of ``outcomes``. Raises ``InputError``."""
    counts = np.zeros((len(DIGITS) + 1, len(DIGITS) + 1), np.int64)
    nothing = len(DIGITS)
    for outcome in outcomes:
        np.add.at(counts, (outcome.scene.digits, outcome.scene.digits), 1)
        for mistake in outcome.mistakes:
            true = nothing if mistake.true is None else mistake.true
            counts[true, nothing if mistake.read is None else mistake.read] += 1
            if mistake.true is not None:
                counts[true, true] -= 1
    names = (*DIGITS, "none")
    write_confusion(folder / "confusion-scenes.png", counts, names, names)
    write_reliability(folder / "reliability-scenes.png", *total(outcomes).judgements(), figures["ece"])
    if figures["numbers"] is not None:
        numbers = sum((outcome.numbers for outcome in outcomes if outcome.numbers), Tally())
        write_reliability(
            folder / "reliability-numbers.png", *numbers.judgements(), figures["numbers"]["ece"], "numbers"
        )
