"""The real daemon as a child process, with settings and state in a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.errors import ConfigError, EdgeError, FaultError, UnavailableError

STOP_WITHIN = 8.0
"""Seconds after SIGTERM; the daemon itself promises five."""
TOLD = 3
"""Lines of the daemon's log that an error shows."""


class Service:
    """``edge run`` on given settings."""

    def __init__(self, settings: Mapping[str, Any], folder: Path) -> None:
        """``settings``: as in the file, JSON-able; ``folder``: for file, state and log."""
        self._log = folder / "edge.log"
        file = folder / "edge.yaml"
        # JSON is YAML.
        file.write_text(json.dumps({**settings, "state": {"folder": str(folder)}}, indent=2), "utf-8")
        self._command = [sys.executable, "-m", "edge", "run", "-c", str(file)]
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process and comes back at once."""
        with self._log.open("wb") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def running(self) -> bool:
        """Whether it runs. Raises the error that it ended with, if it did not end in order."""
        if self._child is None or self._child.poll() is None:
            return self._child is not None
        if self._child.returncode != 0:
            raise self._failure(self._child.returncode)
        return False

    def stop(self) -> None:
        """Ends it in order. Raises what it failed with, or ``FaultError`` after killing it."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.terminate()
        try:
            code = self._child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise FaultError(
                f"the service did not end within {STOP_WITHIN:g} s of SIGTERM", self._last()
            ) from None
        if code:
            raise self._failure(code)

    def kill(self) -> None:
        """Ends it at once, whatever it does."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()

    def _failure(self, code: int) -> EdgeError:
        kinds: dict[int, type[EdgeError]] = {
            UnavailableError.exit_code: UnavailableError,
            ConfigError.exit_code: ConfigError,
        }
        how = f"exit {code}" if code > 0 else f"signal {-code}"
        return kinds.get(code, FaultError)(f"the service ended with {how}", self._last())

    def _last(self) -> str:
        """The end of its log as one line; where it ended with an error, that is its last line."""
        lines = self._log.read_text("utf-8", "replace").splitlines()
        if lines and lines[-1].startswith("edge: "):
            return lines[-1].removeprefix("edge: ")
        return " | ".join(line.strip() for line in lines[-TOLD:]) or "it wrote nothing"
