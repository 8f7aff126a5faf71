"""Whether this machine computes what the machine that made the model did.

A card holds what its model gave for one picture, and the picture is a formula of integers,
so that every machine draws the same bits. Runtimes and processors differ by a level or two
of an 8-bit tensor; a kernel that is wrong on some processor differs by much more, and would
otherwise only show as a device that reads badly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge.errors import FaultError
from edge.infer.model import Model
from edge.records import Image


def _broken_ring(width: int, height: int, channels: int) -> Image:
    """Formula v1: a bright ring with a gap at the left, on a dark ground that brightens to a corner.

    For pixel (x, y) and channel c, with whole-number division throughout: u and v run from
    -999 to 999 through the centre, ``u = ((2x + 1 - width) * 1000) // width`` and v likewise of y
    and the height. On the ring, where 350^2 <= u^2 + v^2 <= 600^2 and not (u < 0 and 0 < v < 300),
    the value is ``230 - 10c``; else ``(40 * x) // width + (30 * y) // height + 10c``. It is close to
    several digits and is none, so that scores are not all 0 or 1 and a small error shows.
    """
    y, x, c = np.ogrid[:height, :width, :channels]
    u, v = ((2 * x + 1 - width) * 1000) // width, ((2 * y + 1 - height) * 1000) // height
    distance = u * u + v * v
    ring = (distance >= 350**2) & (distance <= 600**2) & ~((u < 0) & (v > 0) & (v < 300))
    picture = np.where(ring, 230 - 10 * c, (40 * x) // width + (30 * y) // height + 10 * c)
    return picture.astype(np.uint8)


FORMULAS: dict[str, Callable[[int, int, int], Image]] = {"v1": _broken_ring}
"""Name to function of (width, height, channels): (h, w, channels) uint8. A formula never changes."""


def golden_picture(model: Model, formula: str) -> Image:
    """The picture of a formula as ``model`` takes it: (h, w) for grey, else (h, w, 3)."""
    width, height = model.input_size
    if model.colour == "grey":
        return FORMULAS[formula](width, height, 1)[:, :, 0]
    return FORMULAS[formula](width, height, 3)


def check_golden(model: Model) -> str | None:
    """None where the model gives what its card says, else a sentence that tells how far off it is.

    The card speaks of its first variant; the others are not judged.
    """
    golden = model.card.golden
    if golden is None:
        return (
            f"{model.name}: its card has no golden output, so nobody knows whether it computes rightly here"
        )
    if model.variant is not model.card.variants[0]:
        return None
    try:
        outputs = model.run(golden_picture(model, golden.formula))
    except FaultError as error:
        return str(error)
    for name, expected in golden.output.items():
        found = outputs[name].ravel()[:: golden.every]
        if len(found) != len(expected):
            return f"{model.name}: golden output {name} has {len(found)} values, its card has {len(expected)}"
        worst = float(np.abs(found - np.asarray(expected, np.float32)).max())
        if worst > golden.tolerance:
            return (
                f"{model.name}: golden output {name} is off by {worst:.4g} with {model.runtime}, "
                f"its card allows {golden.tolerance:g}; the runtime or delegate computes wrongly here"
            )
    return None
