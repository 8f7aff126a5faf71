"""Commands that a recognizer or another part brings along, with the parts of a service but no thread."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BEGUN, FakeClock

from edge.control import control as module
from edge.control.commands import Action
from edge.parts import Parts
from edge.recognize.descriptor import View
from edge.recognize.registry import descriptors
from edge.records import Box, Command, Detection, Frame, Parameter, Reply, Request
from edge.settings.load import parse

PICTURE = np.full((120, 160, 3), 200, np.uint8)

DENY = Command(
    "deny",
    "this is not that person",
    f"{__name__}:deny",
    (Parameter("name", "text"), Parameter("track", "whole", low=0)),
)


def deny(recognizer: Any, fields: Mapping[str, Any], view: View) -> Reply:
    """As a recognizer of people would: it looks at what is in view."""
    if view.track(fields["track"]) is None:
        return Reply(ok=False, message="nothing there", error="unknown-track")
    frame = view.frame
    seen = None if frame is None else frame.sequence
    return Reply(
        ok=True, message="denied", data={"who": fields["name"], "frame": seen, "at": recognizer.threshold}
    )


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """A service whose recognizer of digits takes a command of its own."""
    known = {name: replace(each, commands=(DENY,)) for name, each in descriptors().items()}
    monkeypatch.setattr(module, "descriptors", lambda: known)
    told = {"device": {"name": "kitchen"}, "camera": {"source": "demo"}, "state": {"folder": str(tmp_path)}}
    return Parts(parse(json.dumps({**told, "sinks": ["mqtt"]}), "edge.yaml"), FakeClock())


def ask(parts: Parts, command: str, **fields: Any) -> Reply:
    replies: list[Reply] = []
    assert parts.control.queue.put(Request(command, fields, None, replies.append)) is None
    parts.control.turn(0.0)
    (reply,) = replies
    return reply


def test_a_recognizer_brings_its_own_commands(parts: Parts) -> None:
    assert ask(parts, "deny", name="Ann", track=1).error == "unknown-track"
    assert ask(parts, "deny", name="Ann").error == "bad-field"
    assert ask(parts, "forget", name="Ann").error == "not-running"


def test_it_may_look_at_the_newest_frame_and_at_what_is_in_view(parts: Parts) -> None:
    parts.pipeline.tick(Frame(PICTURE, 7, 0, BEGUN))
    tracker = parts.trackers["digits"]
    for step in range(1, 12):
        frame = Frame(PICTURE, 7 + step, step * 100_000_000, BEGUN)
        parts.pipeline.newest = frame
        tracker.associate(frame, [Detection(Box(10, 10, 20, 30), "7", 0.95)], step / 10)
        tracker.absorb((), step / 10)
    (track,) = tracker.tracks()
    reply = ask(parts, "deny", name="Ann", track=track.id)
    assert reply.ok
    assert reply.data == {"who": "Ann", "frame": 18, "at": parts.recognizers["digits"].threshold}


def test_a_part_that_is_no_recognizer_brings_its_commands_too(parts: Parts) -> None:
    def reading(fields: Mapping[str, Any], _request: Request) -> Reply:
        return Reply(ok=True, message="corrected", data=dict(fields))

    action = Action(reading, (Parameter("name", "text"), Parameter("value", "number")))
    control = module.Control(
        parts.settings, parts.clock, parts.pipeline, parts.recognition, mqtt=None, post=lambda _state: None,
        others={"reading": action},
    )  # fmt: skip
    parts.control = control
    assert ask(parts, "reading", name="water", value=12.5).data == {"name": "water", "value": 12.5}
    assert ask(parts, "snapshot").error == "not-running", "without a broker there is nowhere to send it"
