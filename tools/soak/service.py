"""``edge run`` as a process of its own, whose statistics are read from its standard output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.soak.mosquitto import HOST

DEVICE = "soak"

BUSY = {"events": {"cooldown": 0}, "tracking": {"patience": 0.3, "confirm": 0.1}}
"""Settings with which the drawn scene makes many events: digits are told again and again."""


class Service:
    """The whole daemon on the drawn scene, with its state in ``folder``; to be started again and again."""

    def __init__(self, folder: Path, port: int, **sections: Any) -> None:
        """``sections``: of the settings, over those here."""
        settings: dict[str, Any] = {
            "device": {"name": DEVICE},
            "camera": {"source": "demo", "fps": 10},
            "mqtt": {"host": HOST, "port": port},
            "sinks": ["mqtt", "stdout"],
            "stats": {"interval": 1},
            "state": {"folder": str(folder / "state")},
        }
        for name, section in sections.items():
            settings[name] = {**settings.get(name, {}), **section} if isinstance(section, dict) else section
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "edge.yaml"
        self.config.write_text(json.dumps(settings))  # JSON is YAML
        self.stats: deque[dict[str, Any]] = deque(maxlen=3600)
        """The newest ``stats``, each with ``at``, monotonic seconds of its arrival."""
        self.command = [sys.executable, "-m", "edge", "run", "-c", str(self.config)]
        self._log = folder / "edge.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def outbox(self) -> Path:
        """The file of its outbox."""
        return Path(json.loads(self.config.read_text())["state"]["folder"]) / "outbox.db"

    def start(self) -> Service:
        """Begins; comes back at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env={**os.environ},
            )  # fmt: skip
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        return self

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self._process is not None, "it was never started"
        return self._process.pid

    @property
    def log(self) -> str:
        """What it said in all its lives."""
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def newest(self) -> dict[str, Any]:
        """The newest statistics, empty before there are any."""
        return self.stats[-1] if self.stats else {}

    def count(self, name: str) -> int:
        """A counter of the outbox in the newest statistics, -1 before there are any."""
        return int(self.newest().get("outbox", {}).get(name, -1))

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None, "it was never started"
        self._process.kill()
        self._process.wait(10)

    def hang_up(self) -> None:
        """SIGHUP: it reads its settings again."""
        assert self._process is not None, "it was never started"
        self._process.send_signal(signal.SIGHUP)

    def terminate(self, within: float = 20.0) -> tuple[int, float]:
        """SIGTERM; gives the exit code and the seconds until then."""
        assert self._process is not None, "it was never started"
        begun = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(within)
        return code, time.monotonic() - begun

    def close(self) -> None:
        """Ends it, however it is."""
        if self.running:
            self.kill()

    def __enter__(self) -> Service:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if b'/stats"' in line[:200]:
                    self.stats.append({**json.loads(line)["payload"], "at": time.monotonic()})


def rate(service: Service, begin: float, end: float) -> float:
    """Frames a second between two monotonic times, by the counter of frames and their times."""
    inside = [each for each in list(service.stats) if begin <= each["at"] <= end]
    if len(inside) < 2:
        return 0.0
    frames = inside[-1]["loop"]["frames"] - inside[0]["loop"]["frames"]
    seconds = _time(inside[-1]) - _time(inside[0])
    return float(frames / seconds)


def _time(stats: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(stats["time"]).replace("Z", "+00:00")).timestamp()
