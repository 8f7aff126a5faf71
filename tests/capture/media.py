"""Real files and a real stream for the tests of the sources."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from edge.records import Image

SIZE = (64, 48)


def flat(level: int, size: tuple[int, int] = SIZE) -> Image:
    """A picture of one grey level, which survives compression and names the frame."""
    return np.full((size[1], size[0], 3), level, np.uint8)


def write_video(path: Path, frames: int = 12, fps: float = 25.0) -> Path:
    """An AVI (Motion JPEG) whose frame ``n`` has the grey level ``20 * n``."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, SIZE)
    assert writer.isOpened()
    for number in range(frames):
        writer.write(flat(20 * number))
    writer.release()
    return path


def frame_number(image: Image) -> int:
    """Which frame of ``write_video`` this is."""
    return round(float(image.mean()) / 20)


def ffmpeg(*arguments: str) -> None:
    """Runs the real ffmpeg."""
    assert shutil.which("ffmpeg"), "these tests need ffmpeg: apt install ffmpeg"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, timeout=30)


def jpeg(image: Image) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()


class MjpegServer:
    """An IP camera: Motion JPEG over HTTP, 50 frames a second, each one ``picture(number)`` as it is.

    ``frozen`` stops the frames and keeps the connections.
    """

    def __init__(self, port: int = 0, picture: Callable[[int], bytes] | None = None) -> None:
        self.frozen = threading.Event()
        self._picture = picture or (lambda number: jpeg(flat(number % 250)))
        self._stopping = threading.Event()
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.serve(self)

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = False
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/video"

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.path != "/video":
            handler.send_error(404)
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        number = 0
        while not self._stopping.wait(0.02):
            if self.frozen.is_set():
                continue
            data = self._picture(number)
            number += 1
            try:
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                handler.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes the port and all connections."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def eventually(check: Callable[[], object], within: float = 10.0) -> None:
    """Waits until ``check`` holds."""
    until = time.monotonic() + within
    while not check():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.02)
