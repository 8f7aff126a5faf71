"""Deadlines, latencies, rates, and what systemd hears."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.health import Deadline, Latencies, Notifier, Rate, overdue


def test_the_first_overdue_thread_is_named() -> None:
    deadlines = (Deadline("loop", lambda: 9_000_000_000, 2), Deadline("delivery", lambda: 1_000_000_000, 5))
    assert overdue(deadlines, 6_000_000_000) is None
    late = overdue(deadlines, 7_000_000_000)
    assert late is not None
    assert late.name == "delivery"


def test_latencies_tell_median_and_tail() -> None:
    latencies = Latencies()
    for _ in range(98):
        latencies.add("recognize", 0.010)
    latencies.add("recognize", 0.5)
    latencies.add("recognize", 0.5)
    summary = latencies.summary()["recognize"]
    assert summary["p50"] == pytest.approx(10)
    assert summary["p99"] == pytest.approx(500)


def test_latencies_are_bounded() -> None:
    latencies = Latencies()
    for _ in range(5000):
        latencies.add("track", 1.0)
    for _ in range(1024):
        latencies.add("track", 0.001)
    assert latencies.summary()["track"]["p99"] == pytest.approx(1)


def test_rate_follows_the_window() -> None:
    rate = Rate(window=5)
    for second in range(21):
        fast = rate.update(second, 10 * second)
    assert fast == pytest.approx(10)
    for second in range(21, 40):
        slow = rate.update(second, 200)
    assert slow == 0


def test_systemd_hears_what_happens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(2)
        notifier = Notifier(str(tmp_path / "notify"))
        notifier.ready()
        notifier.status("camera ok")
        notifier.status("camera ok")
        notifier.alive()
        notifier.stopping()
        heard = [server.recv(256).decode() for _ in range(4)]
    assert heard == ["READY=1", "STATUS=camera ok", "WATCHDOG=1", "STOPPING=1"]


def test_systemd_hears_that_settings_are_read_and_a_status_of_one_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(2)
        notifier = Notifier(str(tmp_path / "notify"))
        notifier.reloading(12_345_678_999)
        notifier.status("edge.yaml:1: a\nedge.yaml:2: b\nREADY=1")
        notifier.status("x" * 100_000)
        heard = [server.recv(8192).decode() for _ in range(3)]
    assert heard[0] == "RELOADING=1\nMONOTONIC_USEC=12345678"
    assert heard[1] == "STATUS=edge.yaml:1: a | edge.yaml:2: b | READY=1"
    assert len(heard[2]) < 1100


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    Notifier(str(tmp_path / "nobody")).ready()
    Notifier("").ready()
