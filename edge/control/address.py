"""Where the run socket lies: its name, the listening end in place of a stale one, a way around long paths."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

NAME = "control.sock"

QUEUE = 64
"""Connections that wait in the kernel; who comes then is told to try again."""


def listen(folder: Path) -> socket.socket:
    """A listening socket in ``folder``, in place of one that an earlier process left.

    Raises ``OSError``, also where one is in use: two services must not share a run-time directory.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with nearby(folder) as near:
        if _answers(near / NAME):
            raise FileExistsError(0, "another process listens there")
        beside = near / f".{NAME}.{os.getpid()}"
        beside.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            listener.bind(str(beside))
            beside.chmod(0o660)  # nobody can connect before it listens
            listener.listen(QUEUE)
            beside.replace(near / NAME)
        except OSError:
            listener.close()
            raise
    return listener


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as knock:
        try:
            knock.connect(str(path))
        except BlockingIOError:  # so many wait there that we would have to
            return True
        except OSError:
            return False
    return True


@contextlib.contextmanager
def nearby(folder: Path) -> Iterator[Path]:
    """``folder`` under a short name: the address of a socket has 107 bytes at most."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
