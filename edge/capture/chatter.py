"""Keeps OpenCV's and FFmpeg's own lines off standard error: people get one line, from us."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2

STDERR = 2
"""The file descriptor that C libraries write to."""


def silence() -> None:
    """Call it before a driver or codec is used. What the person has set in the environment wins."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read at FFmpeg's first use
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # Up to OpenCV 4 the function is in cv2 itself, from 5 in cv2.utils.logging.
        logging: Any = getattr(cv2.utils, "logging", cv2)
        logging.setLogLevel(0)


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
