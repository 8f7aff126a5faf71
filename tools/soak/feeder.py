"""The real sink ``mqtt`` in a process of its own, fed with events faster than any camera would.

``python -m tools.soak.feeder JSON``; JSON: ``settings`` (of ``mqtt``), ``folder`` of the outbox, ``device``,
``first`` and ``count`` of the numbers that its events carry as ``track``, ``rate`` a second, and ``kinds``
(recognizers, in turn). ``devices`` above 1: that many sinks, each with its own folder and session, all in
this process. Every 0.2 s and at the end it prints a line: how many it put, and each sink's counters. It
rests from SIGUSR1 to SIGUSR2, and ends on SIGTERM, with what it can still deliver, or with ``end`` once
everything is put and delivered.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from edge.clock import SystemClock
from edge.records import Box, Event
from edge.transmit.delivery import MqttSink
from edge.transmit.settings import MqttSettings

TOLD_EVERY = 0.2
"""Seconds between two lines."""

CLOCK = SystemClock()


def event(number: int, kind: str = "digits") -> Event:
    """An event that carries ``number`` as its track."""
    box = Box(10.0, 20.0, 30.0, 40.0)
    label = {"digit": number % 10} if kind == "digits" else {"label": "thing"}
    return Event(kind, "new", CLOCK.wall(), CLOCK.monotonic_ns(), number, 0.9, box, number, (640, 480), label)


def feed(order: dict[str, Any], stop: threading.Event, rests: threading.Event) -> int:
    """Feeds until all is put and the end is reached; gives the exit code."""
    sinks = [
        MqttSink(
            MqttSettings.model_validate(order["settings"]),
            order["device"] + (f"-{number}" if order["devices"] > 1 else ""),
            Path(order["folder"]) / str(number),
            CLOCK,
        )
        for number in range(order["first_device"], order["first_device"] + order["devices"])
    ]
    for sink in sinks:
        sink.start()
    kinds, count, begun, put, told = order["kinds"], order["count"], time.monotonic(), 0, 0.0
    while not stop.is_set():
        now = time.monotonic()
        due = put if rests.is_set() else min(count, int((now - begun) * order["rate"]))
        for number in range(put, due := max(put, due)):
            sinks[number % len(sinks)].put([event(order["first"] + number, kinds[number % len(kinds)])])
        put = due
        if now - told >= TOLD_EVERY:
            told = now
            tell(put, sinks)
        if order["end"] and put == count and not any(sink.depth() for sink in sinks):
            break
        stop.wait(0.02)
    clean = [sink.stop(4.0) for sink in sinks]
    tell(put, sinks)
    return 0 if all(clean) or not order["end"] else 1


def tell(put: int, sinks: list[MqttSink]) -> None:
    """One line of JSON."""
    devices = [{**sink.counters(), "connected": sink.connected} for sink in sinks]
    line = {"at": time.monotonic(), "put": put, "link": sinks[0].describe(), "devices": devices}
    print(json.dumps(line), flush=True)


@dataclass(slots=True)
class Feeder:
    """Runs this module as a child and reads what it tells. Use as a context manager."""

    order: dict[str, Any]
    log: Path
    told: deque[dict[str, Any]]
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of(cls, folder: Path, port: int, settings: dict[str, Any], **order: Any) -> Feeder:
        """``settings``: of ``mqtt`` besides host and port; ``order``: see above."""
        complete = {
            "settings": {"host": "127.0.0.1", "port": port, **settings},
            "folder": str(folder / "feeder"), "device": "soak", "devices": 1, "first_device": 0,
            "first": 0, "count": 0, "rate": 100, "kinds": ["digits"], "end": False, **order,
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        return cls(complete, folder / "feeder.log", deque(maxlen=10_000))

    def __enter__(self) -> Feeder:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.soak.feeder", json.dumps(self.order)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        threading.Thread(target=self._read, args=(self.process,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def newest(self) -> dict[str, Any]:
        """The newest line; its ``devices`` are empty before there is any."""
        return self.told[-1] if self.told else {"at": 0.0, "put": 0, "devices": []}

    def total(self, name: str) -> int:
        """A counter over all devices, in the newest line."""
        return sum(int(device[name]) for device in self.newest()["devices"])

    def rest(self, rests: bool) -> None:
        """Puts nothing any more, or goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR1 if rests else signal.SIGUSR2)

    def finish(self, seconds: float) -> int | None:
        """Waits for its own end; gives the exit code, None where it did not come."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def terminate(self) -> int | None:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.finish(20)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self.told.append(json.loads(line))


def main() -> int:
    """Feeds as the argument says."""
    stop, rests = threading.Event(), threading.Event()

    def handler(number: int, _frame: FrameType | None) -> None:
        {signal.SIGUSR1: rests.set, signal.SIGUSR2: rests.clear}.get(signal.Signals(number), stop.set)()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, handler)
    return feed(json.loads(sys.argv[1]), stop, rests)


if __name__ == "__main__":
    sys.exit(main())
