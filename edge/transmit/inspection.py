"""An outbox seen from another process: what lies in it, to try a refused row again, to drop a row.

Where no daemon has the file, its rows are changed here, under the daemon's own claim. Where one has, its
memory is what counts: so a wish is written into the file, which the daemon fulfils within a second or two.
Nothing here holds the file for longer than a few milliseconds at a time.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge.errors import UnavailableError
from edge.transmit.journal import claim, is_damage
from edge.transmit.moment import Moment

Wish = Literal["retry", "drop"]

PATIENCE = 5.0
"""Seconds to wait for another process that writes the file at this moment."""

FULFILLED_WITHIN = 15.0
"""Seconds for the daemon to fulfil a wish: one, or ten while its disk is in trouble."""

POLL = 0.1
"""Seconds between two looks whether it has."""

BATCH = 1000
"""Rows that are read at a time, so that the daemon's log can be folded in between."""

HINT = "is it this user's? the service's own user may use it: sudo -u edge …"

_SELECT = """
SELECT key, id, topic, length(payload), boot, monotonic_ns, wall_ms, synced, refused, {payload}
FROM events WHERE key > ? ORDER BY key LIMIT ?
"""
_HOLDS = "SELECT count(*) FROM events WHERE id = ?"
_CHANGES = {
    "retry": "UPDATE events SET refused = NULL WHERE id = ?",
    "drop": "DELETE FROM events WHERE id = ?",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: ``size`` in bytes of its payload; ``refused``: why it is parked, None while it waits."""

    id: str
    topic: str
    size: int
    happened: Moment
    refused: str | None
    payload: bytes | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a wish. ``left``: ids that the daemon could not drop, since they are under way."""

    done: tuple[str, ...]
    unknown: tuple[str, ...]
    left: tuple[str, ...]


class Inspection:
    """One outbox by its ``path``. Its methods raise ``UnavailableError`` where it cannot be used."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entries(self, *, payloads: bool = False) -> Iterator[Entry]:
        """All rows, oldest first; their payloads only where these are asked for. Nothing where no file is."""
        if not self._is_there():
            return
        text = _SELECT.format(payload="payload" if payloads else "NULL")
        last = -1
        with self._open() as file:
            while found := file.execute(text, (last, BATCH)).fetchall():
                yield from (_entry(each[1:]) for each in found)
                last = int(found[-1][0])

    def ask(self, wish: Wish, ids: Sequence[str]) -> Answer:
        """Tries rows again, or drops them, here or through the daemon that has the file."""
        if not self._is_there():
            return Answer((), tuple(ids), ())
        with self._open() as file:
            known = [one for one in ids if file.execute(_HOLDS, (one,)).fetchone()[0]]
            unknown = tuple(one for one in ids if one not in set(known))
            if not known:
                return Answer((), unknown, ())
            try:
                claimed = claim(self._path)
            except sqlite3.OperationalError:
                return self._through_the_daemon(file, wish, known, unknown)
            try:
                _write(file, _CHANGES[wish], [(one,) for one in known])
            finally:
                os.close(claimed)
            return Answer(tuple(known), unknown, ())

    def _through_the_daemon(
        self, file: sqlite3.Connection, wish: Wish, known: list[str], unknown: tuple[str, ...]
    ) -> Answer:
        _write(file, "INSERT OR REPLACE INTO wishes VALUES (?, ?)", [(one, wish) for one in known])
        until = time.monotonic() + FULFILLED_WITHIN
        while open_wishes := _among(file, "SELECT id FROM wishes", known):
            if time.monotonic() > until:
                _write(file, "DELETE FROM wishes WHERE id = ?", [(one,) for one in open_wishes])
                raise UnavailableError(
                    f"the service that uses {self._path} did not answer within {FULFILLED_WITHIN:g} s",
                    "does it hang, or is its disk in trouble? its log tells",
                )
            time.sleep(POLL)
        left = _among(file, "SELECT id FROM events", known) if wish == "drop" else set()
        return Answer(tuple(one for one in known if one not in left), unknown, tuple(sorted(left)))

    def _is_there(self) -> bool:
        try:
            return self._path.exists()
        except OSError as error:  # a name too long, a folder of somebody else's
            raise UnavailableError(
                f"the outbox {self._path} cannot be used: {error.strerror}", HINT
            ) from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # Never creates a file.
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        try:
            with closing(sqlite3.connect(address, timeout=PATIENCE, uri=True, isolation_level=None)) as file:
                # Folding the log syncs, and is the daemon's.
                file.execute("PRAGMA wal_autocheckpoint = 0")
                file.execute("PRAGMA synchronous = NORMAL")
                yield file
        except (sqlite3.Error, OSError, TypeError, ValueError) as error:
            hint = HINT
            if "no such table" in str(error):
                hint = "the service could not write it yet, for want of room perhaps; its log tells"
            elif is_damage(error) or not isinstance(error, (sqlite3.Error, OSError)):
                hint = "the service sets it aside and begins a new one at its next start"
            raise UnavailableError(f"the outbox {self._path} cannot be used: {error}", hint) from None


def _write(file: sqlite3.Connection, statement: str, values: Sequence[tuple[str, ...]]) -> None:
    file.execute("BEGIN IMMEDIATE")
    try:
        file.executemany(statement, values)
        file.execute("COMMIT")
    finally:
        if file.in_transaction:
            file.execute("ROLLBACK")


def _among(file: sqlite3.Connection, statement: str, ids: Sequence[str]) -> set[str]:
    return {str(found[0]) for found in file.execute(statement)} & set(ids)


def _entry(found: tuple[Any, ...]) -> Entry:
    """Raises ``TypeError`` or ``ValueError`` where the file holds what no outbox does."""
    id_, topic, size, boot, monotonic_ns, wall_ms, synced, refused, payload = found
    happened = Moment(str(boot), int(monotonic_ns), int(wall_ms), bool(synced))
    return Entry(
        str(id_), str(topic), int(size), happened,
        None if refused is None else str(refused), None if payload is None else bytes(payload),
    )  # fmt: skip
