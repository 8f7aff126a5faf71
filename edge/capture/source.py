"""What a source of frames is, and which one a text means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from edge.capture.pipe_command import means_program
from edge.capture.settings import CameraSettings, redact
from edge.clock import Clock
from edge.errors import ConfigError
from edge.records import Frame

FORMS = (
    "allowed: a camera (0, /dev/video0), a video file, a picture, a folder or glob of pictures, "
    "rtsp://…, http(s)://…, rpicam, rpicam: OPTIONS, gst: PIPELINE, command: ARGV, demo or demo:SEED"
)
STREAMS = ("rtsp", "http", "https")
FACE = "+face"
"""Behind ``demo`` or ``demo:SEED``: a portrait is shown beside the page, for demos of faces."""


class Source(Protocol):
    """Where frames come from. Owned by one thread; one object for the life of the process.

    After ``open()`` at least one ``read()`` gives a frame, or one of the two raises
    ``UnavailableError``; the source may then be closed and opened again. Sequence numbers
    start at 0 and go on over reopenings. The image of a frame is the reader's to write into.
    """

    @property
    def name(self) -> str:
        """The source as people may see it, without passwords."""
        ...

    @property
    def live(self) -> bool:
        """Whether it is light of this moment, which no reader can slow down."""
        ...

    @property
    def rate(self) -> float:
        """Frames per second to play a source that is not live at; known once open. Live: 0."""
        ...

    def open(self) -> None:
        """Takes hold of the device, file or stream. Raises ``UnavailableError``."""
        ...

    def read(self) -> Frame | None:
        """The next frame; None: the end, which live sources do not have. Raises ``UnavailableError``."""
        ...

    def close(self) -> None:
        """Lets go. May be called twice, and unopened."""
        ...

    def interrupt(self) -> None:
        """From any thread, at the end: a ``read()`` in progress should come back, where that can be had."""
        ...

    def returned(self) -> bool:
        """A cheap look while it is lost: whether what ``open()`` missed is there now, so that it is opened
        before its time. False where only opening it tells."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """In words, what was asked of the device and it does otherwise; from any thread."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Totals since the start; ``corrupt``: frames that could not be used."""
        ...


def open_source(settings: CameraSettings, clock: Clock) -> Source:
    """The source that ``settings.source`` means, yet to be opened.

    Raises ``ConfigError`` for a text that means none. Whether the thing is there is found
    by the source's ``open()``, so that what is plugged in later is found later.
    """
    source = _source(settings, clock)
    if source.live and not settings.realtime:
        raise ConfigError(
            f"camera.realtime: false does not fit {source.name}",
            "only files, pictures and demo can wait for the loop",
        )
    return source


def _source(settings: CameraSettings, clock: Clock) -> Source:
    # Each kind is imported when it is meant: the demo needs no video driver, a camera no scene.
    spec = settings.source.strip()
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", spec)
    if not spec or spec.startswith("-"):
        raise ConfigError(f"camera.source: {spec!r} is no source", FORMS)
    if re.match(r"demo($|[:+])", spec):
        from edge.capture.scene import SceneSource  # noqa: PLC0415

        return SceneSource(settings, clock, seed=_seed(spec), face=spec.endswith(FACE))
    if means_program(spec):
        from edge.capture.pipe import PipeSource  # noqa: PLC0415

        return PipeSource(settings, clock)
    if scheme and scheme[1].lower() not in STREAMS:
        raise ConfigError(f"camera.source: {redact(spec)!r}: unknown scheme {scheme[1]}", FORMS)
    if not scheme and not spec.isdecimal() and not spec.startswith("/dev/"):
        from edge.capture.stills import StillsSource, means_pictures  # noqa: PLC0415

        if means_pictures(spec):
            return StillsSource(settings, clock)
    from edge.capture.opencv import CameraSource, FileSource, StreamSource  # noqa: PLC0415

    if scheme:
        return StreamSource(settings, clock)
    if spec.isdecimal() or spec.startswith("/dev/"):
        return CameraSource(settings, clock, Path(f"/dev/video{int(spec)}" if spec.isdecimal() else spec))
    return FileSource(settings, clock, Path(spec))


def _seed(spec: str) -> int:
    text = spec.removesuffix(FACE).removeprefix("demo")
    if not text:
        return 0
    text = text.removeprefix(":")
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ConfigError(
            f"camera.source: {spec!r}: the seed is no number", "allowed: demo:0 to demo:999999999"
        )
    return int(text)
