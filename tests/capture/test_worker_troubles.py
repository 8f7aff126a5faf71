"""What a worker makes of a live camera that freezes, goes black, changes, comes and goes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fakes import Blocked, FakeSource
from media import SIZE, MjpegServer, eventually, flat, jpeg
from programs import python

from edge.capture.settings import CameraSettings
from edge.capture.source import Source
from edge.capture.worker import CaptureWorker
from edge.clock import Clock, SystemClock
from edge.errors import UnavailableError
from edge.records import Image

CLOCK = SystemClock()
QUICK: dict[str, Any] = {
    "source": "demo", "fps": 50, "stall_after": 0.5, "frozen_after": 0.5, "black_after": 0.5,
    "backoff_first": 0.05, "backoff_most": 0.1,
}  # fmt: skip

Start = Callable[..., CaptureWorker]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts workers with quick settings, and stops them."""
    workers: list[CaptureWorker] = []

    def begin(camera: Source | None = None, clock: Clock = CLOCK, **settings: Any) -> CaptureWorker:
        workers.append(CaptureWorker(CameraSettings(**{**QUICK, **settings}), clock, camera))
        workers[-1].start()
        return workers[-1]

    yield begin
    for worker in workers:
        worker.stop()


def judged(worker: CaptureWorker) -> tuple[str, str | None]:
    status = worker.status(CLOCK.monotonic_ns() / 1e9)
    return status.state, status.reason


class Camera(FakeSource):
    """A live camera, 100 frames a second, of what ``picture`` gives."""

    def __init__(self, picture: Callable[[], Image], clock: Clock = CLOCK) -> None:
        super().__init__([[]], clock, live=True)
        self.picture = picture

    def read(self) -> Any:
        time.sleep(0.01)
        return self._stamp(np.array(self.picture()))


def noise() -> Image:
    return np.random.default_rng().integers(40, 200, (48, 64, 3), np.uint8)


def test_a_frozen_picture_is_told_and_opened_anew_ever_more_rarely(start: Start) -> None:
    camera = Camera(noise)
    worker = start(camera)
    eventually(lambda: judged(worker) == ("ok", None))
    camera.picture = lambda: flat(90)
    eventually(lambda: judged(worker) == ("stalled", "frozen"))
    assert len(camera.openings) == 1
    eventually(lambda: len(camera.openings) == 2)  # after 6 times as long
    eventually(lambda: judged(worker) == ("stalled", "frozen"))  # it is as it was
    time.sleep(1.0)
    assert len(camera.openings) == 2
    camera.picture = noise
    eventually(lambda: judged(worker) == ("ok", None))


def test_a_black_picture_is_told_and_not_opened_anew(start: Start) -> None:
    camera = Camera(noise)
    worker = start(camera)
    eventually(lambda: judged(worker) == ("ok", None))
    camera.picture = lambda: np.random.default_rng().integers(0, 9, (48, 64, 3), np.uint8)
    eventually(lambda: judged(worker) == ("stalled", "black"))
    time.sleep(0.5)
    assert len(camera.openings) == 1
    camera.picture = noise
    eventually(lambda: judged(worker) == ("ok", None))


def test_a_mask_over_everything_is_neither(start: Start) -> None:
    worker = start(Camera(noise), masks=((0.0, 0.0, 1.0, 1.0),))
    frame = worker.take(5)
    assert frame is not None
    assert not frame.image.any()
    time.sleep(0.8)
    assert judged(worker) == ("ok", None)


def test_pictures_and_files_may_stand_still(start: Start) -> None:
    worker = start(FakeSource([[flat(0)] * 100], CLOCK, rate=50.0), on_end="loop")
    eventually(lambda: worker.counters()["frames"] > 60)
    assert judged(worker) == ("ok", None)


def test_neither_is_told_where_it_is_switched_off(start: Start) -> None:
    worker = start(Camera(lambda: flat(0)), frozen_after=None, black_after=None)
    eventually(lambda: worker.counters()["frames"] > 80)
    assert judged(worker) == ("ok", None)


def test_a_camera_that_comes_and_goes_says_little(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    camera = FakeSource([[noise(), UnavailableError("unplugged")]], CLOCK, live=True)
    with caplog.at_level(logging.INFO, "edge.capture"):
        worker = start(camera)
        eventually(lambda: worker.counters()["reopened"] >= 20)
    assert len(caplog.records) <= 6
    assert [record.message.split(":")[0] for record in caplog.records[:3]] == ["lost", "back", "lost"]


def test_a_program_that_says_nothing_does_not_hold_up_the_end(start: Start) -> None:
    worker = start(
        None, source=python("import time; time.sleep(1000)"), size=(64, 48), open_timeout=60, hang_after=100
    )
    eventually(lambda: worker._source._child is not None)  # type: ignore[attr-defined]
    begun = time.monotonic()
    assert worker.stop(timeout=3)
    assert time.monotonic() - begun < 2


def test_a_stream_keeps_the_size_that_it_began_with_until_it_is_opened_anew(start: Start) -> None:
    other = (96, 80)

    def picture(number: int) -> bytes:
        return jpeg(flat(100 + number % 100, SIZE if number < 30 else other))

    with MjpegServer(picture=picture) as server:
        worker = start(None, source=server.url, read_timeout=1.0)
        eventually(lambda: worker.counters()["frames"] > 60)
        assert worker.status(CLOCK.monotonic_ns() / 1e9).size == SIZE  # OpenCV scales what comes
        assert worker.counters()["resized"] == 0
    with MjpegServer(server.port, picture=lambda number: jpeg(flat(number % 100 + 50, other))):
        eventually(lambda: worker.status(CLOCK.monotonic_ns() / 1e9).size == other, within=20)
        eventually(lambda: judged(worker) == ("ok", "resized"))
    assert worker.counters()["resized"] == 1


def test_a_server_that_is_back_is_seen_before_its_time(start: Start) -> None:
    first = MjpegServer()
    first.stop()
    worker = start(None, source=first.url, backoff_first=60, backoff_most=60)
    eventually(lambda: "refused" in (judged(worker)[1] or ""))
    with MjpegServer(first.port):
        assert worker.take(10) is not None


class Stepped:
    """The machine's clocks, the wall's set by ``offset``."""

    offset = timedelta()

    def monotonic_ns(self) -> int:
        return CLOCK.monotonic_ns()

    def wall(self) -> datetime:
        return CLOCK.wall() + self.offset


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
def test_a_clock_that_is_set_by_a_day_is_no_stall(start: Start, step: timedelta) -> None:
    clock, rest = Stepped(), Blocked()
    camera = Camera(noise, clock)
    worker = start(camera, clock)
    first = worker.take(5)
    assert first is not None
    clock.offset = step
    states = set()
    until = time.monotonic() + 0.8
    last = first
    while time.monotonic() < until:
        states.add(judged(worker))
        last = worker.take(0.1) or last
    assert states == {("ok", None)}
    assert last.captured > first.captured
    assert (last.wall - first.wall) > step - timedelta(seconds=1)
    assert worker.counters()["reopened"] == 0
    camera.picture = lambda: (rest.release.wait(), flat(3))[1]
    eventually(lambda: judged(worker) == ("stalled", "no frames"), within=3)
    rest.release.set()
