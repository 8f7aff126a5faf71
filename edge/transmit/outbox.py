"""Events from their commit to the broker's acknowledgement: none lost, or counted as dropped at a bound.

Memory holds the order and answers at once; the journal repeats it on disk. While the disk is full, gone or
read-only, events wait and are delivered from memory alone, within the same bounds, and are written when
it is back.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge.transmit.journal import LOG_BYTES, Journal, Row, is_damage, is_locked

log = logging.getLogger("edge.transmit")

PATIENCE = 0.01
"""Seconds that ``put`` waits while the delivery thread writes, before it leaves its rows to that thread."""

SLOW = 0.05
"""Seconds of one write after which the disk is called slow, and ``put`` leaves it to the delivery thread."""

RETRY = 10.0
"""Seconds until a slow disk is written by ``put`` again, and a broken one by ``tend``."""

TIDY = 1.0
"""Seconds over which deletions are gathered into one commit, to spare the card."""

REASONS = 5
"""Reasons of parked rows that are told; a reason is a code of MQTT, so there are few."""

RETRY_ROW, DROP_ROW = "retry", "drop"
"""What a person may ask for a row."""


class Outbox:
    """Thread-safe: the loop puts, the delivery thread does everything else. ``now``: monotonic seconds.

    A row is waiting, in flight (taken, not yet settled, parked or recalled) or parked (refused for good).
    """

    def __init__(self, path: Path, *, rows: int, size: int, sync: float) -> None:
        """``rows`` and ``size`` (bytes): the bounds. ``sync``: seconds between flushes while events wait."""
        self._journal = Journal(path)
        self._bounds = rows, size
        self._sync = sync
        self._lock = threading.Lock()
        """Of all that follows; held for microseconds."""
        self._rows: dict[str, Row] = {}
        self._size = 0
        self._waiting: deque[Row] = deque()
        self._parked: deque[Row] = deque()
        self._unsaved: dict[str, Row] = {}
        self._gone: list[int] = []
        self._refused: dict[int, str | None] = {}
        self._fulfilled: list[str] = []
        self._counts = dict.fromkeys(
            (
                "committed", "delivered", "dropped", "removed", "refused", "retried", "disk_failures",
                "slow_writes", "set_aside",
            ),
            0,
        )  # fmt: skip
        self._disk = threading.Lock()
        """Of the journal; held while it writes. Taken before ``_lock``, never after."""
        self._ailing = self._left = self._unflushed = self._locked = False
        self._broken_until = self._slow_until = self._tidied = self._flushed = float("-inf")

    def change(self, *, rows: int, size: int, sync: float) -> None:
        """Other bounds from here on; what is above them goes with the next ``put``."""
        with self._lock:
            self._bounds = rows, size
            self._sync = sync

    def open(self, now: float) -> None:
        """Takes up what an earlier process left. A disk that cannot be used is no error: it is retried."""
        with self._disk:
            self._try(self._open, now)

    def put(self, rows: Sequence[Row], now: float) -> None:
        """Commits rows. On return they are in the file; where the disk is in trouble, slow or busy, soon."""
        with self._lock:
            for row in rows:
                self._rows[row.id] = self._unsaved[row.id] = row
                self._waiting.append(row)
                self._size += row.size
            self._counts["committed"] += len(rows)
            self._trim()
        if now < max(self._slow_until, self._broken_until) or not self._disk.acquire(timeout=PATIENCE):
            self._left = True
            return
        try:
            begun = time.perf_counter()
            if self._journal.is_open:
                self._try(self._save, now)
            if time.perf_counter() - begun > SLOW:
                self._slow_until = now + RETRY
                self._counts["slow_writes"] += 1
        finally:
            self._disk.release()

    def take(self) -> Row | None:
        """The oldest waiting row, which is in flight from now on."""
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def settle(self, row: Row) -> None:
        """A row in flight was delivered."""
        with self._lock:
            self._forget(row)
            self._counts["delivered"] += 1

    def park(self, row: Row, reason: str) -> None:
        """A row in flight will never be taken by the broker: it stays, with the reason, out of the way."""
        with self._lock:
            row.refused = reason
            self._parked.append(row)
            self._counts["refused"] += 1
            if row.key is not None:
                self._refused[row.key] = reason

    def recall(self, rows: Sequence[Row]) -> None:
        """Rows in flight wait again, in front, in the given order."""
        with self._lock:
            self._waiting.extendleft(reversed(rows))

    def tend(self, now: float) -> None:
        """The disk's work that need not be done at once; at every turn of the delivery thread."""
        if now < self._broken_until:
            return
        with self._disk:
            if not self._journal.is_open:
                self._try(self._open, now)
            elif self._left or now - self._tidied >= TIDY:
                self._try(self._attend, now)
                self._tidied = now
        if self._is_flush_due(now):
            self._flush(now)

    def close(self, now: float) -> None:
        """Writes what is not written yet, and ends."""
        with self._disk:
            if self._journal.is_open:
                self._try(self._save, now)
            self._journal.close()
        if lost := len(self._unsaved):
            log.error("%d events were neither delivered nor written to %s", lost, self._journal.path)

    def depth(self) -> int:
        """Events not yet delivered, without those refused for good."""
        with self._lock:
            return len(self._rows) - len(self._parked)

    def counters(self) -> dict[str, int]:
        """Totals since the start, and ``waiting``, ``parked``, ``unsaved``, ``bytes`` as they are now.

        committed = delivered + dropped + removed + waiting + parked, less what lay in the file at the start.
        ``removed`` and ``retried``: by a person. ``refused``: times that a row was parked.
        """
        with self._lock:
            now = {
                "waiting": len(self._rows) - len(self._parked),
                "parked": len(self._parked),
                "unsaved": len(self._unsaved),
                "bytes": self._size,
            }
            return self._counts | now

    def reasons(self) -> dict[str, int]:
        """Why rows are parked, and how many for each of the commonest reasons."""
        with self._lock:
            found = Counter(row.refused for row in self._parked if row.refused)
        return dict(found.most_common(REASONS))

    # -- memory; called with the lock held -----------------------------------------------------

    def _trim(self) -> None:
        """Keeps the bounds: first the refused go, then the oldest waiting; never one in flight."""
        rows, size = self._bounds
        while len(self._rows) > rows or self._size > size:
            oldest = self._parked or self._waiting
            if not oldest:
                return
            self._forget(oldest.popleft())
            self._counts["dropped"] += 1

    def _forget(self, row: Row) -> None:
        del self._rows[row.id]
        self._size -= row.size
        self._unsaved.pop(row.id, None)
        if row.key is not None:
            self._refused.pop(row.key, None)
            self._gone.append(row.key)

    def _fulfil(self, wishes: Mapping[str, str]) -> None:
        """What a person asks for rows that wait or are parked; never for one in flight."""
        again = [row for row in self._parked if wishes.get(row.id) == RETRY_ROW]
        for row in again:
            row.refused = None
            if row.key is not None:
                self._refused[row.key] = None
        self._counts["retried"] += len(again)
        unwanted = [
            row for rows in (self._parked, self._waiting) for row in rows if wishes.get(row.id) == DROP_ROW
        ]
        for row in unwanted:
            self._forget(row)
        self._counts["removed"] += len(unwanted)
        self._parked = deque(row for row in self._parked if row.refused and row.id in self._rows)
        self._waiting = deque(row for row in (*again, *self._waiting) if row.id in self._rows)
        self._fulfilled += wishes

    # -- disk; called with the disk's lock held -------------------------------------------------

    def _open(self) -> None:
        found, aside = self._journal.open()
        if aside:
            self._tell_aside(aside)
        strange = self._journal.strange
        if strange:
            log.error("%d rows of %s are no events, and are dropped", len(strange), self._journal.path)
        with self._lock:
            self._gone += strange
            self._counts["dropped"] += len(strange)
            self._adopt(found)
            self._trim()
            waiting = len(self._waiting)
        if found:
            log.info("%d events of earlier runs wait in %s", waiting, self._journal.path)
        self._attend()

    def _attend(self) -> None:
        """Writes what is not written yet, and sees to what other processes ask for."""
        wishes = self._journal.wishes()
        if wishes:
            with self._lock:
                self._fulfil(wishes)
        self._save()

    def _adopt(self, found: Sequence[Row]) -> None:
        """Rows of the file go in front. What memory holds too is newer there, and will be written again."""
        self._gone += [row.key for row in found if row.id in self._rows and row.key is not None]
        older = [row for row in found if row.id not in self._rows]
        self._rows = {row.id: row for row in older} | self._rows
        self._size += sum(row.size for row in older)
        self._parked.extendleft(row for row in reversed(older) if row.refused)
        self._waiting.extendleft(row for row in reversed(older) if not row.refused)

    def _save(self) -> None:
        with self._lock:
            self._left = False
            rows = list(self._unsaved.values())
            before = [row.refused for row in rows]
            gone, self._gone = self._gone, []
            refused, self._refused = self._refused, {}
            fulfilled, self._fulfilled = self._fulfilled, []
        if not (rows or gone or refused or fulfilled):
            return
        try:
            keys = self._journal.write(rows, gone, refused, fulfilled)
        except (sqlite3.Error, OSError):
            with self._lock:
                self._gone += gone
                self._refused = refused | self._refused
                self._fulfilled += fulfilled
            raise
        with self._lock:
            for row, key, refused_before in zip(rows, keys, before, strict=True):
                self._saved(row, key, refused_before)
        self._unflushed = True

    def _saved(self, row: Row, key: int, refused_before: str | None) -> None:
        """Meanwhile the row may have been delivered, dropped or refused."""
        row.key = key
        if self._unsaved.pop(row.id, None) is None:
            self._gone.append(key)
        elif row.refused != refused_before:
            self._refused[key] = row.refused

    def _is_flush_due(self, now: float) -> bool:
        """While events wait they must survive a power cut; once delivered, only the log's size matters."""
        if not (self._unflushed and self._journal.is_open):
            return False
        waits = self.depth() > 0 and now - self._flushed >= self._sync
        return waits or self._journal.log_bytes() > LOG_BYTES

    def _flush(self, now: float) -> None:
        """Without the disk's lock: the medium may take its time, and the loop goes on writing."""
        self._flushed = now
        self._unflushed = False
        try:
            self._journal.flush()
        except (sqlite3.Error, OSError) as error:
            with self._disk:
                self._fail(error, now)

    # -- trouble with the disk -------------------------------------------------------------------

    def _try(self, work: Callable[[], None], now: float) -> None:
        try:
            work()
        except (sqlite3.Error, OSError) as error:
            if is_locked(error) and not (self._locked or self._ailing):
                # Somebody looks at it for a moment: the next turn tries again. Twice is trouble.
                self._locked = self._left = True
                return
            self._fail(error, now)
        else:
            if self._ailing:
                log.info("the outbox %s is written again", self._journal.path)
            self._ailing = self._locked = False

    def _fail(self, error: Exception, now: float) -> None:
        self._counts["disk_failures"] += 1
        self._broken_until = now + RETRY
        if not self._ailing:
            log.warning(
                "the outbox %s cannot be written: %s; events wait in memory", self._journal.path, error
            )
        self._ailing = True
        if self._journal.is_open and (is_damage(error) or not self._journal.path.exists()):
            self._begin_anew()

    def _begin_anew(self) -> None:
        """The file broke or went: what memory holds goes into a new one, which ``tend`` opens."""
        with self._lock:
            for row in self._rows.values():
                row.key = None
            self._unsaved = dict(self._rows)
            self._gone, self._refused, self._fulfilled = [], {}, []
        try:
            self._tell_aside(self._journal.set_aside())
        except OSError as error:
            log.warning("%s could not be set aside: %s", self._journal.path, error)

    def _tell_aside(self, aside: Path) -> None:
        self._counts["set_aside"] += 1
        log.error(
            "the outbox %s is not usable: set aside as %s, a new one begun", self._journal.path, aside.name
        )
