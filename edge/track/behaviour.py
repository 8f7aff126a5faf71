"""What the tracks of one recognizer have of their own, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the tracks of a recognizer behave, and what payloads call their parts.

    recognizer: its name, and the first level of its topics.
    label, label_type: what the label is called in payloads (``digit``), and what it is there.
    items: the key of the state's list (``digits``).
    cooldown: whether the same label again elsewhere is news ("place"), or not ("label").
    numbers: whether labels on one line make a number.
    named_by: what names a thing, and so what may begin a track. With "detect" a detection
        without a label only keeps a track alive; with "describe" it begins one, which then
        asks for closer looks.
    extras: what events say of the closer looks besides.
    """

    recognizer: str
    label: str
    label_type: Literal["integer", "string"]
    items: str
    cooldown: Literal["place", "label"]
    numbers: bool = False
    named_by: Literal["detect", "describe"] = "detect"
    extras: tuple[str, ...] = ()

    @property
    def presence(self) -> bool:
        """Whether labels are names, each of somebody who is in one place, and is present or not."""
        return self.cooldown == "label"

    def value(self, label: str) -> int | str:
        """A label as payloads carry it."""
        return int(label) if self.label_type == "integer" else label
