"""Hostile messages through the whole way of a command, with the real parts of a service but no thread."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import BEGUN, FakeClock
from hostile import messages

from edge.control.changes import FILE, read
from edge.parts import Parts
from edge.records import Frame, Reply, Request
from edge.settings.load import parse
from edge.transmit.topics import Topics
from edge.transmit.wire import Wire, WireLimits

PICTURE = np.full((120, 160, 3), 200, np.uint8)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    told = {
        "device": {"name": "kitchen"},
        "camera": {"source": "demo"},
        "state": {"folder": str(tmp_path)},
        "snapshot": {"interval": 0.2},
        "home_assistant": {"enabled": False},
    }
    return Parts(parse(json.dumps(told), "edge.yaml"), FakeClock())


def test_whatever_comes_is_answered_and_leaves_the_service_in_order(parts: Parts, tmp_path: Path) -> None:
    clock, control = parts.clock, parts.control
    assert isinstance(clock, FakeClock)
    replies: list[Reply] = []

    def take(request: Request) -> Reply | None:
        def answer(reply: Reply) -> None:
            replies.append(reply)
            request.answer(reply)

        return control.queue.put(Request(request.command, request.fields, request.identity, answer))

    letters: list[bytes] = []
    limits = WireLimits(size=16_000, per_minute=6000, burst=1000)
    wire = Wire(Topics("edge", "kitchen"), limits, clock, take, lambda letter: letters.append(letter.payload))
    parts.pipeline.tick(Frame(PICTURE, 1, clock.monotonic_ns(), BEGUN))
    reloads = 0
    for number, message in enumerate(messages(3000, seed=5), start=2):
        clock.now += 0.25
        wire.arrived(message)
        control.turn(clock.now)
        if number % 100 == 0:
            wall = BEGUN + timedelta(seconds=clock.now)
            parts.pipeline.tick(Frame(PICTURE, number, clock.monotonic_ns(), wall))
        wish = control.reloads.take()
        if wish is not None and wish.request is not None:
            reloads += 1
            wish.request.answer(Reply(ok=True, message="read again"))
        control.tend(clock.now)
    counts = {**wire.counters(), **control.counters()}
    assert counts["command_faults"] == 0
    assert counts["commands_done"] > 100
    assert reloads > 10
    assert len(replies) == wire.counters()["commands"], "each that was taken is answered once"
    told = [json.loads(letter) for letter in letters]
    assert {"not-running", "bad-field", "bad-payload", "retained", "no-such-recognizer"} <= {
        each["error"] for each in told
    }
    assert 0 <= parts.recognizers["digits"].threshold <= 1
    assert set(read(tmp_path / FILE).thresholds) <= {"digits"}
    assert counts["snapshots"] > 10
