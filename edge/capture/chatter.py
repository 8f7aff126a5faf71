"""Keeps the libraries' own lines off standard error: people get one line, from us."""

from __future__ import annotations

import faulthandler
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
"""The file descriptor that C libraries write to."""

HARMLESS = 256
"""Bytes that a camera may pad its frames with."""

_DIVERTED: list[int] = []
"""Where that leads to, once it is diverted; for the process."""


def divert() -> None:
    """From now on only Python's own lines, and its last ones at a crash, reach standard error.

    libjpeg writes a line for each damaged frame and cannot be told not to: for a camera with a bad cable
    that would be a million a day. What libraries write goes into a pipe that keeps the first of
    it and never makes them wait; ``damaged`` reads it.
    """
    if sys.stderr is None or _DIVERTED:
        return
    sys.stderr.flush()
    kept = os.fdopen(os.dup(STDERR), "w", 1, encoding=sys.stderr.encoding, errors="backslashreplace")
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    os.dup2(writer, STDERR)
    os.close(writer)
    sys.stderr = kept
    faulthandler.enable(kept)
    _DIVERTED.append(reader)


def damaged() -> bool:
    """Whether libjpeg has complained of the data since the last call; never where nothing is diverted.

    A few bytes between the data and its end do no harm, and some cameras send them with each frame; many
    are what is left where the decoder has lost its way.
    """
    said = b""
    for reader in _DIVERTED:
        try:
            said = os.read(reader, 1 << 16)
        except BlockingIOError:
            continue
    return any(_tells_of_damage(line) for line in said.splitlines())


def _tells_of_damage(line: bytes) -> bool:
    left = re.search(rb"(\d+) extraneous bytes", line)
    return b"JPEG" in line and (left is None or int(left[1]) > HARMLESS)


@contextmanager
def held_back() -> Iterator[None]:
    """Nothing reaches standard error meanwhile, also not what libpng and libjpeg write there themselves.

    Only for a process of one thread: it would hold back the others' lines, too.
    """
    if sys.stderr is None:  # closed by whoever started us
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
