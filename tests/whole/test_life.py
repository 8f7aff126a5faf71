"""The life of the real process: ends at any moment, settings read again, the run socket, the terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto
from process import ROOT, Edge, eventually, listening, retained
from systemd_socket import notified

from edge.control.client import ask
from edge.errors import UnavailableError
from edge.records import Reply

APPLIED_WITHIN = 2.0
"""Seconds, of a machine that has time for it: half of all reloads must be as fast, see MARGIN."""
MARGIN = 6.0
"""Times that, which a busy machine may take."""

WARM = 20
"""Reloads until the allocator has found its size."""
GROWTH = 25.0
"""MiB over three quarters of a hundred reloads: a leaked model or camera is more, a busy allocator less."""


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> Iterator[Edge]:
    edge = Edge(tmp_path, broker.port)
    yield edge
    edge.close()


def rewrite(edge: Edge, **sections: Any) -> None:
    """Changes keys of the settings file, as an editor does: whole, in place of the old one."""
    settings = json.loads(edge.config.read_text())
    for name, section in sections.items():
        settings[name] = {**settings.get(name, {}), **section} if isinstance(section, dict) else section
    beside = edge.config.with_suffix(".new")
    beside.write_text(json.dumps(settings))
    beside.replace(edge.config)


def running(edge: Edge) -> Edge:
    edge.start()
    assert eventually(lambda: "runs as test" in edge.log, 30), edge.log
    return edge


def status(edge: Edge) -> dict[str, Any]:
    return dict(ask("status", config=edge.config).data)


def reload(edge: Edge) -> Reply:
    return ask("reload", config=edge.config)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip


# -- SIGTERM ----------------------------------------------------------------------------------


def end_at_a_random_moment(folder: Path, port: int, seed: int) -> None:
    """Starts, perhaps has it read its settings again, and ends it somewhere in there."""
    chance = random.Random(seed)
    source = chance.choice(["demo", "demo", "/dev/video97", "rtsp://127.0.0.1:9/none"])
    edge = Edge(folder, port, camera={"source": source, "fps": 15})
    try:
        edge.start()
        if seed % 2:  # on its way up
            time.sleep(chance.uniform(0.15, 4))
        else:  # or well alive
            assert eventually(lambda: "runs as test" in edge.log, 30), edge.log
            time.sleep(chance.uniform(0, 2))
        if chance.random() < 0.5 and "runs as test" in edge.log:
            rewrite(edge, camera={"source": "demo", "fps": chance.choice([5, 10])}, mqtt={"heartbeat": 30})
            edge.process.send_signal(signal.SIGHUP)
            time.sleep(chance.uniform(0, 0.8))
        connected = "connected to" in edge.log
        code, seconds = edge.terminate()
        assert seconds < 5, f"{seconds:.1f} s, seed {seed}: {edge.log}"
        # Before its first line of Python the interpreter itself dies of the signal: an end in order, too.
        assert code == 0 or (code == -signal.SIGTERM and not edge.log), f"{code}, seed {seed}: {edge.log}"
        assert "Traceback" not in edge.log, f"seed {seed}: {edge.log}"
        if connected:
            assert retained(port, "edge/test/availability") == "offline", f"seed {seed}"
    finally:
        edge.close()


@pytest.mark.parametrize("seed", range(2))
def test_sigterm_at_a_random_moment(tmp_path: Path, broker: Mosquitto, seed: int) -> None:
    end_at_a_random_moment(tmp_path, broker.port, seed)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sigterm_at_random_moments(tmp_path: Path, broker: Mosquitto) -> None:
    with listening(broker.port, seconds=900) as heard:
        for seed in range(100, 125):
            folder = tmp_path / str(seed)
            folder.mkdir()
            end_at_a_random_moment(folder, broker.port, seed)
        told = [payload for name, payload in heard if name == "edge/test/availability"]
    assert told.count("online") > 5
    # Every life that was announced was also seen to end.
    assert all(after == "offline" for before, after in pairwise(told) if before == "online")
    assert told[-1] == "offline"


def test_sigterm_while_the_broker_is_silent_and_the_disk_is_full(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        edge = Edge(tmp_path, silent.getsockname()[1], mqtt={"outbox": {"path": "/dev/full/outbox.db"}})
        try:
            running(edge)
            assert eventually(lambda: ask("status", config=edge.config).data["waiting"] > 0)
            code, seconds = edge.terminate()
        finally:
            edge.close()
    assert (code, seconds < 5) == (0, True), edge.log


# -- settings read again ----------------------------------------------------------------------


def test_sighup_applies_what_can_change_and_says_what_cannot(
    tmp_path: Path, edge: Edge, broker: Mosquitto
) -> None:
    with notified(tmp_path / "notify") as heard:
        edge.start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert eventually(lambda: heard.has("READY=1"), 30), edge.log
        rewrite(edge, camera={"fps": 5}, log={"level": "debug"}, device={"name": "other"})
        edge.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "settings read again" in edge.log), edge.log
        assert "settings read again: camera.fps, log.level; needs a restart: device.name" in edge.log
        assert eventually(lambda: heard.has("RELOADING=1\nMONOTONIC_USEC="))

        def order() -> list[str]:
            return [word.partition("\n")[0] for word in heard.words() if not word.startswith("STATUS")]

        assert eventually(lambda: order() == ["READY=1", "RELOADING=1", "READY=1"]), heard.words()
        assert eventually(lambda: any("needs a restart: device.name" in word for word in heard.words()))
    assert eventually(lambda: status(edge)["stats"]["governor"]["asked_fps"] == 5)
    assert eventually(lambda: "DEBUG" in edge.log)
    assert eventually(lambda: retained(broker.port, "edge/test/availability") == "online")
    assert edge.terminate()[0] == 0


def test_a_bad_file_changes_nothing_and_the_reason_is_told(
    tmp_path: Path, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As under systemd: where the socket lies is known also when the settings cannot be read.
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    running(edge)
    good = edge.config.read_text()
    rewrite(edge, camera={"fps": 0}, stats={"interval": 7})
    reply = reload(edge)
    assert (reply.ok, reply.error) == (False, "bad-settings")
    assert "camera.fps" in reply.message
    told = status(edge)
    assert "camera.fps" in told["remark"]
    assert "camera.fps" in told["sentence"]
    assert edge.log.count("were not read again") == 1
    edge.config.unlink()
    gone = reload(edge)
    assert not gone.ok
    assert "No such file" in gone.message
    assert edge.process.poll() is None
    edge.config.write_text(good)
    assert reload(edge).ok
    assert status(edge)["remark"] is None


def test_another_broker_is_connected_to_and_the_old_one_hears_goodbye(
    tmp_path: Path, edge: Edge, broker: Mosquitto
) -> None:
    (tmp_path / "second").mkdir()
    second = Mosquitto(tmp_path / "second").start()
    try:
        running(edge)
        assert eventually(lambda: retained(broker.port, "edge/test/availability") == "online"), edge.log
        rewrite(edge, mqtt={"port": second.port})
        assert reload(edge).ok
        assert eventually(lambda: retained(second.port, "edge/test/availability") == "online"), edge.log
        assert retained(broker.port, "edge/test/availability") == "offline"
        assert eventually(lambda: retained(second.port, "edge/test/digits/state") is not None)
        told = status(edge)["stats"]["outbox"]
        assert told["connects"] == 2
        assert edge.terminate()[0] == 0
    finally:
        second.close()


def held(edge: Edge) -> tuple[int, int]:
    """Threads and descriptors of the process."""
    folder = Path(f"/proc/{edge.process.pid}")
    return len(list((folder / "task").iterdir())), len(list((folder / "fd").iterdir()))


def memory(edge: Edge) -> float:
    """MiB that it holds."""
    pages = int(Path(f"/proc/{edge.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def reload_often(edge: Edge, times: int) -> None:
    """Good and bad in turn; every kind of change among the good. Nothing may pile up."""
    running(edge)
    took, sizes = [], []
    threads = descriptors = 0
    for turn in range(times):
        kind = turn % 5
        if kind == 0:
            rewrite(edge, camera={"fps": 5 + turn % 3}, digits={"threshold": 0.5})
        elif kind == 1:
            rewrite(edge, digits={"threshold": 0.5 + turn / 1000}, tracking={"patience": 2.0})
        elif kind == 2:
            rewrite(edge, mqtt={"heartbeat": 20 + turn % 7})
        elif kind == 3:
            rewrite(edge, digits={"threshold": "high"})
        else:
            rewrite(edge, digits={"threshold": 0.5, "model": "no-such"})
        begun = time.monotonic()
        reply = reload(edge)
        took.append(time.monotonic() - begun)
        assert reply.ok is (kind < 3), reply
        if kind == 4:
            rewrite(edge, digits={"model": "digits-cnn"})
        sizes.append(memory(edge))
        if turn == 4:  # each library has its threads by now
            threads, descriptors = held(edge)
    assert max(took) < APPLIED_WITHIN * MARGIN
    assert statistics.median(took) < APPLIED_WITHIN, took
    # What is just ending, or a file that is just open, may be there for a moment.
    assert eventually(lambda: held(edge)[0] <= threads and held(edge)[1] <= descriptors + 1), (
        held(edge), threads, descriptors,
    )  # fmt: skip
    quarter = times // 4
    if quarter >= WARM:
        grown = statistics.median(sizes[-quarter:]) - statistics.median(sizes[quarter : 2 * quarter])
        print(f"{times} reloads: median {statistics.median(took):.2f} s, longest {max(took):.2f} s")
        print(f"threads {held(edge)[0]}, descriptors {held(edge)[1]}, memory {grown:+.1f} MiB")
        assert grown < GROWTH, sizes
    assert edge.terminate()[0] == 0


def test_reloads_leave_nothing_behind(edge: Edge) -> None:
    reload_often(edge, 10)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_hundred_reloads_leave_nothing_behind(edge: Edge) -> None:
    reload_often(edge, 100)


# -- the run socket and edge status -----------------------------------------------------------


def test_status_says_what_systemd_hears_and_more(tmp_path: Path, edge: Edge) -> None:
    with notified(tmp_path / "notify") as heard:
        edge.start(NOTIFY_SOCKET=str(tmp_path / "notify"))
        assert eventually(lambda: any("STATUS=camera ok" in word for word in heard.words()), 30), edge.log
        done = command("status", "-c", str(edge.config), "--json")
        told = json.loads(done.stdout)
        assert done.returncode == 0
        assert told["sentence"].startswith("camera ok")
        assert told["device"] == "test"
        assert {"memory_mb", "device", "governor", "restarts", "outbox"} <= set(told["stats"])
        shown = command("status", "-c", str(edge.config))
        assert shown.returncode == 0
        for word in ("camera", "broker", "outbox", "recognizers", "digits-cnn", "restarts"):
            assert word in shown.stdout
    edge.terminate()
    gone = command("status", "-c", str(edge.config))
    assert (gone.returncode, gone.stdout) == (69, "")
    assert "no service runs" in gone.stderr


def test_restarts_are_counted_and_a_killed_process_leaves_no_obstacle(edge: Edge) -> None:
    running(edge)
    assert status(edge)["stats"]["restarts"] == 0
    edge.process.kill()
    edge.process.wait(5)
    with pytest.raises(UnavailableError, match="no service runs"):
        ask("status", config=edge.config)
    edge.start()
    assert eventually(lambda: edge.log.count("runs as test") == 2, 30), edge.log
    assert status(edge)["stats"]["restarts"] == 1


def test_a_command_over_the_run_socket(edge: Edge, broker: Mosquitto) -> None:
    running(edge)
    reply = ask("detect", {"on": False}, config=edge.config)
    assert reply.ok, reply
    assert eventually(lambda: status(edge)["changed"] == ["detect"])
    unknown = ask("make-coffee", config=edge.config)
    assert unknown.error == "unknown-command"
    told = status(edge)["stats"]["commands"]
    assert told["socket_refused"] == 1
    assert told["socket_requests"] == told["socket_connections"] >= 4
    assert (told["reloads"], told["reload_failures"]) == (0, 0)
    assert ask("reload", {"reset": True}, config=edge.config).message.endswith("had changed is dropped")
    rewrite(edge, digits={"threshold": "high"})
    assert ask("reload", config=edge.config).error == "bad-settings"
    told = status(edge)["stats"]["commands"]
    assert (told["reloads"], told["reload_failures"]) == (1, 1)


# -- the terminal -----------------------------------------------------------------------------


def test_a_terminal_that_closes_ends_it_in_order(edge: Edge) -> None:
    master, slave = pty.openpty()
    with (edge.config.parent / "edge.log").open("ab") as log:
        terminal = ["setsid", "--ctty", *edge.command]
        process = subprocess.Popen(terminal, cwd=ROOT, stdin=slave, stdout=log, stderr=log)
    os.close(slave)
    try:
        assert eventually(lambda: "runs as test" in edge.log, 30), edge.log
        process.send_signal(signal.SIGHUP)  # the terminal is there: settings are read again
        assert eventually(lambda: "settings read again" in edge.log), edge.log
        assert process.poll() is None
        os.close(master)  # the kernel sends SIGHUP
        assert process.wait(10) == 0
    finally:
        with contextlib.suppress(OSError):
            os.close(master)
        process.kill()
        process.wait(10)
    assert edge.log.rstrip().endswith("ended")
