"""Is it alive, and how is it: deadlines of threads, latencies, the stats payload, sd_notify.

systemd is the supervisor: it hears ``WATCHDOG=1`` only while every thread makes progress, so a
hang anywhere ends the process and a new one begins.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

log = logging.getLogger("edge.health")

SAMPLES = 1024
"""Latencies kept a stage: the last minute or two."""

MOST = 1000
"""Characters of a status line; systemd cuts a message at 4096 bytes."""


class Latencies:
    """The newest durations of each stage; written by one thread, read by another."""

    def __init__(self) -> None:
        self._stages: dict[str, deque[float]] = {}

    def add(self, stage: str, seconds: float) -> None:
        """One pass of a stage took so many seconds."""
        samples = self._stages.get(stage)
        if samples is None:
            samples = self._stages[stage] = deque(maxlen=SAMPLES)
        samples.append(seconds)

    def summary(self) -> dict[str, dict[str, float]]:
        """Milliseconds of each stage: ``{"recognize": {"p50": 8.1, "p99": 14.0}}``."""
        table = {}
        for stage, samples in list(self._stages.items()):
            p50, p99 = np.percentile(np.array(samples.copy()) * 1e3, (50, 99))
            table[stage] = {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}
        return table


class Rate:
    """How often something happened lately: counts over a sliding window of monotonic seconds."""

    def __init__(self, window: float = 5.0) -> None:
        self._window = window
        self._marks: deque[tuple[float, int]] = deque()

    def update(self, now: float, total: int) -> float:
        """Told a total that grows; gives the rate a second over the window."""
        self._marks.append((now, total))
        while len(self._marks) > 2 and now - self._marks[0][0] > self._window:
            self._marks.popleft()
        then, before = self._marks[0]
        return (total - before) / (now - then) if now > then else 0.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """A thread and how long it may go without progress. ``progress`` gives monotonic nanoseconds."""

    name: str
    progress: Callable[[], int]
    seconds: float


def overdue(deadlines: tuple[Deadline, ...], now_ns: int) -> Deadline | None:
    """The first thread without progress for longer than it may, or None."""
    for deadline in deadlines:
        if now_ns - deadline.progress() > deadline.seconds * 1e9:
            return deadline
    return None


class Notifier:
    """sd_notify(3): tells systemd READY, STATUS, RELOADING, WATCHDOG, STOPPING. Without systemd, silent."""

    def __init__(self, address: str | None = None) -> None:
        """``address``: the socket; by default ``$NOTIFY_SOCKET``."""
        self._address = os.environ.get("NOTIFY_SOCKET") if address is None else address
        self._status = ""

    def ready(self) -> None:
        """The service runs."""
        self._send("READY=1")

    def reloading(self, now_ns: int) -> None:
        """The settings are read again; ``ready`` follows. ``now_ns``: on CLOCK_MONOTONIC."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now_ns // 1000}")

    def alive(self) -> None:
        """Every thread makes progress."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """The service ends in order."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``; sent when it differs."""
        text = " | ".join(text.splitlines())
        text = text if len(text) <= MOST else f"{text[: MOST - 1]}\N{HORIZONTAL ELLIPSIS}"
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
                connection.setblocking(False)
                connection.sendto(message.encode(), address)
        except OSError as error:
            log.debug("systemd was not told %s: %s", message.partition("=")[0], error)


def stats(
    *,
    uptime: float,
    loop: Mapping[str, Any],
    latencies: Latencies,
    camera: Mapping[str, int],
    recognizers: Mapping[str, Mapping[str, int]],
    trackers: Mapping[str, Mapping[str, int]],
    sinks: Mapping[str, Mapping[str, Any]],
    parked: Mapping[str, int],
    versions: Mapping[str, str],
    warnings: tuple[str, ...],
    commands: Mapping[str, int] | None = None,
    machine: Mapping[str, Any],
    restarts: int,
) -> dict[str, Any]:
    """The fields of the ``stats`` topic: every counter of every bound, rates, latencies, and what
    ``edge.pace.Pace.fields`` says of the machine."""
    return {
        "uptime_s": round(uptime, 1),
        "camera": dict(camera),
        "loop": dict(loop),
        "latency_ms": latencies.summary(),
        "recognizers": {name: dict(counters) for name, counters in recognizers.items()},
        "trackers": {name: dict(counters) for name, counters in trackers.items()},
        "commands": dict(commands or {}),
        "outbox": dict(sinks.get("mqtt", {})),
        "parked": dict(parked),
        "sinks": {name: dict(counters) for name, counters in sinks.items() if name != "mqtt"},
        **machine,
        "restarts": restarts,
        "versions": dict(versions),
        "warnings": list(warnings),
    }
