"""A real mosquitto on a free port of this machine, that tests may stop, kill and freeze."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    """A TCP port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """One broker with persistence. ``start`` again after ``stop`` or ``kill``: same port, same sessions."""

    def __init__(self, folder: Path, *lines: str) -> None:
        """``lines``: further lines of its configuration; anonymous clients are allowed without any."""
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        access = lines or ("allow_anonymous true",)
        text = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            # As root it would give its rights away, and could not write into the test's folder.
            *(("user root",) if os.geteuid() == 0 else ()),
            *access,
        ]
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(text) + "\n")

    def start(self) -> Mosquitto:
        """Runs it, and waits until it listens."""
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise RuntimeError(
                "mosquitto is not installed, and these tests need it: apt-get install mosquitto"
            )
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._config)], stdout=log, stderr=log)
        until = time.monotonic() + 10
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.01)
        raise RuntimeError(f"mosquitto does not listen: {(self._folder / 'mosquitto.log').read_text()}")

    def stop(self) -> None:
        """Ends it in order."""
        self._signal(signal.SIGTERM)
        self._wait()

    def kill(self) -> None:
        """Ends it without warning."""
        self._signal(signal.SIGKILL)
        self._wait()

    def save(self) -> None:
        """Has it write its sessions to disk, as it does by itself a little later."""
        database = self._folder / "mosquitto.db"
        before = database.stat().st_mtime_ns if database.exists() else 0
        self._signal(signal.SIGUSR1)
        until = time.monotonic() + 5
        while (not database.exists() or database.stat().st_mtime_ns == before) and time.monotonic() < until:
            time.sleep(0.01)

    def freeze(self) -> None:
        """It keeps its connections, and says nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self.kill()

    def _signal(self, number: int) -> None:
        assert self._process is not None, "it was never started"
        self._process.send_signal(number)

    def _wait(self) -> None:
        assert self._process is not None, "it was never started"
        self._process.wait(10)
