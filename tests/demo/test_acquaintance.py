"""The face of the demo with the real models, frame by frame: enrolled from one crop, it keeps its name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from fakes import BEGUN, FakeClock

from edge.capture.scene.page import PERIOD
from edge.capture.scene.portrait import NAME
from edge.capture.scene.source import SIZE, visit
from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.clock import rfc3339
from edge.demo.acquaintance import introduce
from edge.demo.faces import FaceJudge
from edge.parts import Parts
from edge.people.door import recognizer
from edge.records import Event, State
from edge.settings.compose import settings_class
from edge.settings.load import parse

FPS = 7.5


class Ear:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: list[State] = []

    def put(self, events: Sequence[Event]) -> None:
        self.events += events

    def post(self, states: Sequence[State]) -> None:
        self.states += states


@pytest.mark.parametrize("seed", [0, 3])
def test_it_has_its_name_in_motion_turned_dimmed_and_partly_hidden(tmp_path: Path, seed: int) -> None:
    told = {"recognizers": ["faces"], "sinks": ["mqtt"], "state": {"folder": str(tmp_path)}}
    settings = parse(json.dumps(told), "edge.yaml")
    assert introduce(settings, tmp_path) is None
    clock, ear = FakeClock(), Ear()
    parts = Parts(settings, clock)
    parts.pipeline._sinks = (ear,)
    source = open_source(CameraSettings(source=f"demo:{seed}+face", fps=FPS), clock)
    source.open()
    frames = round(PERIOD * FPS)
    for sequence in range(frames):
        clock.now = sequence / FPS
        frame = source.read()
        assert frame is not None
        parts.pipeline.tick(frame)
    judge = FaceJudge(visit(seed, SIZE), FPS)
    verdicts = [
        judge.judge(
            {
                "event_type": event.event_type,
                "name": event.fields["name"],
                "box": event.box,
                "frame": {"sequence": event.sequence},
            }
        )
        for event in ear.events
    ]
    assert "right" in verdicts
    assert "wrong" not in verdicts, ear.events
    states = [{"time": rfc3339(state.wall), **state.fields} for state in ear.states]
    named = judge.told(frames, states, [(BEGUN, 0)])
    assert (named.shown, named.missed, named.others) == (1, 0, 0)
    assert all(share > 0.7 for share in named.named.values()), named
    parts.recognition.close()


def test_it_is_enrolled_from_one_crop(tmp_path: Path) -> None:
    assert introduce(settings_class()(), tmp_path) is None
    known = recognizer(settings_class()(), tmp_path)
    assert [(person.name, person.count) for person in known.people()] == [(NAME, 1)]
    known.close()


@pytest.mark.parametrize("lacking", ["embedder", "detector"])
def test_a_model_that_is_missing_is_told(tmp_path: Path, lacking: str) -> None:
    settings = settings_class().model_validate({"faces": {lacking: "not-there"}})
    assert "not-there" in str(introduce(settings, tmp_path))


def test_a_portrait_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.capture.scene.portrait.PACKAGE", "skimage_is_not_here")
    assert "scikit-image" in str(introduce(settings_class()(), tmp_path))
