"""The file of the outbox: SQLite, so that a power cut at any moment leaves a valid one.

Write-ahead log with ``synchronous=NORMAL``: a commit is handed to the kernel without waiting for the
medium. On an SD card such a wait takes 10 to 100 ms, sometimes seconds, wears the card, and would be the
frame loop's. So a commit outlives the process at once, however that ends; a power cut from the next
``flush`` on, which ``Outbox.tend`` sees to while events wait. Whatever a cut takes, the rest is intact.
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.transmit.moment import Moment

VERSION = 1
"""``PRAGMA user_version`` of the table below."""

ASIDE = 9
"""Files set aside that are kept; one more replaces the last."""

BUSY = 0.005
"""Seconds to wait for another process that has the file locked."""

LOG_BYTES = 1_048_576
"""Size of the write-ahead log after which it is worth folding it into the file."""

PAGE = 512
"""Bytes of a page of a new file. A commit writes whole pages, and an event has some 400 bytes: with SQLite's
usual 4096 the card has to take three to eight times as much (``python -m tools.benchmark delivery``)."""

_TOPIC = re.compile(r"[a-z0-9_-]{1,64}/event")
"""What is sent from here: a topic with a wildcard could not even be tried."""

_TABLE = """
CREATE TABLE events (
  key INTEGER PRIMARY KEY,       -- order of arrival
  id TEXT NOT NULL,              -- UUIDv7
  topic TEXT NOT NULL,           -- relative to the device
  payload BLOB NOT NULL,         -- JSON as committed
  boot TEXT NOT NULL,            -- boot id, monotonic and wall time of the picture
  monotonic_ns INTEGER NOT NULL,
  wall_ms INTEGER NOT NULL,
  synced INTEGER NOT NULL,
  refused TEXT                   -- why the broker will never take it
)
"""
_WISHES = """
CREATE TABLE IF NOT EXISTS wishes (
  id TEXT PRIMARY KEY,           -- of an event
  wish TEXT NOT NULL             -- what a person asks for it from another process: retry or drop
)
"""
_SELECT = """
SELECT id, topic, payload, boot, monotonic_ns, wall_ms, synced, refused, key FROM events ORDER BY key
"""
_INSERT = """
INSERT INTO events (id, topic, payload, boot, monotonic_ns, wall_ms, synced, refused)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(slots=True, eq=False)
class Row:
    """An event on its way. ``key``: its place in the file, None while it is not there."""

    id: str
    topic: str
    payload: bytes
    happened: Moment
    refused: str | None = None
    key: int | None = None

    @property
    def size(self) -> int:
        """Bytes that count for the bound."""
        return len(self.payload) + len(self.topic)


