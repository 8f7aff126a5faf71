"""What lies on the disk at one moment of a running process, and what a power cut leaves of it.

The process is stopped in its tracks for the milliseconds that copying its folder takes, so that each copy
is what the kernel had at one moment. Then is taken away what a cut may take: of the outbox' log a tail of
any length that was written since the copy before, to the byte; or of that tail a sector, since a card writes
in an order of its own; the content of a file that nobody forced onto the medium; and SQLite's index of the
log, which is never on the medium at all, becomes noise.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from edge.control.client import ask
from edge.control.starts import FILE as STARTS
from edge.errors import EdgeError
from tools.soak import audit
from tools.soak.service import Service
from tools.soak.trial import eventually

SECTOR = 512


@dataclass(slots=True)
class Moment:
    """``folder / "state"`` is the copy. ``committed``: ids that ever were by then; ``waiting``: those not yet
    delivered. ``thresholds``: one of these must be found, None: none. ``log``: bytes of the outbox' log.
    ``torn``: in words what was taken away, empty: nothing; ``lost``: ids that went with it."""

    folder: Path
    committed: set[str]
    waiting: set[str]
    thresholds: set[float | None]
    log: int
    torn: str = ""
    lost: set[str] = field(default_factory=set)

    @property
    def outbox(self) -> Path:
        """The copied file."""
        return self.folder / "state" / "outbox.db"


class Dial:
    """Asks for thresholds over the run socket, one after the other, beside the trial."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._kept: float | None = None
        self._asked: set[float] = set()
        self._thread: threading.Thread | None = None

    def turn(self, value: float) -> None:
        """Asks, unless the question before is still open; does not wait for the answer."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            self._asked.add(value)
        self._thread = threading.Thread(target=self._ask, args=(value,), daemon=True)
        self._thread.start()

    def possible(self) -> set[float | None]:
        """What was confirmed to be on disk last, and what was asked for since."""
        with self._lock:
            return {self._kept, *self._asked}

    def join(self) -> None:
        """Waits for the last answer."""
        if self._thread is not None:
            self._thread.join(10)

    def _ask(self, value: float) -> None:
        with suppress(EdgeError):
            reply = ask("threshold", {"recognizer": "digits", "value": value}, config=self._config)
            if reply.ok and reply.data.get("kept"):
                with self._lock:
                    self._kept = value
                    self._asked.discard(value)


def copy(target: Path, service: Service, dial: Dial) -> Moment:
    """What lies on the disk now. Raises ``RuntimeError`` where that is broken already."""
    # What was confirmed by now is on the disk; so is it if it is confirmed only while we look.
    possible = dial.possible()
    with standing(service.pid):
        shutil.copytree(service.outbox.parent, target / "state", ignore=_sockets)
        possible |= dial.possible() - {None}
    committed, waiting, words = audit.read(target / "state" / service.outbox.name, target / "audit")
    if words != "ok":
        raise RuntimeError(f"{target.name}: the copy is broken before anything was taken away: {words}")
    return Moment(
        target, committed, waiting, possible, _size(target / "state" / f"{service.outbox.name}-wal")
    )


@contextmanager
def standing(pid: int) -> Iterator[None]:
    """Every thread of the process stands still inside."""

    def stands() -> bool:
        tasks = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/stat")]
        return all(text.rpartition(")")[2].split()[0] in "TtZ" for text in tasks)

    os.kill(pid, signal.SIGSTOP)
    try:
        if not eventually(stands, 10):
            raise RuntimeError("the process does not stand still")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def tear(before: Moment, moment: Moment, chance: random.Random) -> None:
    """Takes away from the copy what a power cut may take; ``before``: the copy before, yet untouched."""
    state, words = moment.folder / "state", []
    with suppress(FileNotFoundError):
        size = (state / STARTS).stat().st_size
        (state / STARTS).write_bytes(b"\0" * chance.randint(0, size))
        words.append(STARTS)
    for index in state.glob("*.db-shm"):
        index.write_bytes(chance.randbytes(index.stat().st_size))
        words.append("the index")
    if _grew(before, moment):
        words.append(_tear_log(Path(f"{moment.outbox}-wal"), before.log, chance))
        committed, waiting, found = audit.read(moment.outbox, moment.folder / "audit")
        if found != "ok":
            raise RuntimeError(f"{moment.folder.name}: SQLite does not get over a torn log: {found}")
        moment.lost = moment.committed - committed
        moment.committed, moment.waiting = committed, waiting
    moment.torn = ", ".join(words)


def _grew(before: Moment, moment: Moment) -> bool:
    """Whether the log is that of the copy before, and more: it was not folded and begun anew meanwhile."""
    if not 0 < before.log < moment.log:
        return False
    old, new = (Path(f"{one.outbox}-wal").read_bytes() for one in (before, moment))
    return new.startswith(old)


def _tear_log(log: Path, since: int, chance: random.Random) -> str:
    content = bytearray(log.read_bytes())
    place = chance.randint(since, len(content) - 1)
    if chance.random() < 0.5:
        log.write_bytes(content[:place])
        return f"{len(content) - place} bytes of the log"
    begin = max(place // SECTOR * SECTOR, since)
    end = min(place // SECTOR * SECTOR + SECTOR, len(content))
    content[begin:end] = b"\0" * (end - begin)
    log.write_bytes(content)
    return "a sector of the log"


def _sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_socket()]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
