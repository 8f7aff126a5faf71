"""What a camera is asked for is read back, and told in words where it came out differently.

No machine of the tests has a camera: the device is a fake, held to what the real ``cv2.VideoCapture`` does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fakes import FakeCamera
from media import eventually, write_video

from edge.capture.settings import CameraSettings
from edge.capture.source import Source, open_source
from edge.capture.v4l2 import PROPERTIES
from edge.capture.worker import CaptureWorker
from edge.clock import SystemClock
from edge.errors import UnavailableError

CLOCK = SystemClock()
DEVICE = "/dev/null"
"""A device that everybody may read and write."""

Make = Callable[..., Source]


@pytest.fixture
def cameras(monkeypatch: pytest.MonkeyPatch) -> list[FakeCamera]:
    """Every camera that is opened, the newest last."""
    made: list[FakeCamera] = []

    def capture(*arguments: object) -> FakeCamera:
        made.append(FakeCamera(*arguments))
        return made[-1]

    monkeypatch.setattr(cv2, "VideoCapture", capture)
    return made


def camera(**settings: Any) -> Source:
    return open_source(CameraSettings(**{"source": DEVICE, **settings}), CLOCK)


@pytest.mark.parametrize("kind", ["real", "fake"])
def test_the_fake_does_what_the_real_one_does(kind: str, tmp_path: Path) -> None:
    if kind == "fake":
        capture: Any = FakeCamera(DEVICE, cv2.CAP_V4L2)
    else:
        capture = cv2.VideoCapture(str(write_video(tmp_path / "v.avi")), cv2.CAP_FFMPEG)
    assert capture.isOpened()
    assert capture.retrieve()[0] is False
    assert capture.grab() is True
    done, image = capture.retrieve()
    assert done is True
    assert (image.dtype, image.ndim, image.shape[2]) == (np.uint8, 3, 3)
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) == image.shape[1]
    assert isinstance(capture.get(cv2.CAP_PROP_FPS), float)
    assert capture.set(cv2.CAP_PROP_ZOOM, 3) is False
    assert capture.get(cv2.CAP_PROP_ZOOM) <= 0
    capture.release()
    assert not capture.isOpened()
    assert capture.grab() is False
    assert capture.retrieve()[0] is False
    assert capture.get(cv2.CAP_PROP_FRAME_WIDTH) <= 0
    capture.release()


def test_everything_is_set_and_granted(cameras: list[FakeCamera], caplog: pytest.LogCaptureFixture) -> None:
    source = camera(
        size=(1280, 720), fps=30, fourcc="MJPG",
        controls={"exposure": 200, "auto_exposure": 1, "focus": 40, "autofocus": 0, "white_balance": 5000,
                  "auto_white_balance": 0, "gain": 12},
    )  # fmt: skip
    with caplog.at_level(logging.WARNING, "edge.capture"):
        source.open()
    assert source.remarks() == ()
    assert not caplog.records
    frame = source.read()
    assert frame is not None
    assert frame.image.shape == (720, 1280, 3)
    order = [which for which, _ in cameras[0].asked]
    assert (
        order.index(cv2.CAP_PROP_FOURCC)
        < order.index(cv2.CAP_PROP_FRAME_WIDTH)
        < order.index(cv2.CAP_PROP_FPS)
    )
    for automatic, value in (
        (cv2.CAP_PROP_AUTO_EXPOSURE, cv2.CAP_PROP_EXPOSURE), (cv2.CAP_PROP_AUTOFOCUS, cv2.CAP_PROP_FOCUS),
        (cv2.CAP_PROP_AUTO_WB, cv2.CAP_PROP_WB_TEMPERATURE),
    ):  # fmt: skip
        assert order.index(automatic) < order.index(value)
    source.close()


def test_what_comes_out_differently_is_told_once_in_words(
    cameras: list[FakeCamera], caplog: pytest.LogCaptureFixture
) -> None:
    source = camera(
        size=(1920, 1080),
        fps=25,
        fourcc="H264",
        controls={"focus": 300, "autofocus": 0, "exposure": 50, "zoom": 2},
    )
    with caplog.at_level(logging.WARNING, "edge.capture"):
        source.open()
        source.close()
        source.open()  # the same again is no news
    assert source.remarks() == (
        "camera: fourcc cannot be set: it is YUYV instead of H264",
        "camera: width is 1280 instead of 1920",
        "camera: height is 720 instead of 1080",
        "camera: fps is 10 instead of 25",
        "camera: exposure cannot be set: it is 156 instead of 50",
        "camera: focus is 250 instead of 300",
        "camera: zoom cannot be set: it is -1 instead of 2",
    )
    assert len(caplog.records) == 1
    assert "width is 1280 instead of 1920; height is 720 instead of 1080" in caplog.records[0].message
    source.close()


def test_a_rate_that_raw_frames_cannot_have_is_asked_as_mjpg(cameras: list[FakeCamera]) -> None:
    source = camera(size=(1280, 720), fps=30)
    source.open()
    assert (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")) in cameras[0].asked
    assert source.remarks() == ()
    source.close()


def test_a_camera_of_which_nothing_is_asked_is_told_nothing(cameras: list[FakeCamera]) -> None:
    source = camera()
    source.open()
    assert {which for which, _ in cameras[0].asked} == {cv2.CAP_PROP_BUFFERSIZE, cv2.CAP_PROP_FPS}
    assert source.remarks() == ()
    source.close()


def test_every_control_that_may_be_set_has_its_property() -> None:
    known = CameraSettings.model_json_schema()["properties"]["controls"]["propertyNames"]["enum"]
    assert sorted(known) == sorted(PROPERTIES)
    assert len(set(PROPERTIES.values())) == len(PROPERTIES)


def test_rotation_and_flip_are_for_any_camera(cameras: list[FakeCamera]) -> None:
    worker = CaptureWorker(CameraSettings(source=DEVICE, rotate=90, flip="horizontal"), CLOCK)
    worker.start()
    frame = worker.take(5)
    assert frame is not None
    assert frame.image.shape == (640, 480, 3)
    assert worker.remarks() == ()
    assert worker.stop()


def test_a_camera_that_is_plugged_in_is_seen_before_its_time(
    cameras: list[FakeCamera], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug = tmp_path / "plug"
    monkeypatch.setattr("edge.capture.opencv._check_device", _check)  # a plug is no device
    worker = CaptureWorker(
        CameraSettings(source=DEVICE, backoff_first=60, backoff_most=60), CLOCK, _source_at(plug)
    )
    worker.start()
    eventually(lambda: "no camera at" in (worker.status(CLOCK.monotonic_ns() / 1e9).reason or ""))
    plug.symlink_to(DEVICE)
    assert worker.take(5) is not None
    assert worker.stop()


def _check(path: Path) -> None:
    if not path.exists():
        raise UnavailableError(f"no camera at {path}")


def _source_at(device: Path) -> Source:
    from edge.capture.opencv import CameraSource

    return CameraSource(CameraSettings(source=DEVICE), CLOCK, device)
