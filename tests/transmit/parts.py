"""What the tests of the way to the subscribers build from."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.clock import SystemClock
from edge.records import Box, Event, State
from edge.transmit.delivery import MqttSink
from edge.transmit.journal import Row
from edge.transmit.moment import Moment
from edge.transmit.outbox import Outbox
from edge.transmit.settings import MqttSettings
from edge.transmit.subscriber import Subscriber

CLOCK = SystemClock()
WALL = datetime(2026, 11, 21, 9, 30, 0, 125_000, timezone.utc)


def event(number: int, captured: int | None = None) -> Event:
    """An event that carries ``number`` as its track."""
    now = CLOCK.monotonic_ns() if captured is None else captured
    box = Box(10.0, 20.0, 30.0, 40.0)
    return Event(
        "digits", "new", CLOCK.wall(), now, number, 0.9, box, number, (640, 480), {"digit": number % 10}
    )


def state(topic: str = "digits/state", **fields: Any) -> State:
    """A state of digits with nothing in view, or any other."""
    return State(topic, fields or {"digits": [], "numbers": [], "size": [640, 480]}, CLOCK.wall())


def row(number: int, size: int = 100) -> Row:
    """A row of the outbox whose payload has ``size`` bytes."""
    return Row(f"id-{number:06}", "digits/event", b"x" * size, Moment("boot", number, number, synced=False))


def mqtt(port: int, **changes: Any) -> MqttSettings:
    """Settings for a broker of this machine; quick to connect again."""
    quick = {"reconnect_first": 0.1, "reconnect_most": 1.0}
    return MqttSettings(port=port, **{"host": "127.0.0.1", **quick, **changes})


@contextmanager
def running(settings: MqttSettings, folder: Path, device: str = "kitchen") -> Iterator[MqttSink]:
    """A started sink, stopped in the end."""
    sink = MqttSink(settings, device, folder, CLOCK)
    sink.start()
    try:
        yield sink
    finally:
        sink.stop(2.0)


@contextmanager
def pretender(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """Something that accepts TCP connections and is no broker."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def opened(path: Path, rows: int = 100, size: int = 100_000, now: float = 0.0) -> Outbox:
    box = Outbox(path, rows=rows, size=size, sync=5.0)
    box.open(now)
    return box


def taken(box: Outbox) -> list[str]:
    """Everything that waits, in order; in flight from now on."""
    return [each.id for each in iter(box.take, None)]


def stored(path: Path) -> list[str]:
    """What lies in the file, read by another connection."""
    with closing(sqlite3.connect(path)) as file:
        return [found[0] for found in file.execute("SELECT id FROM events ORDER BY key")]


class Listener:
    """A subscriber that remembers everything."""

    def __init__(self, settings: MqttSettings, *filters: str) -> None:
        self.messages: list[tuple[str, bytes, bool]] = []
        self.subscriber = Subscriber(settings, filters or ("#",), self._take)

    def __enter__(self) -> Listener:
        self.subscriber.start()
        assert self.subscriber.wait_connected(5), self.subscriber.describe()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.subscriber.stop()

    def payloads(self, topic: str) -> list[bytes]:
        """What came on topics that end so."""
        return [payload for name, payload, _ in list(self.messages) if name.endswith(topic)]

    def tracks(self) -> list[int]:
        """The numbers of the events that came."""
        return [json.loads(payload)["track"] for payload in self.payloads("/event")]

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        self.messages.append((topic, payload, retained))


def wait_for(condition: Callable[[], Any], seconds: float = 5.0) -> bool:
    """Whether it becomes so in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
