"""What hangs ends the process with 75 within its deadline, or silences the watchdog; never neither.

Each fault is put into the real process by ``faulty.py``; each test says by which of the two it ends. systemd
kills a service whose watchdog is silent for ``WatchdogSec`` (30 s in the units); here the silence is seen.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mosquitto import Mosquitto
from process import Edge, eventually, listening
from systemd_socket import Heard, notified

from edge.errors import HungError

CAMERA = {"open_timeout": 0.5, "read_timeout": 0.5, "hang_after": 2, "fps": 10, "source": "demo"}
DEADLINE = 5
"""Seconds, the shortest that the settings take."""
MARGIN = 15
"""Seconds that a busy machine may add."""
SILENCE = 3.0
"""Seconds without WATCHDOG=1, which else comes four times a second."""


@pytest.fixture
def edge(tmp_path: Path, broker: Mosquitto) -> Iterator[Edge]:
    edge = service(tmp_path, broker.port, "test")
    yield edge
    edge.close()


def service(folder: Path, port: int, name: str) -> Edge:
    return Edge(folder, port, device={"name": name}, camera=CAMERA, loop={"deadline": DEADLINE})


def start(edge: Edge, fault: str, heard_at: Path) -> Edge:
    program = Path(__file__).with_name("faulty.py")
    edge.command = [sys.executable, str(program), fault, str(edge.config)]
    return edge.start(NOTIFY_SOCKET=str(heard_at))


def fed(heard: Heard) -> bool:
    """Whether the watchdog was fed within the last seconds."""
    return heard.has("WATCHDOG=1") and time.monotonic() - heard.last("WATCHDOG=1") < SILENCE


HANGS = {
    "blocked-source": ("capture", 2),
    "endless-model": ("loop", DEADLINE),
    "waiting-publisher": ("delivery", DEADLINE),
}
"""Fault, the thread that hangs by it, and its deadline in seconds."""


def test_a_thread_that_hangs_ends_the_process_with_75(tmp_path: Path, broker: Mosquitto) -> None:
    with contextlib.ExitStack() as stack:
        running: dict[str, tuple[Edge, Heard]] = {}
        for fault in HANGS:  # side by side: most of it is waiting
            folder = tmp_path / fault
            folder.mkdir()
            edge = service(folder, broker.port, fault)
            stack.callback(edge.close)
            running[fault] = edge, stack.enter_context(notified(folder / "notify"))
            start(edge, fault, folder / "notify")
        for fault, (edge, heard) in running.items():
            thread, deadline = HANGS[fault]
            assert edge.wait(deadline + MARGIN + 15) == HungError.exit_code, edge.log
            assert f"the {thread} thread made no progress for {deadline:g} s" in edge.log
            assert heard.words()[-1].startswith(f"STATUS=the {thread} thread made no progress")
            assert heard.has("READY=1"), "it hung before it was ready"
            assert not heard.has("STOPPING=1")
            assert "Traceback" not in edge.log


@pytest.mark.slow
def test_network_threads_that_all_hang_end_the_process_with_75(tmp_path: Path, edge: Edge) -> None:
    with notified(tmp_path / "notify"):
        start(edge, "network-hangs-always", tmp_path / "notify")
        assert edge.wait(60) == HungError.exit_code, edge.log
    assert "the delivery thread made no progress" in edge.log


def test_one_network_thread_that_hangs_is_given_up_for_a_new_one(
    tmp_path: Path, edge: Edge, broker: Mosquitto
) -> None:
    with notified(tmp_path / "notify") as heard, listening(broker.port) as told:
        start(edge, "network-hangs-once", tmp_path / "notify")
        assert eventually(lambda: "has not turned" in edge.log, 30), edge.log
        before = len(told)
        assert eventually(lambda: any("digits/" in name for name, _ in told[before:]), 30), edge.log
        assert edge.process.poll() is None
        assert fed(heard), "the watchdog was not fed though the publisher made progress"

        def connects() -> list[int]:
            stats = [json.loads(payload) for name, payload in told if name.endswith("/stats")]
            return [each["outbox"]["connects"] for each in stats]

        assert eventually(lambda: max(connects(), default=0) >= 2, 30), connects()


@pytest.mark.slow
def test_a_main_thread_that_is_held_silences_the_watchdog(tmp_path: Path, edge: Edge) -> None:
    with notified(tmp_path / "notify") as heard:
        start(edge, "held-main", tmp_path / "notify")
        assert eventually(lambda: heard.has("WATCHDOG=1"), 20), edge.log
        assert eventually(lambda: not fed(heard), 20 + MARGIN), "the watchdog was fed by a held process"
        silent = heard.last("WATCHDOG=1")
        time.sleep(SILENCE)
        assert heard.last("WATCHDOG=1") == silent
        assert edge.process.poll() is None
        # Not even such a process outlives SIGTERM by more than five seconds.
        code, seconds = edge.terminate()
    assert (code, seconds < 5 + MARGIN) == (HungError.exit_code, True)


def test_ready_is_said_once_models_are_loaded_and_the_loop_turns(tmp_path: Path, edge: Edge) -> None:
    with notified(tmp_path / "notify") as heard:
        begun = time.monotonic()
        start(edge, "slow-models", tmp_path / "notify")
        assert eventually(lambda: heard.has("READY=1"), 30), edge.log
        assert heard.last("READY=1") - begun > 3
        assert heard.words()[0] == "READY=1"
        assert edge.terminate()[0] == 0


def test_sigterm_while_models_are_loaded(tmp_path: Path, edge: Edge) -> None:
    with notified(tmp_path / "notify") as heard:
        start(edge, "slow-models", tmp_path / "notify")
        time.sleep(2)
        code, seconds = edge.terminate()
    assert (code, seconds < 5) == (0, True), edge.log
    assert not heard.has("READY=1")
