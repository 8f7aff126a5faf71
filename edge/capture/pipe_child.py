"""A child process whose standard output is read: with a deadline, and never left behind."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from fcntl import F_GETFL, F_SETFL, fcntl
from typing import IO

from edge.errors import UnavailableError

F_SETPIPE_SZ = 1031
"""Linux, fcntl(2); ``fcntl`` names it from Python 3.10 on some builds only."""

PIPE = 1 << 20
"""Bytes in the pipe, the most that a user may ask for: a frame in a few reads instead of dozens."""

TURN = 0.2
"""Seconds after which a wait looks whether it is to end."""

GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL, and after that for the kernel to let go."""

OURS = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY")
"""What systemd tells this process alone."""

LINES = 3
LINE = 160
"""What is kept of standard error: the last lines, and so many characters of each."""


class Child:
    """One process in a group of its own. Owned by one thread; ``kill`` may be called once more, by any.

    setpriv (util-linux) asks the kernel to end it when we end, however that happens (PR_SET_PDEATHSIG):
    a hung camera program would else keep the camera. Doing this between fork and exec in Python is not
    safe in a process of several threads. What the child starts itself ends with its group, or, when
    we were killed, at its next write into the closed pipe; under systemd with the control group.
    """

    def __init__(self, argv: Sequence[str], name: str) -> None:
        """Starts it. Raises ``UnavailableError`` when that fails; the program is known to be there."""
        setpriv = shutil.which("setpriv")
        lead = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
        try:
            self._process = subprocess.Popen(
                [*lead, *argv],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                bufsize=0, start_new_session=True,
                env={name: value for name, value in os.environ.items() if name not in OURS},
            )  # fmt: skip
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UnavailableError(f"{name}: cannot be started: {reason}", "check camera.source") from None
        self._out, self._err = _pipe(self._process.stdout), _pipe(self._process.stderr)
        with contextlib.suppress(OSError):  # a kernel may allow less
            fcntl(self._out, F_SETPIPE_SZ, PIPE)
        self._poll = select.poll()
        for stream in (self._out, self._err):
            fcntl(stream, F_SETFL, fcntl(stream, F_GETFL) | os.O_NONBLOCK)
            self._poll.register(stream, select.POLLIN)
        self._err_open = True
        self._said: deque[str] = deque(maxlen=LINES)
        self._line = b""

    def read(self, into: memoryview, until: float, ended: Callable[[], bool]) -> int | None:
        """Reads some bytes, waiting until monotonic seconds ``until`` at most, or until ``ended``.

        0: its output is closed. None: nothing came in time.
        """
        while True:
            count: int | None = self._out.readinto(into)  # type: ignore[attr-defined]
            if count is not None:
                return count
            left = until - time.monotonic()
            if left <= 0 or ended():
                return None
            for place, _ in self._poll.poll(min(left, TURN) * 1000):
                if place == self._err.fileno():
                    self._listen()

    def last_words(self) -> str:
        """How it ended, and the last lines of its standard error; for people, one line."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        if self._err_open:
            self._listen()
        code = self._process.poll()
        if code is None:
            how = "its output is closed, but it runs on"
        elif code < 0:
            how = f"signal {-code} ({_signal_name(-code)})"
        else:
            how = f"code {code}"
        rest = [*self._said, _legible(self._line)]
        said = " | ".join(line for line in rest[-LINES:] if line)
        return f"{how}: {said}" if said else how

    @property
    def process_id(self) -> int:
        """Of the child; that of its group, too."""
        return self._process.pid

    def kill(self) -> bool:
        """Ends the group, at first politely; False when the kernel cannot, as with a driver that hangs."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            # The group lives on as long as any of its processes, also after the first.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        for stream in (self._out, self._err):
            stream.close()
        return self._process.poll() is not None

    def _listen(self) -> None:
        """Reads what it says on standard error, keeping the end of it."""
        heard: bytes | None = self._err.read(65536)
        if heard is None:  # nothing yet
            return
        if not heard:
            self._err_open = False
            self._poll.unregister(self._err)
            return
        # A progress display ends its lines with a carriage return.
        *lines, self._line = re.split(rb"[\r\n]+", self._line + heard)
        self._line = self._line[-4 * LINE :]
        self._said.extend(legible for line in lines[-4 * LINES :] if (legible := _legible(line)))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None, "asked for when it was started"
    return stream


def _legible(line: bytes) -> str:
    """Without control sequences, cut to its beginning."""
    text = re.sub(r"\x1b\[[0-9;?]*[ -/]*[@-~]", "", line.decode("utf-8", "replace"))
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return text if len(text) <= LINE else text[: LINE - 1] + "…"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
