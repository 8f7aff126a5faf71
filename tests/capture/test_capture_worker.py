"""The thread that owns the device: its pace, the ends, losses and returns."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fakes import Blocked, FakeSource
from media import eventually, flat, frame_number, write_video

from edge.capture.settings import CameraSettings
from edge.capture.source import Source
from edge.capture.worker import CaptureWorker
from edge.clock import SystemClock
from edge.errors import ConfigError, UnavailableError
from edge.records import CameraStatus, Frame

CLOCK = SystemClock()
QUICK: dict[str, Any] = {
    "source": "demo",
    "backoff_first": 0.05,
    "backoff_most": 0.1,
    "stall_after": 0.5,
    "fps": 100,
}

Start = Callable[..., CaptureWorker]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts workers with quick settings, and stops them."""
    workers: list[CaptureWorker] = []

    def begin(camera: Source | None = None, **settings: Any) -> CaptureWorker:
        workers.append(CaptureWorker(CameraSettings(**{**QUICK, **settings}), CLOCK, camera))
        workers[-1].start()
        return workers[-1]

    yield begin
    for worker in workers:
        worker.stop()


def status(worker: CaptureWorker) -> CameraStatus:
    return worker.status(CLOCK.monotonic_ns() / 1e9)


def taken(worker: CaptureWorker, pause: float = 0.0, within: float = 10.0) -> list[Frame]:
    """All frames until the source has ended."""
    frames, until = [], time.monotonic() + within
    while not worker.ended:
        assert time.monotonic() < until
        frame = worker.take(0.05)
        if frame is not None:
            frames.append(frame)
            time.sleep(pause)
    return frames


def next_frame(worker: CaptureWorker) -> Frame:
    frame = worker.take(10)
    assert frame is not None
    return frame


@pytest.mark.parametrize("pause", [0.0, 0.02])
def test_in_lock_step_every_frame_of_a_file_comes_exactly_once(
    start: Start, tmp_path: Path, pause: float
) -> None:
    worker = start(None, source=str(write_video(tmp_path / "v.avi", 12)), realtime=False)
    frames = taken(worker, pause)
    assert [frame_number(frame.image) for frame in frames] == list(range(12))
    assert [frame.sequence for frame in frames] == list(range(12))
    assert worker.counters() == {
        "frames": 12, "dropped": 0, "refused": 0, "corrupt": 0, "reopened": 0, "resized": 0,
    }  # fmt: skip
    assert (status(worker).state, status(worker).reason) == ("lost", "ended")


def test_a_slow_loop_in_lock_step_is_no_stalled_camera(start: Start) -> None:
    worker = start(FakeSource([[flat(0), flat(20), flat(40)]], CLOCK), realtime=False)
    next_frame(worker)
    before = worker.progress()
    time.sleep(0.8)
    assert status(worker).state == "ok"
    assert worker.progress() > before
    assert len(taken(worker)) == 2


def test_a_file_is_played_at_its_own_pace(start: Start, tmp_path: Path) -> None:
    worker = start(None, source=str(write_video(tmp_path / "v.avi", 12, fps=20.0)))
    frames = taken(worker)
    assert worker.counters()["frames"] == 12
    assert frame_number(frames[-1].image) == 11
    seconds = (frames[-1].captured - frames[0].captured) / 1e9
    # Eleven periods of 50 ms; on a busy machine the loop may miss the first frames.
    assert 0.05 * (len(frames) - 1) - 0.02 < seconds < 2


def test_a_slow_loop_gets_the_newest_frame_in_real_time(start: Start) -> None:
    worker = start(FakeSource([[flat(n) for n in range(100)]], CLOCK, rate=200.0))
    frames = taken(worker, pause=0.05)
    counters = worker.counters()
    assert counters["frames"] == 100
    assert counters["dropped"] == 100 - len(frames) > 50
    assert frames[-1].sequence == 99


def test_frames_are_read_only_oriented_and_masked(start: Start) -> None:
    picture = np.full((40, 60, 3), 200, np.uint8)
    worker = start(
        FakeSource([[picture]], CLOCK), rotate=90, masks=((0, 0, 1, 0.5),), region=(0.5, 0, 0.5, 1)
    )
    frame = next_frame(worker)
    assert frame.image.shape == (60, 40, 3)
    assert frame.region == (20, 0, 20, 60)
    assert not frame.image[:30].any()
    assert not frame.image[:, :20].any()
    assert (frame.image[30:, 20:] == 200).all()
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 1


