"""The pipe: frames from the standard output of a program, which is started, watched, and killed."""

from __future__ import annotations

import logging
import threading
import time

from edge.capture.pipe_child import Child
from edge.capture.pipe_command import program
from edge.capture.pipe_frames import Framing, JpegFraming, RawFraming
from edge.capture.plain import Plain
from edge.capture.settings import CameraSettings, redact
from edge.capture.stamp import Stamp
from edge.clock import Clock
from edge.errors import ConfigError, UnavailableError
from edge.records import Frame

log = logging.getLogger("edge.capture")


class PipeSource(Plain):
    """A live ``Source``: ``rpicam``, ``gst`` or ``command``.

    A child that gives no whole frame for ``camera.read_timeout`` seconds (its first one:
    ``camera.open_timeout``) is given up, killed by ``close()``, and started anew by the next
    ``open()``. A driver that hangs so costs a child, not this process.
    """

    live = True
    rate = 0.0

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        """Raises ``ConfigError`` for a text, size or format that cannot be."""
        self._program = program(settings)
        self.name = self._program.shown
        self._settings = settings
        self._clock = clock
        self._stamp = Stamp(clock)
        made = self._program.layout
        if made and made.size[0] * made.size[1] > settings.max_pixels:
            raise ConfigError(
                f"camera.size: {made.size[0]} x {made.size[1]} are more pixels than camera.max_pixels",
                f"allowed: {settings.max_pixels} pixels",
            )
        self._framing: Framing = RawFraming(made) if made else JpegFraming(settings.max_pixels)
        self._child: Child | None = None
        self._stuck: Child | None = None
        self._interrupted = threading.Event()
        self._given = False
        self._due = 0.0
        self._short = 0
        self._skipped = 0
        self._killed = 0

    def open(self) -> None:
        """Starts the program."""
        self.close()
        if self._stuck and not self._stuck.kill():
            raise UnavailableError(
                f"{self.name}: process {self._stuck.process_id} hangs in a driver and cannot be killed",
                "only a restart of the device helps",
            )
        self._stuck = None
        self._framing.reset()
        self._given, self._due = False, 0.0
        self._child = Child(self._program.argv(), self.name)
        log.debug("%s: process %d", self.name, self._child.process_id)

    def read(self) -> Frame:
        """The next frame that is due and can be decoded. Raises ``UnavailableError``."""
        child = self._child
        if child is None:
            raise UnavailableError(f"{self.name}: not open")
        patience = self._settings.read_timeout if self._given else self._settings.open_timeout
        until = time.monotonic() + patience
        while True:
            self._await_whole(child, until, patience)
            if self._early():
                self._skipped += 1
                self._framing.take(wanted=False)
                until = time.monotonic() + patience
                continue
            image = self._framing.take(wanted=True)
            if image is not None:
                self._given = True
                return self._stamp(image)
            if time.monotonic() > until:
                raise UnavailableError(
                    f"{self.name}: only corrupt frames", "does camera.format fit what the program sends?"
                )

    def close(self) -> None:
        """Ends the program and all that it started."""
        child, self._child = self._child, None
        if child is not None and not child.kill():
            self._stuck = child

    def interrupt(self) -> None:
        """A ``read()`` in progress comes back at once, and so does every later one."""
        self._interrupted.set()

    def counters(self) -> dict[str, int]:
        """``corrupt``: frames that were short or could not be decoded; ``skipped``: above the rate that is
        looked at; ``killed``: programs that gave no frames."""
        corrupt = self._short + self._framing.left_out()
        return {"corrupt": corrupt, "skipped": self._skipped, "killed": self._killed}

    def _await_whole(self, child: Child, until: float, patience: float) -> None:
        """Reads until a frame is whole."""
        framing = self._framing
        while True:
            # Also where bytes never fail to come: a program may send garbage faster than it can be sifted.
            if self._interrupted.is_set():
                raise UnavailableError(f"{self.name}: interrupted")
            if framing.ready:
                return
            with framing.room() as room:
                count = child.read(room, until, self._interrupted.is_set)
            if count == 0:
                self._short += framing.begun > 0
                raise UnavailableError(redact(f"process exited: {child.last_words()}"), self._doubt())
            if count and framing.wrote(count):
                return
            if time.monotonic() > until and not self._interrupted.is_set():
                self._killed += 1
                raise UnavailableError(f"{self.name}: no frames for {patience:g} s", self._doubt())

    def _early(self) -> bool:
        """Whether this frame is above the rate that is looked at."""
        now = self._clock.monotonic_ns() / 1e9
        if now < self._due:
            return True
        # Half a period of slack: a camera at just this rate is not quite regular.
        period = 1 / self._settings.fps
        self._due = max(self._due, now - period / 2) + period
        return False

    def _doubt(self) -> str:
        """What a person may have got wrong, where nothing has come yet."""
        begun, made = self._framing.begun, self._program.layout
        if self._given or not begun:
            return ""
        if made is None:
            return "no JPEG in what it sends: does camera.format fit?"
        return f"{begun} of a frame's {made.bytes} bytes came: do camera.size and camera.format fit?"
