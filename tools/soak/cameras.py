"""Cameras that can be stopped, exchanged and killed, made of real programs.

One is a FIFO into which a real ffmpeg writes JPEG after JPEG, and which the daemon reads as a pipe;
exchanging ffmpeg for another is what happens to a camera in mid-stream. The other is a real RTSP server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

MOVING = "testsrc2=size=320x240:rate=15,noise=alls=12:allf=t"
"""A picture of ffmpeg's lavfi that moves and has a camera's noise."""

PACKAGES = (
    "python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-rtsp "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly"
)


class Fifo:
    """A camera by ffmpeg, one at a time. The FIFO itself never ends. Use as a context manager."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._kept = os.open(path, os.O_RDWR)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def camera(self) -> dict[str, Any]:
        """The section of the settings that reads it."""
        return {"source": f"command: cat {self.path}", "format": "mjpeg"}

    def show(self, picture: str, *how: str) -> None:
        """From now on this lavfi picture comes; in between nothing, or half a frame."""
        program = shutil.which("ffmpeg")
        if program is None:
            raise RuntimeError("ffmpeg is not installed, and this needs it: apt-get install ffmpeg")
        self.stop()
        begin = [program, "-v", "error", "-y", "-re", "-f", "lavfi", "-i", picture]
        self._child = subprocess.Popen(
            [*begin, *how, "-f", "mjpeg", str(self.path)], stdin=subprocess.DEVNULL
        )

    def stop(self) -> None:
        """No more frames."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def close(self) -> None:
        """Ends it."""
        self.stop()
        os.close(self._kept)

    def __enter__(self) -> Fifo:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RtspCamera:
    """A child that serves ``url``: H.264 over TCP. Use as a context manager."""

    def __init__(self, port: int = 0) -> None:
        """``port``: 0: a free one. Raises ``RuntimeError`` where the machine lacks what it needs."""
        self.port = port
        self.begin()

    @property
    def url(self) -> str:
        """Of its video."""
        return f"rtsp://127.0.0.1:{self.port}/video"

    def begin(self) -> None:
        """Serves, also again after ``end``: the same address."""
        command = ["/usr/bin/python3", str(Path(__file__).with_name("rtsp_camera.py")), str(self.port)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.child.stdout is not None
        told = self.child.stdout.readline()
        if not told:
            why = self.child.communicate()[1].strip().rpartition("\n")[2]
            raise RuntimeError(
                f"there is no RTSP server, and this needs one: apt-get install {PACKAGES} ({why})"
            )
        self.port = int(told)

    def end(self) -> None:
        """At once, as by a cut of its power."""
        self.child.kill()
        self.child.communicate()

    def __enter__(self) -> RtspCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
