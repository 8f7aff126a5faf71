"""Faces and digits in one loop, with the models that come with edge."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from astronaut import portrait
from fakes import BEGUN, FakeClock

from edge.parts import Parts
from edge.records import Event, Frame, Image, State
from edge.settings.load import parse


class Sink:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: list[State] = []

    def put(self, events: list[Event]) -> None:
        self.events += events

    def post(self, states: list[State]) -> None:
        self.states += states


def scene() -> Image:
    """A head, and a 7 on a sheet beside it."""
    image = np.full((160, 300, 3), 225, np.uint8)
    head = cv2.resize(portrait()[:300, 60:400], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    image[5:155, 5:175] = head
    cv2.putText(image, "7", (210, 110), cv2.FONT_HERSHEY_SIMPLEX, 2, (40, 40, 40), 5)
    return image


def service(folder: Path) -> tuple[Parts, Sink]:
    told = {
        "device": {"name": "kitchen"},
        "camera": {"source": "demo"},
        "recognizers": ["digits", "faces"],
        "state": {"folder": str(folder)},
        "sinks": ["stdout"],
    }
    parts, sink = Parts(parse(json.dumps(told), "edge.yaml"), FakeClock()), Sink()
    parts.pipeline._sinks = (sink,)  # type: ignore[assignment]
    return parts, sink


def show(parts: Parts, image: Image, seconds: float, begin: float = 0.0) -> None:
    for turn in range(round(seconds * 5)):
        now = begin + turn / 5
        parts.pipeline.tick(Frame(image, turn, round(now * 1e9), BEGUN))


def test_both_are_told_and_a_reload_keeps_who_is_known(tmp_path: Path) -> None:
    parts, sink = service(tmp_path)
    image = scene()
    show(parts, image, 3.0)
    new = {(event.recognizer, str(next(iter(event.fields.values())))) for event in sink.events}
    assert new >= {("digits", "7"), ("faces", "unknown")}
    faces = parts.recognizers["faces"]
    assert faces.counters()["embedded"] > 0
    track = max(parts.trackers["faces"].tracks(), key=lambda track: track.box.w)
    seen = faces.seen(track.id)  # type: ignore[attr-defined]
    faces.gallery.add("Eileen", seen.embedding, seen.quality)  # type: ignore[attr-defined]

    from edge.recognition import Recognition

    beside = Recognition(parts.settings, parts.recognition)
    parts.take_up(beside, 3.0)
    assert beside.recognizers["faces"].labels() == ("Eileen",)  # type: ignore[attr-defined]
    show(parts, image, 6.0, 3.0)
    assert "Eileen" in {event.fields.get("name") for event in sink.events}
    (present,) = [state for state in sink.states if state.topic == "faces/state"][-1].fields["present"]
    assert present["name"] == "Eileen"
    assert parts.recognizer_counters()["faces"]["embedded"] > faces.counters()["embedded"] / 2
    parts.recognition.close()
