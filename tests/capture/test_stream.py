"""A real camera over HTTP: it stops, comes back, freezes, and sends what cannot be decoded."""

from __future__ import annotations

import time
from typing import Any

import pytest
from media import SIZE, MjpegServer, eventually, flat, jpeg

from edge.capture.settings import CameraSettings
from edge.capture.source import Source, open_source
from edge.capture.worker import CaptureWorker
from edge.clock import SystemClock
from edge.errors import UnavailableError
from edge.records import CameraStatus

CLOCK = SystemClock()


def settings(url: str, **others: Any) -> CameraSettings:
    return CameraSettings(
        **{"source": url, "fps": 50, "read_timeout": 1.0, "stall_after": 0.6, "backoff_first": 0.05,
           "backoff_most": 0.2, **others}
    )  # fmt: skip


def status(worker: CaptureWorker) -> CameraStatus:
    return worker.status(CLOCK.monotonic_ns() / 1e9)


def test_a_camera_that_stops_and_comes_back() -> None:
    first = MjpegServer()
    worker = CaptureWorker(settings(first.url), CLOCK)
    worker.start()
    try:
        before = worker.take(10)
        assert before is not None
        eventually(lambda: status(worker).state == "ok")
        assert status(worker).size == SIZE
        first.stop()
        eventually(lambda: status(worker).state == "lost")
        eventually(lambda: "refused" in (status(worker).reason or ""))
        while worker.take(0.05) is not None:
            pass
        with MjpegServer(first.port):
            after = worker.take(10)
            assert after is not None
            assert after.sequence > before.sequence
            assert status(worker).state == "ok"
            assert worker.counters()["reopened"] == 1
    finally:
        assert worker.stop()


def test_a_camera_that_freezes_is_stalled_then_lost_then_opened_anew() -> None:
    with MjpegServer() as camera:
        worker = CaptureWorker(settings(camera.url), CLOCK)
        worker.start()
        try:
            assert worker.take(10) is not None
            camera.frozen.set()
            begun = time.monotonic()
            eventually(lambda: status(worker).state == "stalled", within=3)
            assert time.monotonic() - begun < 2
            eventually(lambda: status(worker).state == "lost", within=5)
            camera.frozen.clear()
            eventually(lambda: status(worker).state == "ok")
        finally:
            assert worker.stop()


def test_frames_above_the_rate_are_received_but_not_handed_on() -> None:
    with MjpegServer() as camera:
        source = open_source(settings(camera.url, fps=10), CLOCK)
        source.open()
        begun = time.monotonic()
        for _ in range(6):
            source.read()
        assert 0.3 < time.monotonic() - begun < 1.5
        assert source.counters()["skipped"] >= 6
        source.close()


def test_frames_that_cannot_be_decoded_are_not_handed_on() -> None:
    whole = jpeg(flat(90))

    def picture(number: int) -> bytes:
        return whole if number < 5 else b"\xff\xd8\xff" + bytes(50)

    levels: list[int] = []
    with MjpegServer(picture=picture) as camera:
        source = open_source(settings(camera.url), CLOCK)
        source.open()
        with pytest.raises(UnavailableError, match=r"no more frames|only corrupt frames"):
            _read_all(source, levels)
        source.close()
    assert 1 <= len(levels) <= 6
    assert set(levels) == {90}


def _read_all(source: Source, levels: list[int]) -> None:
    while (frame := source.read()) is not None:
        levels.append(round(float(frame.image.mean())))
