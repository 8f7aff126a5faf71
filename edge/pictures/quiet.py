"""Keeps OpenCV's and FFmpeg's own lines off standard error."""

from __future__ import annotations

import os
from typing import Any

import cv2


def silence() -> None:
    """Call it before a driver or codec is used. What the person has set in the environment wins."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET; read at FFmpeg's first use
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # Up to OpenCV 4 the function is in cv2 itself, from 5 in cv2.utils.logging.
        logging: Any = getattr(cv2.utils, "logging", cv2)
        logging.setLogLevel(0)
