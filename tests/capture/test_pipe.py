"""The pipe with real programs: what they send arrives, and what cannot be is refused."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from programs import RED, Open, frames, opening, pipe

from edge.capture.settings import CameraSettings
from edge.errors import ConfigError, UnavailableError

PIXELS = {"i420": "yuv420p", "nv12": "nv12", "bgr24": "bgr24"}

opened = pytest.fixture(opening)


def needs(*programs: str) -> None:
    missing = [program for program in programs if not shutil.which(program)]
    assert not missing, f"these tests need {missing}: tools/environment system"


def test_every_format_of_a_gstreamer_pipeline(opened: Open) -> None:
    needs("gst-launch-1.0")
    for kind in (*PIXELS, "mjpeg"):
        source = opened(f"gst: {RED}", format=kind)
        read = frames(source, 3)
        assert [frame.sequence for frame in read] == [0, 1, 2]
        for frame in read:
            assert frame.image.shape == (240, 320, 3)
            assert frame.image.dtype == np.uint8
            assert frame.image.flags.c_contiguous
            assert frame.image.flags.writeable
            blue, green, red = frame.image.mean(axis=(0, 1))
            assert red > 235, kind
            assert blue < 20, kind
            assert green < 20, kind
        source.close()


def test_every_format_of_ffmpeg(opened: Open) -> None:
    needs("ffmpeg")
    for kind in (*PIXELS, "mjpeg"):
        form = "-f mjpeg" if kind == "mjpeg" else f"-f rawvideo -pix_fmt {PIXELS[kind]}"
        colour = "-re -f lavfi -i color=c=blue:size=320x240:rate=30"
        source = opened(f"command: ffmpeg -v error {colour} {form} -", format=kind)
        blue, green, red = frames(source, 3)[-1].image.mean(axis=(0, 1))
        assert blue > 235, kind
        assert max(green, red) < 20, kind
        source.close()


def test_a_pipeline_that_ends_in_its_own_sink_is_left_as_it_is(opened: Open) -> None:
    caps = "video/x-raw,format=BGR,width=320,height=240"
    source = opened(f"gst: {RED} ! {caps} ! fdsink fd=1", format="bgr24")
    assert (frames(source, 2)[-1].image == (0, 0, 255)).all()


def test_rows_that_gstreamer_pads_are_cut(opened: Open) -> None:
    source = opened("gst: videotestsrc is-live=true pattern=gradient", format="bgr24", size=(101, 50))
    image = frames(source, 1)[0].image
    assert image.shape == (50, 101, 3)
    assert image.flags.c_contiguous
    assert (image == image[:, :1]).all(), "each row of this gradient has one colour"


# -- rpicam ---------------------------------------------------------------------------------------


@pytest.fixture
def rpicam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the stand-in for rpicam-vid is installed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    install(folder / "rpicam-vid")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def install(program: Path) -> None:
    program.write_text(f"#!{sys.executable}\n" + Path(__file__).with_name("rpicam_vid.py").read_text("utf-8"))
    program.chmod(0o755)


@pytest.mark.parametrize("width", [640, 100])
def test_rpicam_gives_its_full_range_without_the_padding(rpicam: Path, opened: Open, width: int) -> None:
    image = frames(opened("rpicam", size=(width, 64)), 2)[-1].image
    assert image.shape == (64, width, 3)
    row = image[32].mean(axis=1)
    wanted = 255 * np.arange(width) / (width - 1)
    assert abs(row - wanted).max() < 4


def test_rpicam_takes_options_and_has_a_size_of_its_own(rpicam: Path, opened: Open) -> None:
    source = opened("rpicam: --rotation 180 --shutter 10000 --awb indoor --lens-position 2.5", size=None)
    image = frames(source, 1)[0].image
    assert image.shape == (480, 640, 3)
    assert image[:, 0].mean() > 250
    assert image[:, -1].mean() < 5


def test_rpicam_as_jpeg(rpicam: Path, opened: Open) -> None:
    image = frames(opened("rpicam", format="mjpeg", size=(128, 64)), 2)[-1].image
    assert image.shape == (64, 128, 3)
    assert image[:, -1].mean() > 240
    assert image[:, 0].mean() < 15


def test_the_older_name_of_rpicam_does_as_well(rpicam: Path, opened: Open) -> None:
    (rpicam / "rpicam-vid").rename(rpicam / "libcamera-vid")
    assert frames(opened("rpicam"), 1)[0].image.shape == (240, 320, 3)


def test_what_rpicam_refuses_is_the_reason(rpicam: Path, opened: Open) -> None:
    source = opened("rpicam: --rotation 90")
    with pytest.raises(UnavailableError, match=r"^process exited: code 255: ERROR: \*\*\* .*rotation.*90"):
        source.read()


# -- what cannot be ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "name", "package"),
    [
        ("rpicam", "rpicam-vid", "apt install rpicam-apps-lite"),
        ("gst: videotestsrc", "gst-launch-1.0", "apt install gstreamer1.0-tools"),
        ("command: ffmpeg -i x -f rawvideo -", "ffmpeg", "apt install ffmpeg"),
        ("command: /nowhere/camera --fast", "/nowhere/camera", "check camera.source, or install it"),
    ],
)
def test_a_missing_program_is_one_clear_line(
    spec: str, name: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UnavailableError) as caught:
        pipe(spec).open()
    assert str(caught.value).endswith(f"the program {name} is not installed; {package}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "settings", "words"),
    [
        ("rpicam: --width 640", {}, "--width cannot stand here; it is set by camera.size"),
        ("rpicam: -o out.h264", {}, "-o cannot stand here"),
        ("rpicam: --codec=h264", {}, "--codec cannot stand here; it is set by camera.format"),
        ("rpicam", {"format": "bgr24"}, "allowed: i420, mjpeg"),
        ("gst:", {}, "nothing follows it"),
        ("command: ", {}, "nothing follows it"),
        ("command: 'ffmpeg", {}, "no closing quotation"),
        ("command: ffmpeg", {"size": None}, "do not tell how large they are"),
        ("command: ffmpeg", {"size": (321, 240)}, "321 x 240 does not fit camera.format i420"),
        ("gst: videotestsrc", {"size": (324, 240)}, "allowed: multiples of 8"),
        ("command: ffmpeg", {"size": (16384, 16384)}, "more pixels than camera.max_pixels"),
        ("gst: videotestsrc", {"realtime": False}, "can wait for the loop"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_started(
    spec: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        pipe(spec, **settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_pipeline_of_several_lines_is_shown_as_one() -> None:
    assert pipe("gst:\n  videotestsrc !\n  videoconvert\n").name == "gst: videotestsrc ! videoconvert"


def test_the_way_yaml_reads_it_without_quotes_is_as_good() -> None:
    assert (
        CameraSettings.model_validate({"source": {"gst": "videotestsrc ! x"}}).source
        == "gst: videotestsrc ! x"
    )
    assert CameraSettings.model_validate({"source": {"rpicam": None}}).source == "rpicam"
    assert CameraSettings.model_validate({"source": "command: a 'b c'"}).source == "command: a 'b c'"
