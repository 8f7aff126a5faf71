"""A real RTSP camera: it is read, dies, freezes, and comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from edge.capture.settings import CameraSettings
from edge.capture.source import Source, open_source
from edge.clock import SystemClock
from edge.errors import UnavailableError
from tools.soak.cameras import RtspCamera

READ_TIMEOUT = 1.0

pytestmark = pytest.mark.slow


@pytest.fixture
def camera() -> Iterator[RtspCamera]:
    made = RtspCamera()
    yield made
    made.end()


@pytest.fixture
def source(camera: RtspCamera) -> Iterator[Source]:
    made = source_of(camera.url)
    made.open()
    yield made
    made.close()


def source_of(url: str) -> Source:
    return open_source(
        CameraSettings(source=url, fps=30, open_timeout=5.0, read_timeout=READ_TIMEOUT), SystemClock()
    )


def sequences(source: Source, count: int) -> list[int]:
    """Reads so many frames and gives their numbers."""
    read = []
    for _ in range(count):
        frame = source.read()
        assert frame is not None
        assert frame.image.shape == (240, 320, 3)
        assert frame.image.std() > 20, "the test picture has colours and snow"
        read.append(frame.sequence)
    return read


def read_on(source: Source, seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        source.read()


def seconds_until_lost(source: Source) -> float:
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match="no more frames"):
        read_on(source)
    return time.monotonic() - begun


def test_a_camera_that_dies_and_comes_back(camera: RtspCamera, source: Source) -> None:
    assert sequences(source, 10) == list(range(10))
    camera.end()
    assert seconds_until_lost(source) < 2 * READ_TIMEOUT + 1
    with pytest.raises(UnavailableError, match="cannot connect: Connection refused"):
        source.open()
    back = RtspCamera(camera.port)
    try:
        source.open()
        later = sequences(source, 10)
    finally:
        back.end()
    assert later == list(range(later[0], later[0] + 10))
    assert later[0] >= 10


def test_a_camera_that_freezes_is_given_up(camera: RtspCamera, source: Source) -> None:
    sequences(source, 3)
    camera.child.send_signal(signal.SIGSTOP)
    # FFmpeg's read takes up to twice its timeout.
    assert READ_TIMEOUT <= seconds_until_lost(source) < 2 * READ_TIMEOUT + 1.5


def test_a_path_that_the_camera_does_not_have(camera: RtspCamera) -> None:
    source = source_of(camera.url.replace("/video", "/nothing"))
    with pytest.raises(UnavailableError, match="the host answers, but gives no video; check path"):
        source.open()
