"""``edge demo`` as a person starts it: real broker, real daemon, real models."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

EDGE = [sys.executable, "-m", "edge", "demo"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*EDGE, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_summary_as_json(tmp_path: Path) -> None:
    file = tmp_path / "frame.png"
    done = run("--seconds", "4", "--json", "--picture", str(file))
    assert (done.returncode, done.stderr) == (0, f"wrote {file}\n")
    summary = json.loads(done.stdout)
    assert set(summary) >= {
        "seconds", "frames", "fps", "dropped", "events", "delivered", "right", "wrong", "latency_ms",
    }  # fmt: skip
    assert summary["seconds"] == pytest.approx(4, abs=1)
    # A slow machine may drop frames, but none goes missing otherwise.
    assert summary["frames"] + summary["dropped"] > 40
    assert summary["delivered"] == summary["events"] > 0
    assert summary["right"] > 4 * summary["wrong"]
    assert set(summary["latency_ms"]) == {"capture", "recognize", "track", "transmit", "total", "publish"}
    assert all(0 <= stage["p50"] <= stage["p99"] for stage in summary["latency_ms"].values())
    assert set(summary["faces"]) == {"right", "wrong", "missed", "shown", "named"}
    assert summary["faces"]["wrong"] == 0
    picture = cv2.imread(str(file))
    assert picture is not None
    assert picture.shape == (480, 640, 3)


def test_without_what_a_face_needs_it_shows_digits_and_says_so(tmp_path: Path) -> None:
    config = tmp_path / "edge.yaml"
    config.write_text("faces: {embedder: not-there}\n")
    done = run("--seconds", "3", "--json", "-c", str(config))
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("edge: the demo shows digits only: model 'not-there': is not in ")
    summary = json.loads(done.stdout)
    assert summary["faces"] is None
    assert summary["right"] > 0


@pytest.mark.slow
def test_the_face_has_its_name_in_motion_turned_dimmed_and_partly_hidden() -> None:
    done = run("--seconds", "20", "--json")
    assert done.returncode == 0, done.stderr
    faces = json.loads(done.stdout)["faces"]
    assert (faces["wrong"], faces["missed"], faces["shown"]) == (0, 0, 1)
    assert faces["right"] >= 1
    assert set(faces["named"]) >= {"moved", "turned", "dimmed", "hidden"}
    assert all(share > 0.5 for share in faces["named"].values()), faces["named"]


def wait_for_pictures(folder: Path) -> None:
    """Until the service's log, in a folder below, says that the camera gives pictures."""
    until = time.monotonic() + 30
    while not any("camera ok" in log.read_text("utf-8") for log in folder.glob("*/edge.log")):
        assert time.monotonic() < until, "no pictures within 30 s"
        time.sleep(0.1)


def test_ctrl_c_ends_in_order_with_the_summary(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        EDGE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as demo:
        wait_for_pictures(tmp_path)
        time.sleep(2)
        demo.send_signal(signal.SIGINT)
        output, errors = demo.communicate(timeout=20)
    assert (demo.returncode, errors) == (0, "")
    assert "frames" in output
    assert "picture to subscriber" in output
    assert not list(tmp_path.iterdir())


def test_a_picture_file_as_source_has_no_truth(tmp_path: Path) -> None:
    from edge.capture.scene import Scene

    file = tmp_path / "page.png"
    cv2.imwrite(str(file), Scene(0).draw(1.0)[0])
    done = run("--seconds", "3", "--json", "--source", str(file))
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["events"] > 10
    assert (summary["right"], summary["wrong"]) == (None, None)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--source", "/nowhere/film.mp4"), 69, "no pictures: "),
        (("--source", "ftp://camera/film"), 78, "unknown scheme"),
        (("--seconds", "0"), 2, "--seconds 0"),
        (("--seed", "-1"), 2, "--seed -1"),
        (("--picture", "a.png", "--source", "0"), 2, "--picture"),
        (("--picture", "a.doc"), 2, ".png"),
    ],
)
def test_what_cannot_be_played_is_told_in_one_line(arguments: tuple[str, ...], code: int, told: str) -> None:
    done = run(*arguments, "--json")
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
