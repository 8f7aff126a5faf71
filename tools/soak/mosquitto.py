"""A real mosquitto on a free port of this machine, to be stopped, killed and frozen.

It keeps its sessions on disk at every change, or what it loses itself would look like ours. Even so it
acknowledges a message a few milliseconds before that message is on disk: SIGKILLed out of the blue, it lost
an id that it had acknowledged 1 to 4 ms earlier in four of seven runs. So the trials keep new messages from
it, let it save, and freeze it before they kill it: what it then has not acknowledged, it never will.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

HOST = "127.0.0.1"

_KEEPING = ("persistence true", "autosave_on_changes true", "autosave_interval 1")


def free_port() -> int:
    """A TCP port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """One broker with persistence. ``start`` again after ``stop`` or ``kill``: same port, same sessions."""

    def __init__(self, folder: Path, *lines: str, keeps: bool = True) -> None:
        """``lines``: further lines of its configuration; anonymous clients are allowed without any.

        ``keeps``: whether it writes its sessions to disk, which it does anew at every change.
        """
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        access = lines or ("allow_anonymous true",)
        text = [
            f"listener {self.port} {HOST}",
            *(_KEEPING if keeps else ()),
            f"persistence_location {folder}/",
            # As root it would give its rights away, and could not write into the folder.
            *(("user root",) if os.geteuid() == 0 else ()),
            *access,
        ]
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "mosquitto.conf"
        self._config.write_text("\n".join(text) + "\n")

    def start(self) -> Mosquitto:
        """Runs it, and waits until it listens."""
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise RuntimeError("mosquitto is not installed, and this needs it: apt-get install mosquitto")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._config)], stdout=log, stderr=log)
        until = time.monotonic() + 20
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.port)) == 0:
                    return self
            time.sleep(0.01)
        raise RuntimeError(f"mosquitto does not listen: {self.log}")

    @property
    def log(self) -> str:
        """What it said."""
        return (self._folder / "mosquitto.log").read_text("utf-8", "replace")

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

    def reload(self) -> None:
        """Has it read its access lists again."""
        self._signal(signal.SIGHUP)

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

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _signal(self, number: int) -> None:
        assert self._process is not None, "it was never started"
        self._process.send_signal(number)

    def _wait(self) -> None:
        assert self._process is not None, "it was never started"
        self._process.wait(10)