class Journal:
    """One open file. Its methods raise ``sqlite3.Error`` or ``OSError``; the caller locks."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: sqlite3.Connection | None = None
        self._claim: int | None = None
        self.strange: list[int] = []
        """Keys of rows that the file held at its opening and that are no events."""
        self._folded = False
        self._seen: int | None = None
        """``PRAGMA data_version`` when wishes were looked for last: it changes when somebody else writes."""

    def open(self) -> tuple[list[Row], Path | None]:
        """What lies in the file, oldest first, and the new name of an unusable file that was set aside."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._claim_it()
        try:
            return self._load(), None
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        aside = self.set_aside()
        self._claim_it()
        return self._load(), aside

    @property
    def is_open(self) -> bool:
        """Whether rows can be written."""
        return self._file is not None

    def wishes(self) -> dict[str, str]:
        """What other processes ask for, by id of an event; empty at once while nobody else wrote the file."""
        file = self._opened()
        version = file.execute("PRAGMA data_version").fetchone()[0]
        if version == self._seen:
            return {}
        found = dict(file.execute("SELECT id, wish FROM wishes").fetchall())
        self._seen = version
        return found

    def write(
        self,
        rows: Sequence[Row],
        gone: Iterable[int],
        refused: Mapping[int, str | None],
        fulfilled: Iterable[str] = (),
    ) -> list[int]:
        """One transaction: adds ``rows`` and gives their keys, deletes keys, notes refusals by key (None:
        refused no longer), and forgets wishes that are ``fulfilled``."""
        file = self._opened()
        file.execute("BEGIN IMMEDIATE")
        try:
            file.executemany("DELETE FROM events WHERE key = ?", [(key,) for key in gone])
            file.executemany(
                "UPDATE events SET refused = ? WHERE key = ?", [(why, key) for key, why in refused.items()]
            )
            file.executemany("DELETE FROM wishes WHERE id = ?", [(each,) for each in fulfilled])
            keys = [self._insert(file, row) for row in rows]
            file.execute("COMMIT")
        except sqlite3.Error:
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise
        return keys

    def flush(self) -> None:
        """Forces what was committed onto the medium. Slow, but nobody who writes has to wait for it."""
        if not self.path.exists():
            raise sqlite3.OperationalError("the file has gone")
        if self._folded and self.log_bytes() <= LOG_BYTES:
            # The log alone holds all that was committed: half of what folding it would write.
            self._sync_log()
        else:
            self._fold()

    def _sync_log(self) -> None:
        log = os.open(f"{self.path}-wal", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(log)
        finally:
            os.close(log)

    def _fold(self) -> None:
        """The first time in any case: with that SQLite forces the names of its files onto the medium too."""
        # Never creates a file: one that was removed meanwhile is trouble to be told.
        address = f"{self.path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, timeout=BUSY, uri=True)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._folded = True

    def log_bytes(self) -> int:
        """Size of the write-ahead log."""
        try:
            return os.stat(f"{self.path}-wal").st_size
        except FileNotFoundError:
            return 0

    def set_aside(self) -> Path:
        """Closes and renames the file, with what belongs to it, and gives the new name."""
        self.close()
        names = [self.path.with_name(f"{self.path.name}.unusable-{number}") for number in range(1, ASIDE + 1)]
        aside = next((name for name in names if not name.exists()), names[-1])
        os.replace(self.path, aside)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(f"{self.path}{suffix}"):
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")
        return aside

    def close(self) -> None:
        """Ends the use of the file; SQLite folds the log into it."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
        claimed, self._claim = self._claim, None
        if claimed is not None:
            os.close(claimed)

    def _claim_it(self) -> None:
        """Two processes with one file would send all of it twice. A claim ends with its process."""
        if self._claim is not None:
            return
        self._claim = claim(self.path)

    def _load(self) -> list[Row]:
        # Made by us, so that nobody else can read it for even a moment; SQLite gives its log the same mode.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        os.chmod(self.path, 0o600)
        file = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(file)
            rows = self._rows(file)
        except sqlite3.Error:
            file.close()
            raise
        self._file = file
        # Whoever lets go of it without closing it: the connection must not be left to the collector.
        weakref.finalize(self, file.close)
        return rows

    def _rows(self, file: sqlite3.Connection) -> list[Row]:
        """Its rows, without those that a flipped bit made into something else: ``strange`` has their keys."""
        rows: dict[str, Row] = {}
        self.strange = []
        for found in file.execute(_SELECT):
            row = _row(found)
            if row is None or row.id in rows:
                self.strange.append(found[-1])
            else:
                rows[row.id] = row
        return list(rows.values())

    def _prepare(self, file: sqlite3.Connection) -> None:
        file.execute(f"PRAGMA page_size = {PAGE}")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        # Folding the log syncs, so it is left to flush(), which runs on the delivery thread.
        file.execute("PRAGMA wal_autocheckpoint = 0")
        file.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("quick_check failed")
        version = file.execute("PRAGMA user_version").fetchone()[0]
        tables = file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version == 0 and tables == 0:
            file.execute("BEGIN")
            file.execute(_TABLE)
            file.execute(f"PRAGMA user_version = {VERSION}")
            file.execute("COMMIT")
        elif version != VERSION:
            raise sqlite3.DatabaseError(f"version {version} where {VERSION} is known")
        file.execute(_WISHES)
        self._seen, self._folded = None, False

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            raise sqlite3.OperationalError("the file is not open")
        return self._file

    @staticmethod
    def _insert(file: sqlite3.Connection, row: Row) -> int:
        then = row.happened
        values = (
            row.id,
            row.topic,
            row.payload,
            then.boot,
            then.monotonic_ns,
            then.wall_ms,
            then.synced,
            row.refused,
        )
        key = file.execute(_INSERT, values).lastrowid
        if key is None:
            raise sqlite3.OperationalError("no key for a new row")
        return key


def claim(path: Path) -> int:
    """Claims the outbox ``path`` for this process: a descriptor, which holds the claim until it is closed.

    Raises ``sqlite3.OperationalError`` where another process has it.
    """
    # A file of its own: closing any descriptor of the database would drop SQLite's locks on it.
    claimed = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        if os.geteuid() == 0 and path.exists():
            # Root, who only looks, must not make a file that the service cannot open.
            owner = path.stat()
            os.fchown(claimed, owner.st_uid, owner.st_gid)
        fcntl.flock(claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(claimed)
        raise sqlite3.OperationalError(f"another process uses it ({error.strerror})") from None
    except OSError:
        os.close(claimed)
        raise
    return claimed


def is_locked(error: Exception) -> bool:
    """Whether another process writes the file at this moment."""
    return isinstance(error, sqlite3.OperationalError) and "locked" in str(error)


def is_damage(error: Exception) -> bool:
    """Whether the file itself is broken or strange: not merely full, locked, read-only or out of reach."""
    return type(error) is sqlite3.DatabaseError


def _row(found: tuple[Any, ...]) -> Row | None:
    """None for what is no event: SQLite takes any type in any column, and checks no content."""
    id_, topic, payload, boot, monotonic_ns, wall_ms, synced, refused, key = found
    texts = isinstance(id_, str) and isinstance(topic, str) and isinstance(boot, str)
    times = isinstance(monotonic_ns, int) and isinstance(wall_ms, int)
    reason = refused is None or (isinstance(refused, str) and refused)
    if not (texts and times and reason and isinstance(payload, bytes) and _TOPIC.fullmatch(topic)):
        return None
    return Row(id_, topic, payload, Moment(boot, monotonic_ns, wall_ms, bool(synced)), refused, key)
