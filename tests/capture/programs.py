"""Pipes of real programs for the tests, and what is left of them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge.capture.pipe import PipeSource
from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.clock import Clock, SystemClock
from edge.records import Frame

SIZE = (320, 240)
RED = "videotestsrc is-live=true pattern=red"

Open = Callable[..., PipeSource]


class Hurried(SystemClock):
    """A second later at each look: every frame is due, however many come at once."""

    looks = 0

    def monotonic_ns(self) -> int:
        self.looks += 1
        return self.looks * 1_000_000_000


def pipe(spec: str, clock: Clock | None = None, **settings: Any) -> PipeSource:
    """A pipe that is patient with a busy machine, not opened."""
    patient = {"size": SIZE, "fps": 30, "open_timeout": 20, "hang_after": 60}
    source = open_source(CameraSettings(**{"source": spec, **patient, **settings}), clock or SystemClock())
    assert isinstance(source, PipeSource)
    return source


def opening() -> Iterator[Open]:
    """Made a fixture by who needs it: opens pipes, and closes them."""
    made: list[PipeSource] = []

    def begin(spec: str, **settings: Any) -> PipeSource:
        made.append(pipe(spec, **settings))
        made[-1].open()
        return made[-1]

    yield begin
    for source in made:
        source.close()


def python(program: str) -> str:
    """The source that is the output of a Python program."""
    return f"command: {shlex.quote(sys.executable)} -c {shlex.quote(program)}"


def frames(source: PipeSource, count: int) -> list[Frame]:
    return [source.read() for _ in range(count)]


def process_of(source: PipeSource) -> int:
    child = source._child
    assert child is not None
    return child.process_id


def members(group: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            state, _parent, process_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            found.append(int(entry.name))
    return found
