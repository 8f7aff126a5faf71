"""What was ever committed to an outbox: known exactly, since the file itself takes the minutes.

A trigger in the file notes the id of every row in the very transaction that adds the row, whoever adds it
and however soon after it is killed. It is the trial's, not the daemon's, which does not know of it.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from edge.transmit.journal import Journal

_TRIGGER = """
CREATE TABLE minutes (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TRIGGER minute AFTER INSERT ON events BEGIN INSERT INTO minutes VALUES (new.id); END;
"""


def prepare(path: Path) -> None:
    """Makes an empty outbox as the daemon does, and adds the trigger."""
    journal = Journal(path)
    journal.open()
    journal.close()
    with closing(sqlite3.connect(path)) as file:
        file.executescript(_TRIGGER)


def read(path: Path, scratch: Path) -> tuple[set[str], set[str], str]:
    """Ids ever committed, ids that wait still, and what the integrity check says; all of a copy."""
    scratch.mkdir(parents=True, exist_ok=True)
    copy = scratch / path.name
    for suffix in ("", "-wal"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    with closing(sqlite3.connect(copy)) as file:
        committed = {str(found[0]) for found in file.execute("SELECT id FROM minutes")}
        waiting = {str(found[0]) for found in file.execute("SELECT id FROM events")}
        words = str(file.execute("PRAGMA integrity_check(1)").fetchone()[0])
    return committed, waiting, words
