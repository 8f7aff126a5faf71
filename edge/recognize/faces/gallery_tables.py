"""The tables of the gallery's file, and how a file is made ready before anything is read from it."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

VERSION = 1
"""``PRAGMA user_version`` of the tables below."""

TABLES = """
CREATE TABLE people (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL,            -- as it is shown
  same TEXT NOT NULL UNIQUE,     -- by what two names are the same
  since REAL NOT NULL            -- when it was enrolled first, seconds since 1970
);
CREATE TABLE looks (
  key INTEGER PRIMARY KEY,
  person INTEGER NOT NULL REFERENCES people ON DELETE CASCADE,
  maker TEXT NOT NULL,           -- sha256 of the embedder's file
  denied INTEGER NOT NULL,       -- 1: this is not that person
  quality REAL NOT NULL,         -- 0..1
  vector BLOB NOT NULL,          -- float32, little endian
  picture BLOB                   -- JPEG of the crop, where pictures are kept
);
CREATE INDEX looks_of ON looks (person);
CREATE TABLE unswept (person INTEGER NOT NULL);  -- deleted, and the file not built anew since
"""

MAKING = 5000
"""Milliseconds to wait for another process that makes the tables: this happens once in the file's life."""


def prepare(file: sqlite3.Connection) -> None:
    """Sets it up, makes the tables where it is empty, and looks whether it is sound and of our version.
    Raises ``sqlite3.DatabaseError`` itself where it is not."""
    file.execute("PRAGMA secure_delete = ON")
    file.execute("PRAGMA temp_store = MEMORY")  # what is vacuumed must not lie in a folder for everybody
    file.execute("PRAGMA synchronous = EXTRA")
    file.execute("PRAGMA trusted_schema = OFF")
    if file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("quick_check failed")
    if _version(file) == 0:
        _make(file)
    if _version(file) != VERSION:
        raise sqlite3.DatabaseError(f"version {_version(file)} where {VERSION} is known")
    try:
        file.execute("SELECT key, name, same, since FROM people LIMIT 0")
        file.execute("SELECT key, person, maker, denied, quality, vector, picture FROM looks LIMIT 0")
        unswept = file.execute("SELECT person FROM unswept LIMIT 1").fetchone()
    except sqlite3.OperationalError as error:
        if "no such" in str(error):
            raise sqlite3.DatabaseError(str(error)) from None
        raise
    if unswept:
        with suppress(sqlite3.OperationalError):  # read-only, full or locked: the next time
            sweep(file)


def _version(file: sqlite3.Connection) -> int:
    return int(file.execute("PRAGMA user_version").fetchone()[0])


def _make(file: sqlite3.Connection) -> None:
    """Makes the tables, unless another process has made them meanwhile."""
    before = file.execute("PRAGMA busy_timeout").fetchone()[0]
    file.execute(f"PRAGMA busy_timeout = {MAKING}")
    try:
        file.execute("BEGIN IMMEDIATE")
        tables = file.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0]
        if _version(file) == 0 and not tables:
            for statement in TABLES.split(";"):
                file.execute(statement)
            file.execute(f"PRAGMA user_version = {VERSION}")
        file.execute("COMMIT")
    finally:
        if file.in_transaction:
            file.execute("ROLLBACK")
        file.execute(f"PRAGMA busy_timeout = {before}")


def sweep(file: sqlite3.Connection) -> None:
    """Builds it anew of what it still holds."""
    file.execute("VACUUM")
    file.execute("DELETE FROM unswept")


def is_damage(error: Exception) -> bool:
    """Whether the file itself is broken or strange: not merely full, locked, read-only or out of reach."""
    return type(error) is sqlite3.DatabaseError
