"""The whole service: the order in which its parts start and end, its signals, its deadlines.

Threads, each with a deadline: ``capture`` owns the device, ``loop`` everything from frame to event,
``delivery`` (and paho's own) the way to the broker; the main thread has watchdog, statistics and the change
to other settings. They meet in the slot, the outbox, the board and the queue of commands, and nowhere else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import deque
from pathlib import Path

from edge import __version__
from edge.bulletin import Bulletin
from edge.changeover import Changeover
from edge.clock import Clock, SystemClock
from edge.control.queue import Reload
from edge.control.signals import Signals
from edge.control.socket import ControlSocket
from edge.control.starts import count_start
from edge.device import Device
from edge.errors import HungError, UnavailableError
from edge.health import Deadline, Notifier, overdue
from edge.pace import Pace
from edge.parts import Parts
from edge.records import Reply, Request
from edge.settings.compose import Settings
from edge.transmit.identity import boot_id
from edge.transmit.moment import clock_synced

log = logging.getLogger("edge.daemon")

TURN = 0.25
"""Seconds between two looks of the main thread at everybody's health."""

STOP_WITHIN = 3.5
"""Seconds for the whole end but a connection's goodbye, which has a second more: people wait at most five."""


class Daemon:
    """One camera, its recognizers, its subscribers. Build it, ``run`` it once."""

    def __init__(
        self,
        settings: Settings,
        *,
        file: Path | None = None,
        clock: Clock | None = None,
        notifier: Notifier | None = None,
        signals: Signals | None = None,
    ) -> None:
        """Loads and verifies the models; opens nothing else. Raises ``ConfigError`` (exit 78).

        ``file``: where the settings came from, to be read again; None: nowhere. ``signals``: None: none is
        caught.
        """
        self._clock = clock or SystemClock()
        self._notifier = notifier or Notifier()
        self._signals = signals
        self._stop = threading.Event()
        self._bell = threading.Event()
        self._asked: deque[Request] = deque()
        """Who wants to know how it is; at most as many as the run socket has connections."""
        self._deadlines: tuple[Deadline, ...] = ()
        self._ready = False
        begun = self._now()
        self._parts = Parts(settings, self._clock)
        state = settings.state.resolved()
        folder = run_folder(state)
        self._pace = Pace(self._parts, Device(state, clock_synced))
        starts = count_start(folder, boot_id())
        self._bulletin = Bulletin(self._parts, self._pace, begun, starts, self._counters)
        self._changeover = Changeover(self._parts, self._pace, self._notifier, file)
        self._socket = ControlSocket(folder, self._clock, self._take)

    def run(self) -> int:
        """Runs until a signal, the end of the source, or a fault; gives the exit code.

        Raises ``EdgeError`` for what ends the service. A thread that hangs ends the process here.
        """
        if self._signals:
            self._signals.attach(self.stop, self._reload)
        try:
            self._start()
            while not self._stop.is_set() and not self._parts.loop.finished:
                self._bell.wait(TURN)
                self._bell.clear()
                if not self._stop.is_set():
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
        """Asks for the end in order, from any thread."""
        self._stop.set()
        self._bell.set()

    # -- the main thread's work -----------------------------------------------------------------

    def _start(self) -> None:
        """From the broker to the camera, so that whatever is seen can be told."""
        parts = self._parts
        for sink in parts.sinks.values():
            sink.start()
        parts.control.start()
        parts.loop.start()
        parts.worker.start()
        self._deadlines = self._collect_deadlines()
        self._socket.start()

    def _turn(self) -> None:
        """One look at everybody's health; raises what ends the service."""
        parts, now = self._parts, self._now()
        late = overdue(self._deadlines, self._clock.monotonic_ns())
        if late:
            raise HungError(
                f"the {late.name} thread made no progress for {late.seconds:g} s", "a new process begins"
            )
        if parts.loop.fault:
            raise parts.loop.fault
        parts.tend_home_assistant(now)
        parts.control.tend(now)
        self._pace.turn(now)
        # Not before: systemd would take the end of a reading for the end of the start.
        if self._ready and self._changeover.turn(now):
            self._deadlines = self._collect_deadlines()
        self._bulletin.turn(now)
        self._answer(now)
        self._tell_systemd(now)

    def _tell_systemd(self, now: float) -> None:
        """Ready is said once it is so: models loaded, outbox open, a camera sought, and the loop turning.

        Neither a broker nor the camera itself has to be there: it runs without, and says so.
        """
        if not self._ready and self._parts.turned:
            self._ready = True
            self._notifier.ready()
            log.info("edge %s runs as %s on %s", __version__, self._parts.device, self._parts.worker.name)
        self._notifier.alive()
        if self._ready:
            self._notifier.status(self._bulletin.sentence(now, self._changeover.remark))

    def _answer(self, now: float) -> None:
        while self._asked:
            told = self._bulletin.status(now, self._changeover.remark)
            self._asked.popleft().answer(Reply(ok=True, message=str(told["sentence"]), data=told))

    def _take(self, request: Request) -> Reply | None:
        """What came over the run socket, on its thread."""
        if request.command != "status":
            return self._parts.control.queue.put(request)
        self._asked.append(request)
        self._bell.set()
        return None

    def _reload(self) -> None:
        self._parts.control.reloads.ask(Reload())
        self._bell.set()

    def _counters(self) -> dict[str, int]:
        """Of what the main thread and the run socket have done on command, for ``stats``."""
        heard = {f"socket_{name}": count for name, count in self._socket.counters().items()}
        return {**self._changeover.counters(), **heard}

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
        self._parts.control.close(self._now())
        self._parts.recognition.close()
        self._changeover.close()
        with contextlib.suppress(UnavailableError):  # a sink whose reader has gone
            self._bulletin.last(self._now())
        for name, sink in self._parts.sinks.items():
            if not sink.stop(timeout=max(until - time.monotonic(), 0.5)):
                log.warning("%s: not everything could be delivered; what the outbox holds stays there", name)
        self._socket.stop(timeout=0.2)
        log.info("ended")


def run_folder(state: Path) -> Path:
    """Where the run socket lies: ``$RUNTIME_DIRECTORY`` (systemd), else with the state."""
    systemd = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(systemd) if systemd else state
