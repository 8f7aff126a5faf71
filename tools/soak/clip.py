"""A short video file of the drawn scene, to be played again and again."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.clock import SystemClock

FPS = 10

EMPTY = 160
"""Grey level of an empty frame."""


def write_clip(path: Path, frames: int, size: tuple[int, int] = (640, 480), blink: int = 0) -> Path:
    """An AVI (Motion JPEG) of so many frames of the scene, ``size`` (width, height), ``FPS`` a second.

    ``blink``: after so many frames as many are empty, so that all digits come and go; 0: never.
    """
    source = open_source(CameraSettings(source="demo", fps=FPS, size=size), SystemClock())
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), FPS, size)
    if not writer.isOpened():
        raise RuntimeError(f"{path}: OpenCV cannot write a video there")
    source.open()
    try:
        for number in range(frames):
            frame = source.read()
            assert frame is not None, "the scene has no end"
            empty = blink and number // blink % 2
            writer.write(np.full_like(frame.image, EMPTY) if empty else frame.image)
    finally:
        source.close()
        writer.release()
    return path
