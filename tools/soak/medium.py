"""A small disk that can be filled, emptied and made read-only while a service lives on it.

As root it is a tmpfs of its own. Otherwise the errors are injected, and ``words`` say so: the kernel's limit
on the size of files, set from outside, instead of a full disk; a folder without the right to write instead
of a read-only one.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from pathlib import Path

SIZE = 1_048_576
"""Bytes of the tmpfs."""

LIMIT = 4096
"""Bytes that no file may exceed, where that stands for a full disk: less than the write-ahead log has."""


class Medium:
    """``folder`` lies on it. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = os.geteuid() == 0
        self._mounted = False

    @property
    def words(self) -> str:
        """How it is done, for the report."""
        if self.root:
            return f"a tmpfs of {SIZE // 1024} KiB"
        return "not root, so errors are injected: a limit on file sizes, a folder without the right to write"

    def __enter__(self) -> Medium:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.root:
            _mount("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(self.folder))
            self._mounted = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        else:
            self.folder.chmod(0o700)

    def fill(self, pid: int) -> None:
        """No room for another byte, for the process ``pid``."""
        if not self.root:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
            return
        ballast = os.open(self.folder / "ballast", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            for size in (65536, 4096, 1):
                _write_all(ballast, size)
        finally:
            os.close(ballast)

    def empty(self, pid: int) -> None:
        """Room again."""
        if self.root:
            (self.folder / "ballast").unlink()
        else:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def protect(self) -> None:
        """Read-only. Where a file is open for writing, that is refused; so: before the process starts."""
        if self.root:
            _mount("-o", "remount,ro", str(self.folder))
        else:
            self.folder.chmod(0o500)

    def release(self) -> None:
        """Writable again."""
        if self.root:
            _mount("-o", f"remount,rw,size={SIZE}", str(self.folder))
        else:
            self.folder.chmod(0o700)


def _write_all(file: int, size: int) -> None:
    try:
        while os.write(file, b"\0" * size):
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"mount: {done.stderr.strip()}; as another user than root, errors are injected instead"
        )
