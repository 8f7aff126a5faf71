"""People who stand where they are told to, before looks that name them by their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crowd import PEOPLE, landmarks
from script import Script

from edge.records import Box, Description, Detection, Target
from edge.track.settings import EventSettings, TrackingSettings

Names = dict[float, str | None]
"""Who stands where, by hundreds of pixels."""


class House:
    """A script whose looks name people by where they stand; ``names`` may change."""

    def __init__(self, names: Names, score: float = 0.9, **settings: float) -> None:
        events = EventSettings.model_validate({k: v for k, v in settings.items() if k != "away"})
        away = {"presence": {"away": settings["away"]}} if "away" in settings else {}
        self.script = Script(behaviour=PEOPLE, tracking=TrackingSettings.model_validate(away), telling=events)
        self.names = names
        self.scores: dict[str | None, float] = {}
        self._score = score

    def stand(self, seconds: float, *places: float, step: float = 0.1) -> None:
        for _ in range(round(seconds / step)):
            self.script.see([face(x) for x in places], step, self.look)

    def look(self, targets: Sequence[Target]) -> list[Description]:
        told = []
        for target in targets:
            name = self.names[round(target.box.x, -2)]
            score = self.scores.get(name, self._score) if name else 0.0
            told.append(Description(target.track, name, score, 0.8, {"margin": 0.25} if name else {}))
        return told

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event.event_type, event.fields["name"]) for event in self.script.events]

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.script.states[-1].fields)

    @property
    def present(self) -> list[str]:
        return [item["name"] for item in self.state["present"]]


def face(x: float, y: float = 100) -> Detection:
    box = Box(x, y, 80, 100)
    return Detection(box, None, 0.9, landmarks(box))
