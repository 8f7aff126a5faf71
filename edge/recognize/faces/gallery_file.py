"""The file of the gallery: SQLite, so that a power cut at any moment leaves a valid one.

With a rollback journal and not with a write-ahead log. People are enrolled and forgotten a few times a year,
so speed does not count; a log would keep what was forgotten until it is folded, and leaves files behind that
a service of another user cannot open. What is deleted is overwritten with zeros at once (``secure_delete``),
and ``vacuum`` builds the file anew, since SQLite leaves traces of rows that it has moved.
``synchronous=EXTRA`` keeps a power cut from bringing the journal of an ended deletion back, and with it the
deleted.
"""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.recognize.faces.gallery_tables import is_damage, prepare, sweep
from edge.recognize.faces.similarity import is_embedding

ASIDE = 3
"""Files set aside that are kept; one more replaces the last."""

BUSY = 0.05
"""Seconds to wait for another process that has the file locked: the loop waits with it."""

MOST = 200_000
"""Rows that are read at most; the bounds of the settings keep a file far below."""

_PEOPLE = "SELECT key, name, since FROM people ORDER BY key LIMIT ?"
_LOOKS = """
SELECT key, person, denied, quality, vector FROM looks
WHERE maker = ? AND length(vector) = ? AND typeof(vector) = 'blob' ORDER BY key LIMIT ?
"""
_OTHERS = "SELECT person, count(*) FROM looks WHERE maker <> ? AND denied = 0 GROUP BY person LIMIT ?"
_STRANGE = (
    "SELECT count(*) FROM looks WHERE maker = ? AND NOT (length(vector) = ? AND typeof(vector) = 'blob')"
)
_INSERT = "INSERT INTO looks (person, maker, denied, quality, vector, picture) VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(slots=True, eq=False)
class Look:
    """An embedding (D,) as it is kept. ``key``: its row."""

    key: int
    vector: NDArray[np.float32]
    quality: float


@dataclass(slots=True, eq=False)
class Entry:
    """A person. ``others``: embeddings by other embedders."""

    key: int
    name: str
    since: float
    looks: list[Look] = field(default_factory=list)
    denied: list[Look] = field(default_factory=list)
    others: int = 0


