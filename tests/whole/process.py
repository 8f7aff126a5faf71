"""The real daemon in a process of its own, and a real subscriber."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def eventually(check: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether ``check`` becomes true in time."""
    until = time.monotonic() + seconds
    while not (held := check()) and time.monotonic() < until:
        time.sleep(0.05)
    return held


class Edge:
    """``edge run`` with settings of the test; everything that it writes lies in ``folder``."""

    def __init__(self, folder: Path, port: int, **sections: Any) -> None:
        settings: dict[str, Any] = {
            "device": {"name": "test"},
            "camera": {"source": "demo", "fps": 15},
            "mqtt": {"host": "127.0.0.1", "port": port, "reconnect_first": 0.2, "reconnect_most": 1.0},
            "stats": {"interval": 1},
            "state": {"folder": str(folder / "state")},
        }
        for name, section in sections.items():
            settings[name] = {**settings.get(name, {}), **section} if isinstance(section, dict) else section
        self.config = folder / "edge.yaml"
        self.config.write_text(json.dumps(settings))  # JSON is YAML
        self.command = [sys.executable, "-m", "edge", "run", "-c", str(self.config)]
        self._log = folder / "edge.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, stdout: int = subprocess.DEVNULL, **environment: str) -> Edge:
        """Begins; comes back at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT, stdout=stdout, stderr=log, env={**os.environ, **environment},
            )  # fmt: skip
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The child."""
        assert self._process is not None, "it was never started"
        return self._process

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; gives the exit code and the seconds until then."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        return code, time.monotonic() - begun

    def wait(self, seconds: float = 20.0) -> int:
        """Waits for the end; gives the exit code."""
        return self.process.wait(seconds)

    @property
    def log(self) -> str:
        """What it said."""
        return self._log.read_text()

    def close(self) -> None:
        """Ends it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(10)


@contextmanager
def listening(port: int, topic: str = "edge/#", seconds: int = 60) -> Iterator[list[tuple[str, str]]]:
    """mosquitto_sub's (topic, payload), growing while the block runs; subscribed when it begins."""
    child = subprocess.Popen(
        ["mosquitto_sub", "-p", str(port), "-t", topic, "-t", "ready/#", "-v", "-q", "1", "-W", str(seconds)],
        stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    heard: list[tuple[str, str]] = []

    def read() -> None:
        assert child.stdout is not None
        for line in child.stdout:
            name, _, payload = line.rstrip("\n").partition(" ")
            heard.append((name, payload))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        assert eventually(lambda: _knock(port) and ("ready/now", "1") in heard), "mosquitto_sub hears nothing"
        yield heard
    finally:
        child.terminate()
        child.wait(5)
        thread.join(5)
        if child.stdout:
            child.stdout.close()


def _knock(port: int) -> bool:
    done = subprocess.run(
        ["mosquitto_pub", "-p", str(port), "-t", "ready/now", "-m", "1"], check=False, capture_output=True
    )
    return done.returncode == 0


def retained(port: int, topic: str) -> str | None:
    """What the broker keeps for a topic."""
    done = subprocess.run(
        ["mosquitto_sub", "-p", str(port), "-t", topic, "-C", "1", "-W", "2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.rstrip("\n") or None
