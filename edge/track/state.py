"""What is in view now, told when something meaningful about it changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from edge.geometry import whole
from edge.records import State, Track
from edge.track.behaviour import Behaviour
from edge.track.events import displacement
from edge.track.numbers import Glyph, Number, group

_MEANINGFUL = 0.1
"""A box that moved by less than a tenth of its longer side is where it was."""

_Glyphs = dict[int, Glyph]
"""By track."""


class InView:
    """The state of one recognizer: the last one told, and whether another one is worth telling."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._told: _Glyphs | None = None
        self._size: tuple[int, int] | None = None

    def tell(self, tracks: Sequence[Track], size: tuple[int, int], wall: datetime) -> State | None:
        """The state with ``tracks`` in view, or None where it says what the last one said.

        The first call always tells, so that subscribers learn that nothing is in view.
        size: (width, height) of the full rotated frame.
        """
        glyphs = {
            track.id: Glyph(track.box, track.label, track.score, track.id, track.mark)
            for track in tracks
            if track.label is not None
        }
        if self._told is not None and size == self._size and not _changed(self._told, glyphs):
            return None
        self._told, self._size = glyphs, size
        return State(f"{self._behaviour.recognizer}/state", self._fields(glyphs, size), wall)

    def _fields(self, glyphs: _Glyphs, size: tuple[int, int]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if self._behaviour.numbers:
            numbers = group(list(glyphs.values()))
            ordered = [glyphs[member] for number in numbers for member in number.members]
            fields[self._behaviour.items] = [self._item(glyph) for glyph in ordered]
            fields["numbers"] = [_number(number, self._behaviour.items) for number in numbers]
        else:
            ordered = sorted(glyphs.values(), key=lambda glyph: (glyph.box.y, glyph.box.x))
            fields[self._behaviour.items] = [self._item(glyph) for glyph in ordered]
        return fields | {"size": list(size)}

    def _item(self, glyph: Glyph) -> dict[str, Any]:
        return {
            self._behaviour.label: self._behaviour.value(glyph.label),
            "score": round(glyph.score, 3),
            "box": whole(glyph.box),
            "track": glyph.id,
        }


def _number(number: Number, items: str) -> dict[str, Any]:
    return {
        "text": number.text,
        "score": round(number.score, 3),
        "box": whole(number.box),
        items: list(number.members),
    }


def _changed(before: _Glyphs, now: _Glyphs) -> bool:
    return before.keys() != now.keys() or any(
        (glyph.label, glyph.mark) != (before[track].label, before[track].mark)
        or displacement(before[track].box, glyph.box) > _MEANINGFUL
        for track, glyph in now.items()
    )
