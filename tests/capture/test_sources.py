"""One contract for every source, the fake one included; and which source a text means."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import FakeSource
from media import SIZE, MjpegServer, ffmpeg, flat, frame_number, write_video

from edge.capture.opencv import CameraSource, FileSource, StreamSource
from edge.capture.scene import SceneSource
from edge.capture.settings import CameraSettings
from edge.capture.source import Source, open_source
from edge.capture.stills import StillsSource
from edge.clock import SystemClock
from edge.errors import ConfigError, UnavailableError
from edge.geometry import size_of
from edge.records import Frame

FRAMES = 5


def opened(spec: object) -> Source:
    return open_source(CameraSettings(source=str(spec)), SystemClock())


def motion_jpeg(folder: Path) -> Source:
    return opened(write_video(folder / "video.avi", FRAMES))


def h264(folder: Path) -> Source:
    video = write_video(folder / "video.avi", FRAMES)
    ffmpeg("-i", str(video), "-c:v", "libx264", "-pix_fmt", "yuv420p", str(folder / "video.mp4"))
    return opened(folder / "video.mp4")


def pictures(folder: Path) -> Source:
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f"{number}.png"), flat(20 * number))
    return opened(folder)


def fake(_: Path) -> Source:
    return FakeSource([[flat(20 * number) for number in range(FRAMES)]], SystemClock(), rate=25.0)


ENDING = [motion_jpeg, h264, pictures, fake]


@pytest.mark.parametrize("make", ENDING)
def test_a_source_that_ends(make: Callable[[Path], Source], tmp_path: Path) -> None:
    source = make(tmp_path)
    source.open()
    frames = list(islice(iter(source.read, None), 100))
    assert source.read() is None
    assert [frame_number(frame.image) for frame in frames if frame] == list(range(FRAMES))
    assert [frame.sequence for frame in frames if frame] == list(range(FRAMES))
    assert not source.live
    assert source.rate > 0
    assert source.counters()["corrupt"] == 0
    source.close()
    # Opened again it begins anew, but counts on.
    source.open()
    again = source.read()
    assert again is not None
    assert frame_number(again.image) == 0
    assert again.sequence == FRAMES
    source.close()


@pytest.mark.parametrize("make", [*ENDING, lambda _: opened("demo:3")])
def test_frames_are_as_the_records_say(make: Callable[[Path], Source], tmp_path: Path) -> None:
    source = make(tmp_path)
    source.close()
    source.open()
    before = SystemClock().monotonic_ns()
    first, second = source.read(), source.read()
    source.close()
    source.close()
    assert first is not None
    assert second is not None
    assert_frame(first)
    assert before <= first.captured <= second.captured <= SystemClock().monotonic_ns()
    assert second.sequence == first.sequence + 1
    assert not np.shares_memory(first.image, second.image)


def assert_frame(frame: Frame) -> None:
    assert frame.image.dtype == np.uint8
    assert frame.image.ndim == 3
    assert frame.image.shape[2] == 3
    assert frame.image.flags.writeable
    assert frame.image.flags.c_contiguous
    assert frame.wall.utcoffset() is not None
    assert frame.region is None


def test_a_stream_keeps_the_contract_of_what_is_live() -> None:
    with MjpegServer() as camera:
        source = opened(camera.url)
        assert source.live
        assert source.rate == 0
        source.close()
        source.open()
        frames = [source.read() for _ in range(3)]
        source.close()
        source.open()
        frames.append(source.read())
        source.close()
    for number, frame in enumerate(frames):
        assert frame is not None
        assert_frame(frame)
        assert size_of(frame.image) == SIZE
        assert frame.sequence == number


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("0", CameraSource),
        ("/dev/video7", CameraSource),
        ("/dev/v4l/by-id/usb-cam-index0", CameraSource),
        ("clip.mp4", FileSource),
        ("photo.JPG", StillsSource),
        ("scans/*.png", StillsSource),
        ("scans/page?", StillsSource),
        (".", StillsSource),
        ("rtsp://cam/ch0", StreamSource),
        ("RTSP://cam/ch0", StreamSource),
        ("http://cam/video", StreamSource),
        ("https://cam/video", StreamSource),
        ("demo", SceneSource),
        ("demo:42", SceneSource),
    ],
)
def test_what_a_text_means(spec: str, kind: type) -> None:
    assert type(opened(spec)) is kind


def test_a_picture_is_known_by_its_content_too(tmp_path: Path) -> None:
    (tmp_path / "scan").write_bytes(cv2.imencode(".tiff", flat(9, (300, 300)))[1].tobytes())
    assert type(opened(tmp_path / "scan")) is StillsSource


@pytest.mark.parametrize(
    "spec",
    [" ", "-1", "demo:", "demo:x", "demo:-1", "ftp://host/x.mp4", "file:///x.mp4", "ftp://me:cret@host/x"],
)
def test_nonsense_is_a_wrong_configuration(spec: str) -> None:
    with pytest.raises(ConfigError, match="allowed") as caught:
        opened(spec)
    assert "cret" not in str(caught.value)
    assert "camera.source" in str(caught.value)


def test_what_is_live_cannot_wait_for_the_loop() -> None:
    with pytest.raises(ConfigError, match=r"camera\.realtime"):
        open_source(CameraSettings(source="0", realtime=False), SystemClock())


def not_there(folder: Path) -> dict[str, str]:
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_bytes(b"this is text\n" * 100)
    video = write_video(folder / "whole.avi", FRAMES)
    ffmpeg("-i", str(video), "-c:v", "libx264", "-pix_fmt", "yuv420p", str(folder / "whole.mp4"))
    whole = (folder / "whole.mp4").read_bytes()
    (folder / "half.mp4").write_bytes(whole[: len(whole) // 2])
    return {
        "99": "no camera at /dev/video99",
        "/dev/null": "no camera that gives video",
        "/dev/shm": "no camera device",
        str(folder / "missing.mp4"): "no such file",
        str(folder / "empty.mp4"): "empty, 0 bytes",
        str(folder / "text.mp4"): "no video that can be read",
        str(folder / "half.mp4"): "no video that can be read, or a truncated one",
        "http://127.0.0.1:9/video": "Connection refused",
        "rtsp://me:cret@127.0.0.1:9/video": "Connection refused",
        "http://127.0.0.1:99999/video": "not a valid address",
    }


def test_what_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    for spec, message in not_there(tmp_path).items():
        source = opened(spec)
        with pytest.raises(UnavailableError) as caught:
            source.open()
        text = str(caught.value)
        assert message in text, spec
        assert "\n" not in text
        assert "cret" not in text
        assert source.name in text or spec == "99"
        source.close()


def test_a_host_that_gives_no_video_is_told_apart() -> None:
    with MjpegServer() as camera:
        source = opened(camera.url + "/elsewhere")
        with pytest.raises(UnavailableError, match="the host answers, but gives no video"):
            source.open()


def test_nothing_but_our_words_reach_standard_error(tmp_path: Path) -> None:
    specs = list(not_there(tmp_path))
    program = (
        "import sys\n"
        "from edge.capture.settings import CameraSettings\n"
        "from edge.capture.source import open_source\n"
        "from edge.clock import SystemClock\n"
        "from edge.errors import UnavailableError\n"
        "for spec in sys.argv[1:]:\n"
        "    try:\n"
        "        open_source(CameraSettings(source=spec), SystemClock()).open()\n"
        "    except UnavailableError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *specs], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(specs)


def test_a_truncated_video_gives_what_it_has_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_video(tmp_path / "whole.avi", 12).read_bytes()
    half = tmp_path / "half.avi"
    half.write_bytes(whole[: len(whole) // 2])
    source = opened(half)
    source.open()
    with caplog.at_level(logging.WARNING, "edge.capture"):
        frames = list(iter(source.read, None))
    source.close()
    assert 3 <= len(frames) <= 9
    assert f"ended after {len(frames)} of 12 frames; truncated?" in caplog.text


def test_the_pace_of_a_video_is_its_own(tmp_path: Path) -> None:
    source = opened(write_video(tmp_path / "video.avi", FRAMES, fps=12.0))
    source.open()
    source.close()
    assert source.rate == pytest.approx(12)