def test_hold_shows_the_last_picture_on(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "one.png"
    cv2.imwrite(str(file), flat(60))
    worker = start(None, source=str(file), on_end="hold")
    frames = [next_frame(worker) for _ in range(4)]
    assert [frame_number(frame.image) for frame in frames] == [3, 3, 3, 3]
    for before, after in pairwise(frames):
        assert after.sequence > before.sequence
        assert after.captured > before.captured
    assert (status(worker).state, status(worker).reason) == ("ok", "ended")
    assert not worker.ended


def test_loop_starts_again_at_the_same_pace(start: Start) -> None:
    source = FakeSource([[flat(0), flat(20), flat(40)]], CLOCK, rate=50.0)
    worker = start(source, on_end="loop")
    frames = [next_frame(worker) for _ in range(8)]
    assert all(frame_number(frame.image) == frame.sequence % 3 for frame in frames)
    assert all(after.sequence > before.sequence for before, after in pairwise(frames))
    assert (frames[-1].captured - frames[0].captured) / 1e9 > 0.12  # 7 periods of 20 ms
    assert worker.counters()["reopened"] == 0
    assert status(worker).state == "ok"


@pytest.mark.parametrize(
    "error", [UnavailableError("unplugged"), ValueError("a driver's fault"), cv2.error("two\nlines")]
)
def test_whatever_a_source_raises_it_is_told_and_tried_again(
    start: Start, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    gate, rest = Blocked(), Blocked()
    source = FakeSource([[flat(0), error], error, [gate, flat(20), rest]], CLOCK, live=True)
    with caplog.at_level(logging.DEBUG, "edge.capture"):
        worker = start(source)
        assert frame_number(next_frame(worker).image) == 0
        eventually(lambda: len(source.openings) == 3)
        seen = status(worker)
        assert seen.state == "lost"
        assert seen.reason
        assert " ".join(str(error).split()) in seen.reason
        gate.release.set()
        assert frame_number(next_frame(worker).image) == 1
        assert status(worker).state == "ok"
        eventually(lambda: any(r.message == "back: fake; failures: 2" for r in caplog.records))
        rest.release.set()
    assert worker.counters()["reopened"] == 1
    levels = [record.levelno for record in caplog.records if record.message.startswith("lost")]
    assert levels[:2] == [logging.WARNING, logging.DEBUG]


def test_a_source_that_ends_without_a_picture_is_not_tried_in_a_spin(start: Start) -> None:
    source = FakeSource([[]], CLOCK, live=True)
    worker = start(source, on_end="loop", backoff_first=0.2, backoff_most=0.3)
    time.sleep(0.5)
    assert len(source.openings) <= 3
    assert status(worker).reason == "fake: ended without a picture"


def test_retries_keep_their_bounds_and_are_signs_of_life(start: Start) -> None:
    source = FakeSource([UnavailableError("no camera at /dev/video0")], CLOCK, live=True)
    worker = start(source, backoff_first=0.05, backoff_most=0.3)
    begun = worker.progress()
    eventually(lambda: len(source.openings) >= 7)
    assert worker.progress() > begun
    waits = [(after - before) / 1e9 for before, after in pairwise(source.openings)]
    assert waits[0] < 0.2
    assert all(0.05 <= wait < 0.6 for wait in waits)
    assert len({round(wait, 4) for wait in waits}) > 3  # by chance
    seen = status(worker)
    assert (seen.state, seen.reason) == ("lost", "no camera at /dev/video0")


def test_a_driver_that_does_not_come_back(start: Start) -> None:
    blocked = Blocked()
    source = FakeSource([[flat(0), blocked, flat(20)]], CLOCK, live=True)
    worker = start(source)
    next_frame(worker)
    assert status(worker).state == "ok"
    eventually(lambda: status(worker).state == "stalled", within=2)
    assert status(worker).reason == "no frames"
    before = worker.progress()
    time.sleep(0.3)
    assert worker.progress() == before  # this is what the watchdog ends the process for
    begun = time.monotonic()
    assert not worker.stop(timeout=0.5)
    assert time.monotonic() - begun < 2
    blocked.release.set()
    assert worker.stop()
    assert worker.take(0.01) is None  # what came after the stop is not handed out


def test_stop_does_not_wait_for_pauses(start: Start) -> None:
    lost = start(FakeSource([UnavailableError("gone")], CLOCK), backoff_first=60, backoff_most=60)
    slow = start(FakeSource([[flat(0), flat(20)]], CLOCK, rate=0.1))
    full = start(FakeSource([[flat(0), flat(20)]], CLOCK), realtime=False)
    next_frame(slow)
    eventually(lambda: lost.status(0).reason == "gone" and full.counters()["frames"] == 1)
    begun = time.monotonic()
    assert lost.stop()
    assert slow.stop()
    assert full.stop()
    assert time.monotonic() - begun < 1


def test_unusable_frames_are_the_reason_when_no_other_come(start: Start) -> None:
    blocked = Blocked()
    source = FakeSource([[flat(0), blocked]], CLOCK, live=True)
    worker = start(source)
    next_frame(worker)
    source.corrupt = 7
    eventually(lambda: status(worker).reason == "corrupt", within=2)
    assert status(worker).state == "stalled"
    assert worker.counters()["corrupt"] == 7
    blocked.release.set()


def test_a_change_of_size_is_accepted_told_once_and_counted(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "edge.capture"):
        worker = start(FakeSource([[flat(0), flat(20, (32, 24))]], CLOCK, rate=50.0), on_end="loop")
        eventually(lambda: worker.counters()["resized"] > 3)
    assert (status(worker).state, status(worker).reason) == ("ok", "resized")
    assert status(worker).size in {(64, 48), (32, 24)}
    assert len([record for record in caplog.records if "size has changed" in record.message]) == 1


def test_no_password_reaches_log_or_status(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    url = "rtsp://admin:cret@127.0.0.1:9/ch0"
    real = start(None, source=url)
    fake = start(FakeSource([OSError(f"driver: {url}: no route")], CLOCK, live=True), source=url)
    with caplog.at_level(logging.DEBUG, "edge.capture"):
        eventually(lambda: "no route" in (status(fake).reason or ""))
        eventually(lambda: "refused" in (status(real).reason or ""))
    assert real.name == "rtsp://***@127.0.0.1:9/ch0"
    for text in (
        status(fake).reason,
        status(real).reason,
        caplog.text,
        repr(real),
        repr(CameraSettings(source=url)),
    ):
        assert "cret" not in str(text)


def test_the_rate_is_measured(start: Start) -> None:
    worker = start(FakeSource([[flat(0)] * 5], CLOCK, rate=50.0), on_end="loop")
    time.sleep(0.6)
    assert 25 < status(worker).fps < 60


def test_the_settings_are_judged_before_anything_is_opened() -> None:
    with pytest.raises(ConfigError, match="unknown scheme"):
        CaptureWorker(CameraSettings(source="gopher://host"), CLOCK)
