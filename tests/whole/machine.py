"""A systemd of its own for a test, as process 1 of new namespaces: see boot.sh."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BOOT = Path(__file__).with_name("boot.sh")
TRIAL = "/etc/systemd/system/trial.target"
"""What it boots into; a test may give it other needs."""


class Machine:
    """Boots over the files of this machine, with the units of systemd/ installed and edge in /opt/edge."""

    def __init__(self, folder: Path, *, environment: Path, files: dict[str, str]) -> None:
        """``environment``, a folder, is moved to /opt/edge; ``files``: texts by their absolute path."""
        self._folder = folder
        for name in ("files", "memory", "root"):
            (folder / name).mkdir()
        environment.rename(folder / "edge")
        for path, text in {TRIAL: "[Unit]\nDefaultDependencies=no\n", **files}.items():
            file = folder / "files" / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        unified = Path("/sys/fs/cgroup/unified")
        self._cgroup = (unified if unified.is_dir() else unified.parent) / f"edge-test-{os.getpid()}"

    def start(self) -> Machine:
        """Boots, and waits until the manager answers."""
        self._cgroup.mkdir()
        self._process = subprocess.Popen([BOOT, self._folder, self._cgroup])
        until = time.monotonic() + 30
        while self.run("systemctl", "is-active", "--quiet", "trial.target").returncode:
            assert self._process.poll() is None, f"systemd did not start: {self.log()}"
            assert time.monotonic() < until, f"systemd does not answer: {self.log()}"
            time.sleep(0.1)
        return self

    def run(self, *command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command inside. ``unshare`` is our child, and systemd is its."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        first = children[0] if children else "0"
        enter = ["nsenter", f"--target={first}", "--all", "--root", "--wd", "--", *command]
        return subprocess.run(enter, capture_output=True, text=True, check=False, timeout=seconds)

    def write(self, path: str, text: str) -> None:
        """Writes a file inside, and its folder."""
        done = self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"', "sh", path, text)
        assert done.returncode == 0, done.stderr

    def show(self, unit: str, key: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", f"--property={key}", "--value", unit).stdout.strip()

    def log(self) -> str:
        """The end of what the manager and the services wrote."""
        texts = (path.read_text("utf-8", "replace") for path in self._folder.glob("*.log"))
        return "\n".join(text[-3000:] for text in texts)

    def stop(self) -> None:
        """Ends it and all that runs in it."""
        self._process.kill()
        self._process.wait()
        until = time.monotonic() + 5
        while self._cgroup.exists() and time.monotonic() < until:
            # Deepest first; one that still has a dying process goes in the next round.
            for path in sorted((*self._cgroup.rglob("*/"), self._cgroup), reverse=True):
                with contextlib.suppress(OSError):
                    path.rmdir()
            time.sleep(0.05)
