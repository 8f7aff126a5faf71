"""Events and states as JSON lines, and a reader that goes away."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from parts import CLOCK, event, state

from edge.errors import UnavailableError
from edge.transmit.stdout import StdoutSink


def test_lines_carry_topic_and_payload() -> None:
    stream = io.BytesIO()
    sink = StdoutSink("edge", "kitchen", CLOCK, stream)
    sink.start()
    sink.put([event(1), event(2)])
    sink.post([state("camera/status", state="ok")])
    assert sink.stop(1.0)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["topic"] for line in lines] == [
        "edge/kitchen/digits/event", "edge/kitchen/digits/event", "edge/kitchen/camera/status",
    ]  # fmt: skip
    assert [line["payload"]["track"] for line in lines[:2]] == [1, 2]
    assert lines[2]["payload"]["state"] == "ok"
    assert sink.counters() == {"lines": 3}


WRITING = """
from parts import CLOCK, event
from edge.errors import UnavailableError
from edge.transmit.stdout import StdoutSink
sink = StdoutSink("edge", "kitchen", CLOCK)
try:
    while True:
        sink.put([event(1)])
except UnavailableError as error:
    raise SystemExit(error.exit_code)
"""


def test_a_reader_that_goes_away_ends_in_order_and_silence() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 69
    assert process.stderr.read() == b""
    process.stderr.close()


def test_a_closed_output_stays_closed(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stream:
        sink = StdoutSink("edge", "kitchen", CLOCK, stream)
        for _ in range(2):
            with pytest.raises(UnavailableError, match="standard output is closed"):
                sink.post([state()])
        assert not sink.stop(1.0)
