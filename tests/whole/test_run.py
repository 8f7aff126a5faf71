"""``edge run``: the real process, the real model, a real broker; signals and losses."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mosquitto import Mosquitto
from process import ROOT, Edge, eventually, listening, retained

from edge.control.client import ask

TOPICS = {"availability", "camera/status", "digits/event", "digits/state", "stats"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto that is not started yet."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder)
    yield broker
    broker.close()


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> Iterator[Edge]:
    edge = Edge(tmp_path, broker.port)
    yield edge
    edge.close()


def topics(heard: list[tuple[str, str]]) -> set[str]:
    return {name.removeprefix("edge/test/") for name, _ in heard if name.startswith("edge/test/")}


def payloads(heard: list[tuple[str, str]], topic: str) -> list[Any]:
    return [json.loads(payload) for name, payload in heard if name == f"edge/test/{topic}"]


def test_every_topic_is_heard_and_sigterm_ends_in_order(edge: Edge, broker: Mosquitto) -> None:
    broker.start()
    with listening(broker.port) as heard:
        edge.start()
        assert eventually(lambda: topics(heard) >= TOPICS), f"{topics(heard)}\n{edge.log}"
        code, seconds = edge.terminate()
        assert code == 0, edge.log
        assert seconds < 5
        assert eventually(lambda: heard[-1] == ("edge/test/availability", "offline"))
    assert retained(broker.port, "edge/test/availability") == "offline"
    assert payloads(heard, "camera/status")[-1]["size"] == [640, 480]
    assert retained(broker.port, "edge/test/digits/event") is None
    events = payloads(heard, "digits/event")
    assert {event["event_type"] for event in events} >= {"new"}
    assert len({event["id"] for event in events}) == len(events)


def test_a_killed_process_leaves_offline_by_its_last_will(edge: Edge, broker: Mosquitto) -> None:
    broker.start()
    edge.start()
    assert eventually(lambda: retained(broker.port, "edge/test/availability") == "online"), edge.log
    edge.process.kill()
    assert eventually(lambda: retained(broker.port, "edge/test/availability") == "offline")


def test_without_a_broker_it_runs_and_delivers_when_one_comes(edge: Edge, broker: Mosquitto) -> None:
    edge.start()
    time.sleep(4)
    assert edge.process.poll() is None, edge.log
    broker.start()
    with listening(broker.port) as heard:
        assert eventually(lambda: len(payloads(heard, "digits/event")) > 5), edge.log
        assert eventually(lambda: bool(payloads(heard, "stats")))
    code, seconds = edge.terminate()
    assert (code, seconds < 5) == (0, True), edge.log
    # The first connection is refused a warning; the dozen after it are not repeated.
    assert sum("WARNING" in line for line in edge.log.splitlines()) <= 2


def test_without_a_broker_it_still_ends_in_time(edge: Edge) -> None:
    edge.start()
    assert eventually(lambda: "runs as test" in edge.log)
    code, seconds = edge.terminate()
    assert (code, seconds < 5) == (0, True), edge.log


def test_what_was_seen_without_a_broker_outlives_the_process(
    tmp_path: Path, edge: Edge, broker: Mosquitto
) -> None:
    edge.start()
    assert eventually(lambda: "runs as test" in edge.log, 30), edge.log
    assert eventually(lambda: ask("status", config=edge.config).data["waiting"] > 8, 30), edge.log
    edge.process.kill()
    edge.process.wait(5)
    broker.start()
    # The second life sees nothing new: a picture without digits.
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((120, 160, 3), 200, np.uint8))
    again = Edge(tmp_path, broker.port, camera={"source": str(tmp_path / "blank.png"), "on_end": "hold"})
    with listening(broker.port) as heard:
        again.start()
        try:
            assert eventually(lambda: len(payloads(heard, "digits/event")) > 5), again.log
        finally:
            again.close()


def test_a_camera_that_is_not_there_is_told_and_waited_for(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    edge = Edge(tmp_path, broker.port, camera={"source": str(tmp_path / "later.avi"), "backoff_most": 1})
    with listening(broker.port) as heard:
        edge.start()
        try:
            assert eventually(lambda: _lost(heard, "later.avi")), edge.log
            assert edge.process.poll() is None
        finally:
            edge.close()


def test_a_camera_that_never_answers_does_not_hold_up_the_end(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        edge = Edge(tmp_path, broker.port, camera={"source": f"rtsp://user:hunter2@127.0.0.1:{port}/1"})
        edge.start()
        try:
            assert eventually(lambda: "runs as test" in edge.log), edge.log
            time.sleep(1)
            code, seconds = edge.terminate()
        finally:
            edge.close()
    assert (code, seconds < 5) == (0, True), edge.log
    assert "hunter2" not in edge.log


def test_a_file_is_read_once_and_its_end_is_the_end(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10, (320, 240))
    for _ in range(23):
        writer.write(np.full((240, 320, 3), 180, np.uint8))
    writer.release()
    edge = Edge(tmp_path, broker.port, camera={"source": str(video), "realtime": False})
    with listening(broker.port) as heard:
        edge.start()
        assert edge.wait() == 0, edge.log
        assert eventually(lambda: ("edge/test/availability", "offline") in heard)
    assert payloads(heard, "stats")[-1]["loop"]["frames"] == 23
    assert payloads(heard, "stats")[-1]["camera"]["dropped"] == 0
    assert payloads(heard, "camera/status")[-1]["reason"] == "ended"


def test_stdout_gives_json_lines_and_a_closed_pipe_is_one_line(tmp_path: Path) -> None:
    edge = Edge(tmp_path, 1, sinks=["stdout"])
    edge.start(stdout=subprocess.PIPE)
    assert edge.process.stdout is not None
    wanted = {"edge/test/camera/status", "edge/test/settings", "edge/test/digits/event"}
    lines: list[dict[str, Any]] = []
    while not wanted <= {line["topic"] for line in lines} and len(lines) < 60:
        lines.append(json.loads(edge.process.stdout.readline()))
    assert wanted <= {line["topic"] for line in lines}
    edge.process.stdout.close()
    try:
        assert edge.wait() == 69, edge.log
    finally:
        edge.close()
    assert "standard output is closed" in edge.log
    assert "Traceback" not in edge.log


def test_systemd_hears_ready_and_the_watchdog(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(20)
        edge = Edge(tmp_path, broker.port).start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        try:
            heard = [server.recv(512).decode()]
            while not any(word.startswith("STATUS=camera ok") and "connected" in word for word in heard):
                heard.append(server.recv(512).decode())
            edge.terminate()
            while "STOPPING=1" not in heard:
                heard.append(server.recv(512).decode())
        finally:
            edge.close()
    assert heard[0] == "READY=1"
    assert "WATCHDOG=1" in heard


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"digits": {"model": "no-such"}}, "no-such"),
        ({"camera": {"source": "ftp://camera/1"}}, "ftp"),
        ({"camera": {"fps": 0}}, "camera.fps"),
    ],
)
def test_what_a_person_must_change_ends_with_78(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    edge = Edge(tmp_path, 1, **change).start()
    assert edge.wait() == 78, edge.log
    assert words in edge.log
    assert "Traceback" not in edge.log


def test_check_says_a_line_for_each_part(tmp_path: Path, broker: Mosquitto) -> None:
    edge = Edge(tmp_path, broker.port)
    absent = _edge("check", "-c", str(edge.config))
    assert absent.returncode == 69
    assert [line.split()[0] for line in absent.stdout.splitlines()] == [
        "configuration", "state", "commands", "models", "camera", "broker",
    ]  # fmt: skip
    assert "wrong" in absent.stdout.splitlines()[-1]
    broker.start()
    present = _edge("check", "-c", str(edge.config), "--json")
    assert present.returncode == 0, present.stdout
    report = json.loads(present.stdout)
    assert report["ok"]
    parts = [item["part"] for item in report["checks"]]
    assert parts == ["configuration", "state", "commands", "models", "camera", "broker"]


def test_check_tells_a_camera_that_is_not_there(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    edge = Edge(tmp_path, broker.port, camera={"source": "/dev/video97"})
    done = _edge("check", "-c", str(edge.config))
    assert done.returncode == 69
    assert "/dev/video97" in done.stdout


def test_watch_prints_what_the_broker_receives(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    edge = Edge(tmp_path, broker.port).start()
    try:
        done = _edge("watch", "-c", str(edge.config), "--seconds", "4", "--json", "--topic", "digits/#")
    finally:
        edge.close()
    assert done.returncode == 0, done.stderr
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert {item["topic"] for item in seen} >= {"edge/test/digits/state"}
    assert not {item["topic"] for item in seen} - {"edge/test/digits/state", "edge/test/digits/event"}


def test_watch_ends_with_its_reader(tmp_path: Path, broker: Mosquitto) -> None:
    broker.start()
    edge = Edge(tmp_path, broker.port).start()
    command = [sys.executable, "-m", "edge", "watch", "-c", str(edge.config), "--json"]
    try:
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watch:
            assert watch.stdout is not None
            assert watch.stderr is not None
            assert json.loads(watch.stdout.readline())["topic"].startswith("edge/test/")
            watch.stdout.close()
            assert (watch.wait(20), watch.stderr.read()) == (0, "")
    finally:
        edge.close()


def test_watch_without_a_broker_is_69(tmp_path: Path) -> None:
    edge = Edge(tmp_path, 1)
    done = _edge("watch", "-c", str(edge.config))
    assert done.returncode == 69
    assert len([line for line in done.stderr.splitlines() if line.startswith("edge: ")]) == 1


def _lost(heard: list[tuple[str, str]], reason: str) -> bool:
    """Whether the camera was told to be lost for that reason."""
    told = payloads(heard, "camera/status")
    return any(status["state"] == "lost" and reason in str(status["reason"]) for status in told)


def _edge(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip
