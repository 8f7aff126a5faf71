"""Signals: SIGTERM and SIGINT end the service, SIGHUP has it read its settings again.

A thread of their own takes them from the pipe into which Python's C handler writes each signal at once
(``signal.set_wakeup_fd``). So they are heard also while the main thread is held by a library or a disk, and
nothing runs in a handler, where taking a lock could wait for the very code that was interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

from edge.errors import HungError

END_WITHIN = 4.9
"""Seconds from SIGTERM until the process ends for certain; people and systemd wait five."""

_CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Made in the main thread, once for the process. Until ``attach`` there is nothing to be put in order,
    and the end is at once."""

    def __init__(self) -> None:
        self._terminal = sys.stdin is not None and os.isatty(0)
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self._reload: Callable[[], None] | None = None
        self._hung_up = False
        self._guard: threading.Timer | None = None
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        os.set_blocking(self._reader, True)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in _CAUGHT:
            signal.signal(number, _heard)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def attach(self, end: Callable[[], None], reload: Callable[[], None]) -> None:
        """From here on these are called, on the thread ``signals``; a SIGHUP that came before counts."""
        with self._lock:
            self._end, self._reload = end, reload
            early, self._hung_up = self._hung_up, False
        if early:
            reload()

    def _listen(self) -> None:
        while True:
            for number in os.read(self._reader, 64):
                if number in (signal.SIGTERM, signal.SIGINT):
                    self._finish()
                elif number == signal.SIGHUP:
                    self._hang_up()

    def _hang_up(self) -> None:
        # The terminal of `edge run` has gone, and with it who could see or end this.
        if self._terminal and not os.isatty(0):
            self._finish()
            return
        with self._lock:
            reload = self._reload
            self._hung_up = reload is None
        if reload:
            reload()

    def _finish(self) -> None:
        with self._lock:
            end = self._end
            if end is None:
                os._exit(0)
            if self._guard is None:
                self._guard = threading.Timer(END_WITHIN, os._exit, (HungError.exit_code,))
                self._guard.name = "signals-guard"
                self._guard.daemon = True
                self._guard.start()
        end()


def _heard(_number: int, _frame: FrameType | None) -> None:
    """The pipe tells the thread; without a handler Python would not write into it."""
