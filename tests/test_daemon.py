"""The whole service in this process, on a wall clock that steps by a day and back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto

from edge.clock import from_rfc3339
from edge.daemon import Daemon
from edge.settings.load import parse
from edge.transmit.settings import MqttSettings
from edge.transmit.subscriber import Subscriber

DAY = timedelta(days=1)


class SteppingClock:
    """The machine's monotonic clock; a wall clock that a test may step."""

    def __init__(self) -> None:
        self.offset = timedelta(0)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def wall(self) -> datetime:
        return datetime.now(timezone.utc) + self.offset


def eventually(check: Callable[[], bool], seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while not (held := check()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


@contextmanager
def service(folder: Path, port: int, clock: SteppingClock) -> Iterator[Daemon]:
    settings = {
        "device": {"name": "test"},
        "camera": {"source": "demo", "fps": 5, "stall_after": 3},
        "mqtt": {"host": "127.0.0.1", "port": port, "late_after": 5, "heartbeat": 5},
        "stats": {"interval": 1},
        "state": {"folder": str(folder)},
    }
    daemon = Daemon(parse(json.dumps(settings), "test"), clock=clock)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(daemon.run()))
    thread.start()
    try:
        yield daemon
    finally:
        daemon.stop()
        thread.join(15)
    assert codes == [0]


@contextmanager
def heard(port: int) -> Iterator[list[tuple[str, Any]]]:
    """Topic below the device, and JSON of what is published anew."""
    told: list[tuple[str, Any]] = []

    def listen(topic: str, payload: bytes, retained: bool) -> None:
        if payload.startswith(b"{") and not retained:
            told.append((topic.removeprefix("edge/test/"), json.loads(payload)))

    subscriber = Subscriber(MqttSettings(host="127.0.0.1", port=port), ["edge/test/#"], listen)
    subscriber.start()
    try:
        assert subscriber.wait_connected(10)
        yield told
    finally:
        subscriber.stop()


def test_a_wall_clock_that_steps_by_a_day_raises_no_alarm(tmp_path: Path, broker: Mosquitto) -> None:
    clock = SteppingClock()
    with heard(broker.port) as told, service(tmp_path, broker.port, clock):

        def count(topic: str) -> int:
            return sum(name == topic for name, _ in told)

        assert eventually(lambda: count("digits/event") > 3 and count("stats") > 1)
        for offset in (DAY, -DAY, timedelta(0)):
            clock.offset = offset
            before = len(told)
            events, statistics = count("digits/event"), count("stats")
            assert eventually(lambda: count("digits/event") > events + 5, 40), "no events after the step"  # noqa: B023
            assert eventually(lambda: count("stats") > statistics + 2), "no statistics after the step"  # noqa: B023
            # What was told since then carries the stepped time; nothing was held back until it is reached.
            latest = from_rfc3339(told[-1][1]["time"]) - datetime.now(timezone.utc)
            assert abs(latest - offset) < timedelta(minutes=1), (offset, latest)
            states = [fields["state"] for name, fields in told[before:] if name == "camera/status"]
            assert set(states) <= {"ok"}, f"a false alarm after a step by {offset}"
    events_told = [fields for name, fields in told if name == "digits/event"]
    assert not [event for event in events_told if event.get("late")], "an event of now was called late"
    assert all(0 <= event["latency_ms"] < 60_000 for event in events_told)
    assert all(isinstance(event["clock_synced"], bool) for event in events_told)
    sequences = [event["frame"]["sequence"] for event in events_told]
    assert sequences == sorted(sequences), "events came out of order"
    uptimes = [fields["uptime_s"] for name, fields in told if name == "stats"]
    assert uptimes == sorted(uptimes)
    assert uptimes[-1] < 300
    last = [fields for name, fields in told if name == "stats"][-1]
    assert last["outbox"]["connects"] == 1, "the connection was given up"
    assert last["camera"]["reopened"] == 0
    assert all(stage["p50"] >= 0 for stage in last["latency_ms"].values())


def test_it_ends_in_order_in_this_process_too(tmp_path: Path, broker: Mosquitto) -> None:
    before = threading.active_count()
    with service(tmp_path, broker.port, SteppingClock()):
        pass
    assert eventually(lambda: threading.active_count() <= before), threading.enumerate()


@pytest.mark.parametrize("folder", ["state", "run"])
def test_the_run_socket_lies_in_the_run_time_directory_or_with_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    from edge.daemon import run_folder

    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    if folder == "run":
        monkeypatch.setenv("RUNTIME_DIRECTORY", f"{tmp_path}/run:/elsewhere")
    assert run_folder(tmp_path / "state") == tmp_path / folder
