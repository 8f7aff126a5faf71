"""What is in view now, told when something meaningful about it changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from edge.records import Box, State, Track
from edge.track.behaviour import Behaviour
from edge.track.events import displacement
from edge.track.numbers import Glyph, Number, lines

_MEANINGFUL = 0.1
"""A box that moved by less than a tenth of its longer side is where it was (DESIGN.md, states)."""

_Told = dict[int, tuple[str, Box]]


class InView:
    """The state of one recognizer: the last one told, and whether another one is worth telling."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._told: _Told | None = None
        self._size: tuple[int, int] | None = None

    def tell(self, tracks: Sequence[Track], size: tuple[int, int], wall: datetime) -> State | None:
        """The state with ``tracks`` in view, or None where it says what the last one said.

        The first call always tells, so that subscribers learn that nothing is in view.
        size: (width, height) of the full rotated frame.
        """
        now = {track.id: (track.label, track.box) for track in tracks if track.label is not None}
        if self._told is not None and size == self._size and not _changed(self._told, now):
            return None
        self._told, self._size = now, size
        named = [track for track in tracks if track.id in now]
        return State(f"{self._behaviour.recognizer}/state", self._fields(named, size), wall)

    def _fields(self, tracks: Sequence[Track], size: tuple[int, int]) -> dict[str, Any]:
        glyphs = {
            track.id: Glyph(track.box, track.label, track.score, track.id)
            for track in tracks
            if track.label is not None
        }
        fields: dict[str, Any] = {}
        if self._behaviour.numbers:
            numbers = [number for line in lines(list(glyphs.values())) for number in line]
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
            "box": _whole(glyph.box),
            "track": glyph.id,
        }


def _number(number: Number, items: str) -> dict[str, Any]:
    return {
        "text": number.text,
        "score": round(number.score, 3),
        "box": _whole(number.box),
        items: list(number.members),
    }


def _whole(box: Box) -> list[int]:
    return [round(side) for side in box]


def _changed(before: _Told, now: _Told) -> bool:
    if before.keys() != now.keys():
        return True
    for id_, (label, box) in now.items():
        label_before, box_before = before[id_]
        if label != label_before or displacement(box_before, box) > _MEANINGFUL:
            return True
    return False