class GalleryFile:
    """One file, or with no path one in memory. Its methods raise ``sqlite3.Error`` or ``OSError``. One
    thread.

    No file is made before there is something to keep: whoever only looks leaves nothing behind.
    """

    def __init__(self, path: Path | None, maker: str, size: int) -> None:
        """``maker``: sha256 of the embedder; ``size``: values of its embeddings."""
        self.path = path
        self._maker = maker, 4 * size
        self._file: sqlite3.Connection | None = None
        self._end: Callable[[], object] = lambda: None
        self._seen: tuple[int, int] | None = None
        self.strange = 0
        """Rows that no embedding and no person could be read from, at the last reading."""

    def read(self) -> list[Entry]:
        """Everybody, as the file has it now; nobody where there is none.

        Raises ``sqlite3.DatabaseError`` itself, and no kind of it, for a file that is damaged or of another
        version.
        """
        try:
            return self._everybody()
        except (ValueError, OverflowError) as error:  # texts that are none, also in SQLite's own words
            raise sqlite3.DatabaseError(f"not readable: {error}") from None

    def _everybody(self) -> list[Entry]:
        self.strange = 0
        if self._file is not None and self._seen and self._seen[1] != self._inode():
            self.close()  # removed, or another in its place: what is open is nobody's any more
        if self._file is None and not self._open(create=False):
            return []
        file, version = self._opened(), self._version()
        entries = {}
        for key, name, since in file.execute(_PEOPLE, (MOST,)):
            if isinstance(name, str) and isinstance(since, float):
                entries[key] = Entry(key, name, since)
            else:
                self.strange += 1
        for key, person, denied, quality, blob in file.execute(_LOOKS, (*self._maker, MOST)):
            vector = np.frombuffer(blob, "<f4").astype(np.float32)
            entry = entries.get(person)
            if entry is None or not is_embedding(vector):
                self.strange += 1
                continue
            told = min(max(quality, 0.0), 1.0) if isinstance(quality, float) else 0.0
            (entry.denied if denied else entry.looks).append(Look(key, vector, told))
        for person, count in file.execute(_OTHERS, (self._maker[0], MOST)):
            if person in entries:
                entries[person].others = count
        self.strange += file.execute(_STRANGE, self._maker).fetchone()[0]
        self._seen = version
        return list(entries.values())

    def read_in_any_case(self) -> tuple[list[Entry] | None, str | None, bool]:
        """As ``read``, but never raises: everybody, None where that cannot be told now; what is wrong, if
        anything; whether a damaged file, or one of another version, was set aside."""
        try:
            return self.read(), None, False
        except (sqlite3.Error, OSError) as error:
            self._seen = None  # to be read again as soon as that goes
            trouble = f"{self.path}: the gallery cannot be read: {error}"
            if not is_damage(error):
                return None, trouble, False
        try:
            self.set_aside()
            return self.read(), None, True
        except (sqlite3.Error, OSError) as error:
            return [], f"{trouble}; nor can it be set aside: {error}", False

    def changed(self) -> bool:
        """Whether somebody else has written, replaced or removed the file since it was read."""
        if self.path is None:
            return False
        if self._file is None:
            return self.path.exists()
        return self._seen != self._version()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all that is written within it, or nothing."""
        if self._file is None:
            self._open(create=True)
        file = self._opened()
        file.execute("BEGIN IMMEDIATE")
        try:
            yield
            file.execute("COMMIT")
        except BaseException:
            if file.in_transaction:
                file.execute("ROLLBACK")
            raise
        self._seen = self._version()

    def add_person(self, name: str, same: str, since: float) -> int:
        """The key of somebody new."""
        row = self._opened().execute(
            "INSERT INTO people (name, same, since) VALUES (?, ?, ?)", (name, same, since)
        )
        assert row.lastrowid is not None
        return row.lastrowid

    def add_look(
        self, person: int, vector: NDArray[np.float32], quality: float, *, denied: bool, picture: bytes | None
    ) -> int:
        """The key of a new embedding."""
        blob = np.ascontiguousarray(vector, "<f4").tobytes()
        row = self._opened().execute(
            _INSERT, (person, self._maker[0], int(denied), float(quality), blob, picture)
        )
        assert row.lastrowid is not None
        return row.lastrowid

    def drop_looks(self, keys: list[int]) -> None:
        """Deletes embeddings."""
        self._opened().executemany("DELETE FROM looks WHERE key = ?", [(key,) for key in keys])

    def drop_person(self, key: int) -> None:
        """Deletes a person with all that is kept of it, of every embedder."""
        self._opened().execute("DELETE FROM looks WHERE person = ?", (key,))
        self._opened().execute("DELETE FROM people WHERE key = ?", (key,))
        self._opened().execute("INSERT INTO unswept VALUES (?)", (key,))

    def pictures(self, person: int) -> list[bytes]:
        """The pictures that are kept of somebody."""
        found = self._opened().execute(
            "SELECT picture FROM looks WHERE person = ? AND typeof(picture) = 'blob'", (person,)
        )
        return [picture for (picture,) in found]

    def vacuum(self) -> None:
        """Builds the file anew of what it still holds: of what was deleted no trace is left in it."""
        sweep(self._opened())
        self._seen = self._version()

    def set_aside(self) -> Path:
        """Closes and renames the file, with its journal, and gives the new name."""
        assert self.path is not None
        self.close()
        names = aside_names(self.path)
        aside = next((name for name in names if not name.exists()), names[-1])
        os.replace(self.path, aside)
        if os.path.exists(f"{self.path}-journal"):
            # Beside a new file it would be played back into that.
            os.replace(f"{self.path}-journal", f"{aside}-journal")
        return aside

    def close(self) -> None:
        """Ends the use of the file."""
        if self._file is not None:
            self._file = None
            self._end()

    def _open(self, *, create: bool) -> bool:
        """Whether there is one."""
        if self.path is None:
            address = ":memory:"
        else:
            if not create and not self.path.exists():
                return False
            address = f"{self.path.absolute().as_uri()}?mode={self._make() if create else _mode(self.path)}"
            with suppress(OSError):  # somebody else's, which can only be read
                os.chmod(self.path, 0o600)
        file = sqlite3.connect(
            address, timeout=BUSY, isolation_level=None, check_same_thread=False, uri=self.path is not None
        )
        try:
            prepare(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        # Whoever lets go of it without closing it: the connection must not be left to the collector.
        self._end = weakref.finalize(self, file.close)
        return True

    def _make(self) -> str:
        """Makes the file so that nobody else can read it for even a moment; the journal gets the same
        mode."""
        assert self.path is not None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        made = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            # Root, who enrols by a command, must not make a file that the service cannot open.
            owner = self.path.parent.stat()
            os.fchown(made, owner.st_uid, owner.st_gid)
        os.close(made)
        return "rw"

    def _version(self) -> tuple[int, int]:
        """Changes when another connection writes the file, and when another file takes its place."""
        return self._opened().execute("PRAGMA data_version").fetchone()[0], self._inode()

    def _inode(self) -> int:
        """Of the file that the path names now; 0 where there is none."""
        try:
            return os.stat(self.path).st_ino if self.path is not None else 0
        except FileNotFoundError:
            return 0

    def _opened(self) -> sqlite3.Connection:
        if self._file is None:
            raise sqlite3.OperationalError("the file is not open")
        return self._file


def aside_names(path: Path) -> list[Path]:
    """What a file is called once it is set aside."""
    return [path.with_name(f"{path.name}.unusable-{number}") for number in range(1, ASIDE + 1)]


def _mode(path: Path) -> str:
    """A file that may only be read is read."""
    return "rw" if os.access(path, os.W_OK) else "ro"
