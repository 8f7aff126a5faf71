"""The daemon as the demo's child: how its end is told."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from edge.demo.service import Service
from edge.errors import ConfigError, FaultError


def wait_for_end(service: Service) -> None:
    until = time.monotonic() + 20
    while service.running and time.monotonic() < until:
        time.sleep(0.05)


def test_wrong_settings_are_told_in_one_line(tmp_path: Path) -> None:
    service = Service({"camera": {"zoom": 3}}, tmp_path)
    service.start()
    with pytest.raises(ConfigError) as raised:
        wait_for_end(service)
    message = str(raised.value)
    assert message.startswith("the service ended with exit 78; ")
    assert "camera.zoom" in message
    assert "\n" not in message


def test_a_killed_service_is_a_fault(tmp_path: Path) -> None:
    service = Service({"camera": {"source": "demo"}, "mqtt": {"port": 1}}, tmp_path)
    service.start()
    assert service.running
    assert service._child is not None
    os.kill(service._child.pid, signal.SIGKILL)
    with pytest.raises(FaultError, match="signal 9"):
        wait_for_end(service)


def test_unstarted_it_neither_runs_nor_needs_an_end(tmp_path: Path) -> None:
    service = Service({}, tmp_path)
    assert not service.running
    service.stop()
    service.kill()
