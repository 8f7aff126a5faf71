"""The section ``digits`` of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edge.section import Section

Polarity = Literal["auto", "dark", "light"]


class DigitsSettings(Section):
    """Digits anywhere in the picture. They are found as strokes that differ from what is around
    them, at every size, and named, or rejected, by a small network."""

    model: str = Field(
        "digits-cnn", description="name of a folder under models/, or the path of one that holds a card.yaml"
    )
    threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        description="lowest score of a digit that is told, 0..1; null: the model's own, from its card",
    )
    polarity: Polarity = Field(
        "auto",
        description="ink that is looked for: dark on light, light on dark (chalk, displays), or auto: both",
    )
    min_height: int = Field(
        12,
        ge=6,
        le=2000,
        description="height of the smallest digit that is looked for, in pixels of the frame",
    )
    max_height: float = Field(
        0.75,
        gt=0,
        le=1,
        description="height of the largest digit, as a share 0..1 of the frame's longer side",
    )
    max_candidates: int = Field(
        400,
        ge=1,
        le=5000,
        description="most places of a frame that the network sees; the least digit-like are dropped, count",
    )
