"""Cameras that stop, freeze, go black, change and come back: the real process, real sources, a real broker.

The camera of most of these is a FIFO into which a real ffmpeg writes JPEG after JPEG, and which the daemon
reads as a pipe; exchanging ffmpeg for another is what happens to the camera in mid-stream.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto
from process import Edge, eventually, listening, retained

from tools.soak.cameras import MOVING, Fifo, RtspCamera

QUICK = {
    "stall_after": 1.0,
    "read_timeout": 2.0,
    "frozen_after": 1.5,
    "black_after": 1.5,
    "backoff_first": 0.2,
}

Heard = list[tuple[str, str]]


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[Fifo]:
    made = Fifo(tmp_path / "camera.mjpeg")
    yield made
    made.close()


def statuses(heard: Heard, device: str = "test") -> list[dict[str, Any]]:
    return [json.loads(payload) for topic, payload in heard if topic == f"edge/{device}/camera/status"]


def seconds_until(heard: Heard, state: str, reason: str | None = None, within: float = 15.0) -> float:
    """Waits until the newest status says so; gives how long it took."""
    begun = time.monotonic()

    def said() -> bool:
        newest = statuses(heard)[-1:]
        return any(
            one["state"] == state and (reason is None or (one["reason"] or "").startswith(reason))
            for one in newest
        )

    assert eventually(said, within), f"never {state}, {reason}: {statuses(heard)[-5:]}"
    return time.monotonic() - begun


def test_what_happens_to_a_camera_in_mid_stream_is_named_and_passes(
    tmp_path: Path, broker: Mosquitto, fifo: Fifo
) -> None:
    fifo.show(MOVING)
    edge = Edge(tmp_path, broker.port, camera={**fifo.camera, **QUICK})
    with listening(broker.port) as heard:
        edge.start()
        try:
            seconds_until(heard, "ok", within=20)
            for picture, reason in (
                ("color=c=gray:size=320x240:rate=15", "frozen"),
                ("color=c=black:size=320x240:rate=15,noise=alls=4:allf=t", "black"),
            ):
                fifo.show(picture)
                seconds_until(heard, "stalled", reason)
                fifo.show(MOVING)
                seconds_until(heard, "ok")
            fifo.show(MOVING.replace("320x240", "640x360"))
            seconds_until(heard, "ok", "resized")
            assert eventually(lambda: statuses(heard)[-1]["size"] == [640, 360])
            fifo.show(MOVING, "-bsf:v", "noise=amount=-10")  # bytes of the JPEGs are broken at random
            assert eventually(lambda: counted(heard, "corrupt") > 3), statistics(heard)[-1]
            fifo.show(MOVING)
            before = counted(heard, "frames")
            assert eventually(lambda: counted(heard, "frames") > before + 20)
            assert statuses(heard)[-1]["state"] == "ok"
            code, seconds = edge.terminate()
        finally:
            edge.close()
    assert (code, seconds < 5) == (0, True), edge.log
    assert "Traceback" not in edge.log
    assert statistics(heard)[-1]["loop"]["faults"] == 0


def statistics(heard: Heard) -> list[dict[str, Any]]:
    return [json.loads(payload) for topic, payload in heard if topic == "edge/test/stats"]


def counted(heard: Heard, name: str) -> int:
    return int(statistics(heard)[-1]["camera"][name])


@pytest.mark.slow
def test_a_camera_that_stops_is_noticed_in_5_s_and_back_within_10_s_of_its_return(
    tmp_path: Path, broker: Mosquitto, fifo: Fifo
) -> None:
    fifo.show(MOVING)
    edge = Edge(tmp_path, broker.port, camera=fifo.camera)
    with listening(broker.port, seconds=180) as heard:
        edge.start()
        try:
            seconds_until(heard, "ok", within=20)
            for pause in (0.0, 20.0):
                fifo.stop()
                noticed = seconds_until_noticed(heard)
                seconds_until(heard, "lost")
                time.sleep(pause)
                fifo.show(MOVING)
                told(pause, noticed, seconds_until(heard, "ok"))
            assert edge.terminate()[0] == 0
        finally:
            edge.close()
    states = [one["state"] for one in statuses(heard) if one["state"] != "stalled"]
    assert [state for state, _ in groupby(states)][-5:] == ["ok", "lost", "ok", "lost", "ok"]


@pytest.mark.slow
def test_an_rtsp_server_that_is_killed_and_started_again(tmp_path: Path, broker: Mosquitto) -> None:
    server = RtspCamera()
    edge = Edge(tmp_path, broker.port, camera={"source": server.url})
    with listening(broker.port, seconds=180) as heard:
        edge.start()
        try:
            seconds_until(heard, "ok", within=30)
            for pause in (2.0, 20.0):
                server.end()
                noticed = seconds_until_noticed(heard)
                seconds_until(heard, "lost")
                time.sleep(pause)
                server.begin()
                told(pause, noticed, seconds_until(heard, "ok"))
            assert edge.terminate()[0] == 0
        finally:
            edge.close()
            server.end()
    assert "Traceback" not in edge.log


def seconds_until_noticed(heard: Heard) -> float:
    """First it is stalled, a second later lost; from a busy machine the later alone may be heard."""
    begun = time.monotonic()
    assert eventually(lambda: statuses(heard)[-1]["state"] in ("stalled", "lost"))
    return time.monotonic() - begun


def told(pause: float, noticed: float, back: float) -> None:
    """Prints how long it took, and judges it."""
    print(f"\naway for {pause:g} s more: noticed after {noticed:.1f} s, back {back:.1f} s after its return")
    assert noticed <= 5
    assert back <= 10


def test_two_cameras_at_one_broker_do_not_disturb_each_other(
    tmp_path: Path, broker: Mosquitto, fifo: Fifo
) -> None:
    fifo.show(MOVING)
    sources = {
        "front": {**fifo.camera, **QUICK},
        "yard": {"source": "gst: videotestsrc is-live=true pattern=snow", "size": [320, 240], **QUICK},
    }
    cameras = {}
    for name, camera in sources.items():
        folder = tmp_path / name
        folder.mkdir()
        cameras[name] = Edge(folder, broker.port, device={"name": name}, camera=camera)

    def newest(name: str) -> dict[str, Any]:
        return (statuses(heard, name) or [{"state": None, "size": None}])[-1]

    with listening(broker.port) as heard:
        try:
            for edge in cameras.values():
                edge.start()
            assert eventually(lambda: all(newest(name)["state"] == "ok" for name in cameras), 30), heard[-5:]
            fifo.stop()
            assert eventually(lambda: newest("front")["state"] == "lost")
            assert {one["state"] for one in statuses(heard, "yard") if one["reason"] != "opening"} == {"ok"}
            cameras["yard"].process.kill()
            assert eventually(lambda: retained(broker.port, "edge/yard/availability") == "offline")
            assert retained(broker.port, "edge/front/availability") == "online"
            fifo.show(MOVING)
            assert eventually(lambda: newest("front")["state"] == "ok")
            assert cameras["front"].terminate()[0] == 0, cameras["front"].log
        finally:
            for edge in cameras.values():
                edge.close()
    assert {topic.split("/")[1] for topic, _ in heard if topic.startswith("edge/")} == {"front", "yard"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_program_is_left_behind_even_one_that_hangs(
    tmp_path: Path, broker: Mosquitto, number: signal.Signals
) -> None:
    note = tmp_path / "process"
    stubborn = tmp_path / "camera.py"
    stubborn.write_text(
        "import os, pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(1000)\n"
    )
    camera = {"source": {"command": f"{sys.executable} {stubborn}"}, "size": [320, 240], "open_timeout": 60}
    edge = Edge(tmp_path, broker.port, camera={**camera, "hang_after": 100}).start()
    try:
        assert eventually(lambda: note.exists() and note.read_text() != ""), edge.log
        begun = time.monotonic()
        edge.process.send_signal(number)
        assert edge.wait() == (0 if number == signal.SIGTERM else -signal.SIGKILL), edge.log
        assert time.monotonic() - begun < 5
    finally:
        edge.close()
    assert eventually(lambda: not Path(f"/proc/{note.read_text()}").exists())


@pytest.mark.slow
def test_a_camera_that_comes_and_goes_does_not_fill_the_log(tmp_path: Path, broker: Mosquitto) -> None:
    flicker = "import sys, time; sys.stdout.buffer.write(bytes(115200)); sys.stdout.flush(); time.sleep(0.3)"
    camera = {
        "source": {"command": f"{sys.executable} -c '{flicker}'"}, "size": [320, 240], "read_timeout": 0.5,
        "backoff_first": 0.05, "backoff_most": 0.1,
    }  # fmt: skip
    edge = Edge(tmp_path, broker.port, camera=camera)
    with listening(broker.port) as heard:
        edge.start()
        try:
            assert eventually(lambda: bool(statistics(heard)) and counted(heard, "reopened") > 15, 40), (
                edge.log
            )
        finally:
            edge.terminate()
            edge.close()
    lines = edge.log.splitlines()
    assert sum("lost: process exited: code 0" in line for line in lines) <= 12
    assert sum("back:" in line or "camera ok" in line for line in lines) <= 12
