"""Pages of real type, at any angle: Pillow's own font, which is there wherever Pillow is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from edge.records import Image

PAPER, INK = (228, 228, 228), (35, 35, 35)

Extra = Callable[[ImageDraw.ImageDraw, tuple[float, float, float, float]], None]
"""Draws more; is told the box of the text: left, top, right, bottom."""


def typed(
    text: str, size: int, *, degrees: float = 0, light: bool = False, extra: Extra | None = None
) -> Image:
    """``text`` in type of ``size`` pixels, BGR, turned to the left; ``light``: light ink on dark paper."""
    paper, ink = (INK, PAPER) if light else (PAPER, INK)
    font = ImageFont.load_default(size)
    corner = (2 * size, 2 * size)
    page = Pillow.new("RGB", (4 * size + round(font.getlength(text)), 5 * size), paper)
    pen = ImageDraw.Draw(page)
    pen.text(corner, text, fill=ink, font=font)
    if extra is not None:
        extra(pen, pen.textbbox(corner, text, font=font))
    turned = page.rotate(degrees, expand=True, fillcolor=paper, resample=Pillow.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(turned)[:, :, ::-1])
