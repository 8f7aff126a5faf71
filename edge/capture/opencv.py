"""Cameras, video files and streams through OpenCV: the one module with ``cv2.VideoCapture``."""

from __future__ import annotations

import logging
import math
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np

from edge.capture.plain import Plain
from edge.capture.settings import CameraSettings, redact
from edge.capture.stamp import Stamp
from edge.capture.v4l2 import grant, wishes
from edge.clock import Clock
from edge.errors import UnavailableError
from edge.pictures.quiet import silence
from edge.records import Frame, Image

PORTS = {"rtsp": 554, "http": 80, "https": 443}
DIAGNOSIS = 2.0
"""Seconds to find out why a stream did not open."""

GLANCE = 0.5
"""Seconds for a look whether it is back."""

NO_VIDEO = "the host answers, but gives no video; check path, user name and password"
CABLES = "check cable, power supply and network"

log = logging.getLogger("edge.capture")


def _prepare(read_timeout: float) -> None:
    """Sets what the drivers read from the environment at their first use, unless the person has set it."""
    silence()
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(math.ceil(read_timeout)))


class _Capture(Plain):
    """A ``cv2.VideoCapture`` with what all three sources have in common."""

    def __init__(self, settings: CameraSettings, clock: Clock, name: str) -> None:
        self.name = name
        self._settings = settings
        self._clock = clock
        self._stamp = Stamp(clock)
        self._capture: cv2.VideoCapture | None = None
        self._corrupt = 0

    def close(self) -> None:
        """Releases the device, file or connection."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def counters(self) -> dict[str, int]:
        """``corrupt``: frames that could not be decoded."""
        return {"corrupt": self._corrupt}

    def _opened(self) -> cv2.VideoCapture:
        if self._capture is None:
            raise UnavailableError(f"{self.name}: not open")
        return self._capture

    def _open_with_ffmpeg(self, address: str) -> bool:
        _prepare(self._settings.read_timeout)
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            int(self._settings.open_timeout * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            int(self._settings.read_timeout * 1000),
        ]
        return self._hold(cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts))

    def _hold(self, capture: cv2.VideoCapture) -> bool:
        self.close()
        if capture.isOpened():
            self._capture = capture
        return self._capture is not None

    def _picture(self, capture: cv2.VideoCapture) -> Image | None:
        """The grabbed frame in BGR; None where it is corrupt, which is counted."""
        _, image = capture.retrieve()
        if (
            image is None
            or image.dtype != np.uint8
            or image.ndim != 3
            or image.shape[2] != 3
            or not image.size
        ):
            self._corrupt += 1
            return None
        return image  # type: ignore[return-value]


class FileSource(_Capture):
    """A video file, at its own rate."""

    live = False

    def __init__(self, settings: CameraSettings, clock: Clock, path: Path) -> None:
        super().__init__(settings, clock, str(path))
        self.rate = settings.fps
        self._path = Path(os.path.expanduser(path))  # of an unknown user it stays as it is
        self._given = 0
        self._expected = 0.0
        self._told = False

    def open(self) -> None:
        """Raises ``UnavailableError`` for what is missing, empty, or no video."""
        _check_file(self._path)
        if not self._open_with_ffmpeg(str(self._path)):
            raise UnavailableError(
                f"{self.name}: no video that can be read, or a truncated one",
                "see what `ffprobe FILE` says of it",
            )
        capture = self._opened()
        rate = capture.get(cv2.CAP_PROP_FPS)
        self.rate = rate if 0.1 <= rate <= 240 else self._settings.fps
        self._expected = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._given = 0

    def read(self) -> Frame | None:
        """The next frame that can be decoded; None at the end."""
        capture = self._opened()
        while capture.grab():
            image = self._picture(capture)
            if image is not None:
                self._given += 1
                return self._stamp(image)
        if not self._given:
            raise UnavailableError(
                f"{self.name}: no frame can be decoded", "the file is truncated or damaged"
            )
        # The count of some containers is an estimate.
        if self._given < 0.9 * self._expected and not self._told:
            self._told = True
            log.warning("%s: ended after %d of %d frames; truncated?", self.name, self._given, self._expected)
        return None


class _LiveCapture(_Capture):
    """Light of this moment. What comes faster than ``camera.fps`` is received, but not converted."""

    live = True
    rate = 0.0

    def __init__(self, settings: CameraSettings, clock: Clock, name: str) -> None:
        super().__init__(settings, clock, name)
        self._due = 0.0
        self._skipped = 0

    def read(self) -> Frame:
        """The next frame. Raises ``UnavailableError`` when none, or none but corrupt ones, come."""
        capture = self._opened()
        blind_since: float | None = None
        asked = self._now()
        while capture.grab():
            now = self._now()
            if now - asked >= self._settings.read_timeout:
                break  # FFmpeg has given up, and hands out what its decoder still held: old light
            asked = now
            if now < self._due:
                self._skipped += 1
                continue
            image = self._picture(capture)
            if image is not None:
                # Half a period of slack: a camera at just this rate is not quite regular.
                period = 1 / self._settings.fps
                self._due = max(self._due, now - period / 2) + period
                return self._stamp(image)
            blind_since = blind_since or now
            if now - blind_since > self._settings.read_timeout:
                raise UnavailableError(f"{self.name}: only corrupt frames", CABLES)
        raise UnavailableError(f"{self.name}: no more frames", CABLES)

    def counters(self) -> dict[str, int]:
        """Also ``skipped``: frames above the rate that is looked at."""
        return {**super().counters(), "skipped": self._skipped}

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9


class StreamSource(_LiveCapture):
    """``rtsp://`` (by TCP) and ``http(s)://``."""

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        super().__init__(settings, clock, redact(settings.source))

        self._unreachable = False

    def open(self) -> None:
        """Connects, within ``camera.open_timeout``."""
        self._unreachable = False
        if not self._open_with_ffmpeg(self._settings.source):
            why = _why_unreachable(self._settings.source)
            self._unreachable = why != NO_VIDEO
            raise UnavailableError(f"{self.name}: {why}")

    def returned(self) -> bool:
        """Whether a host that did not answer does so now."""
        return self._unreachable and _why_unreachable(self._settings.source, GLANCE) == NO_VIDEO


