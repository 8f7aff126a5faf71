"""A file that is replaced whole or not at all: who reads it sees what it was or what it becomes.

Written beside it and renamed over it (POSIX ``rename``), for nobody's eyes but ours.
"""

from __future__ import annotations

import os
from pathlib import Path


def write(file: Path, content: bytes, *, synced: bool = True) -> None:
    """Puts ``content`` in place of what ``file`` holds, mode 0600.

    ``synced``: it is on the disk when this returns, and outlasts a loss of power; the card pays for that.
    Raises OSError.
    """
    beside = file.with_name(f".{file.name}.new")
    beside.unlink(missing_ok=True)
    # Not through a link or a pipe that somebody has put there.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(beside, flags, 0o600), "wb") as stream:
        stream.write(content)
        if synced:
            stream.flush()
            os.fsync(stream.fileno())
    beside.replace(file)
    if synced:
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
