"""The whole service: the order in which its parts start and end, its signals, its deadlines.

Threads, each with a deadline: ``capture`` owns the device, ``loop`` everything from frame to event,
``delivery`` (and paho's own) the way to the broker; the main thread has signals, watchdog and
statistics. They meet in the slot, the outbox, the board and the queue of commands, and nowhere else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from types import FrameType

from edge import __version__
from edge.bulletin import Bulletin
from edge.clock import Clock, SystemClock
from edge.errors import HungError, UnavailableError
from edge.health import Deadline, Notifier, overdue
from edge.parts import Parts
from edge.settings.compose import Settings

log = logging.getLogger("edge.daemon")

TURN = 0.25
"""Seconds between two looks of the main thread at everybody's health."""

STOP_WITHIN = 4.0
"""Seconds for the whole end: systemd and people wait at most five."""


class Daemon:
    """One camera, its recognizers, its subscribers. Build it, ``run`` it once."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, notifier: Notifier | None = None
    ) -> None:
        """Loads and verifies the models; opens nothing else. Raises ``ConfigError`` (exit 78)."""
        self._clock = clock or SystemClock()
        self._notifier = notifier or Notifier()
        self._stop = threading.Event()
        self._deadlines: tuple[Deadline, ...] = ()
        begun = self._now()
        self._parts = Parts(settings, self._clock)
        self._bulletin = Bulletin(self._parts, begun)

    def run(self) -> int:
        """Runs until a signal, the end of the source, or a fault; gives the exit code.

        Raises ``EdgeError`` for what ends the service. A thread that hangs ends the process here.
        """
        self._catch_signals()
        try:
            self._start()
            while not self._stop.wait(TURN) and not self._parts.loop.finished:
                self._turn()
            return 0
        except HungError as error:
            log.critical("%s", error)
            self._notifier.status(str(error))
            logging.shutdown()
            # A thread that hangs holds locks that an orderly end would wait for.
            os._exit(HungError.exit_code)
        finally:
            self._end()

    def stop(self) -> None:
        """Asks for the end in order, from any thread or a signal handler."""
        self._stop.set()

    # -- the main thread's work -----------------------------------------------------------------

    def _start(self) -> None:
        """From the broker to the camera, so that whatever is seen can be told."""
        parts = self._parts
        for sink in parts.sinks.values():
            sink.start()
        parts.loop.start()
        parts.worker.start()
        self._deadlines = self._collect_deadlines()
        self._notifier.ready()
        log.info("edge %s runs as %s on %s", __version__, parts.device, parts.worker.name)

    def _turn(self) -> None:
        """One look at everybody's health; raises what ends the service."""
        late = overdue(self._deadlines, self._clock.monotonic_ns())
        if late:
            raise HungError(
                f"the {late.name} thread made no progress for {late.seconds:g} s", "a new process begins"
            )
        if self._parts.loop.fault:
            raise self._parts.loop.fault
        self._notifier.alive()
        self._notifier.status(self._bulletin.turn(self._now()))

    def _collect_deadlines(self) -> tuple[Deadline, ...]:
        parts, settings = self._parts, self._parts.settings
        deadlines = [
            Deadline("loop", parts.loop.progress, settings.loop.deadline),
            Deadline("capture", parts.worker.progress, settings.camera.hang_after),
        ]
        if parts.mqtt:
            deadlines.append(Deadline("delivery", parts.mqtt.progress, settings.loop.deadline))
        return tuple(deadlines)

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9

    # -- the end ----------------------------------------------------------------------------------

    def _end(self) -> None:
        """Stops in the order of the way of a frame, so that what was seen is also told."""
        self._notifier.stopping()
        until = time.monotonic() + STOP_WITHIN
        self._parts.worker.stop(timeout=1.0)
        self._parts.loop.stop(timeout=1.0)
        with contextlib.suppress(UnavailableError):  # a sink whose reader has gone
            self._bulletin.last(self._now())
        for name, sink in self._parts.sinks.items():
            if not sink.stop(timeout=max(until - time.monotonic(), 0.5)):
                log.warning("%s: not everything could be delivered; what is left stays in the outbox", name)
        log.info("ended")

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return

        def handler(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        # SIGHUP: the terminal of `edge run` has gone.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, handler)