class CameraSource(_LiveCapture):
    """A V4L2 device."""

    def __init__(self, settings: CameraSettings, clock: Clock, device: Path) -> None:
        super().__init__(settings, clock, str(device))
        self._device = device
        self._missing = False
        self._remarks: tuple[str, ...] = ()

    def open(self) -> None:
        """Takes the device, and asks it for size, rate and controls; it may choose others."""
        self._missing = not self._device.exists()
        _check_device(self._device)
        _prepare(self._settings.read_timeout)
        if not self._hold(cv2.VideoCapture(str(self._device), cv2.CAP_V4L2)):
            raise UnavailableError(
                f"{self.name}: no camera that gives video, or in use by another program",
                "`v4l2-ctl --list-devices` shows the cameras, `fuser` with its path who uses one",
            )
        capture = self._opened()
        told, self._remarks = self._remarks, grant(wishes(self._settings), capture.set, capture.get)
        if self._remarks and self._remarks != told:
            log.warning("%s: %s", self.name, "; ".join(self._remarks))

    def returned(self) -> bool:
        """Whether it has been plugged in since."""
        return self._missing and self._device.exists()

    def remarks(self) -> tuple[str, ...]:
        """What it does otherwise than it was asked to."""
        return tuple(f"camera: {remark}" for remark in self._remarks)


def _check_file(path: Path) -> None:
    try:
        there = path.exists()
    except OSError as error:  # a name too long, for one
        raise UnavailableError(f"{path}: cannot be read: {error.strerror}", "check camera.source") from None
    if not there:
        raise UnavailableError(f"{path}: no such file", "check camera.source")
    if not path.is_file():
        raise UnavailableError(f"{path}: no file", "allowed: a video file")
    if not os.access(path, os.R_OK):
        raise UnavailableError(f"{path}: cannot be read", "check its permissions")
    if not path.stat().st_size:
        raise UnavailableError(f"{path}: empty, 0 bytes", "copy it again")


def _check_device(path: Path) -> None:
    if not path.exists():
        others = sorted(str(other) for other in Path("/dev").glob("video*"))
        hint = (
            f"there are: {', '.join(others)}"
            if others
            else "this machine has no /dev/video*: is the camera connected?"
        )
        raise UnavailableError(f"no camera at {path}", hint)
    if not path.is_char_device():
        raise UnavailableError(f"{path}: no camera device", "allowed: /dev/video0 or its like")
    if not os.access(path, os.R_OK | os.W_OK):
        raise UnavailableError(
            f"no permission for {path}", "add the user to the group video: usermod -aG video USER"
        )


def _why_unreachable(url: str, patience: float = DIAGNOSIS) -> str:
    """FFmpeg tells no reason; the host is asked for one."""
    try:
        parts = urlsplit(url)
        address = parts.hostname or "", parts.port or PORTS[parts.scheme.lower()]
    except ValueError:
        return "not a valid address"
    try:
        socket.create_connection(address, patience).close()
    except TimeoutError:
        return "the host does not answer"
    except OSError as error:
        return f"cannot connect: {error.strerror or error}"
    return NO_VIDEO
