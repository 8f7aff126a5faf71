"""The gallery's file in trouble: corrupt, newer, full, locked, read-only, killed; and what is forgotten is
gone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from strangers import gallery, vector

from edge.errors import UnavailableError
from edge.recognize.faces.gallery_file import ASIDE, BUSY

HERE = Path(__file__).parent
SECRET = np.array([2.3456e-5, -1.654321e-3, 6.1415927e-4, 5.7182817e-4], np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a gallery may be, in a folder that is not there yet."""
    return tmp_path / "state" / "gallery.db"


def marked(seed: int) -> NDArray[np.float32]:
    """A vector whose bytes can be looked for."""
    found = vector(seed)
    found[40:44] = SECRET * (1 + seed)
    return found


def bytes_in(folder: Path, needle: bytes) -> list[str]:
    """The files of a folder in which these bytes are."""
    return [file.name for file in folder.rglob("*") if file.is_file() and needle in file.read_bytes()]


def trace(seed: int) -> bytes:
    return (SECRET * (1 + seed)).astype("<f4").tobytes()


def test_file_and_journal_are_nobody_elses(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    assert path.stat().st_mode & 0o777 == 0o600
    with one._file.writing():
        one._file.add_person("Bob", "bob", 0.0)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"gallery.db": 0o600, "gallery.db-journal": 0o600}
    assert [file.name for file in path.parent.iterdir()] == ["gallery.db"]


def test_what_is_forgotten_is_nowhere_in_the_folder(path: Path) -> None:
    one = gallery(path)
    for seed in range(40):
        one.add(
            f"person {seed % 10}", marked(seed), random.Random(seed).random(), b"\xff\xd8picture %d" % seed
        )
    one.deny("person 3", marked(103))
    kept = one.embeddings("person 4")
    assert bytes_in(path.parent, trace(103)) == ["gallery.db"]
    for name in ("person 3", "person 7", "person 0"):
        assert one.forget(name)
    for seed in (*(seed for seed in range(40) if seed % 10 in (0, 3, 7)), 103):
        assert not bytes_in(path.parent, trace(seed))
        assert not bytes_in(path.parent, b"picture %d\x00" % seed)
    assert not bytes_in(path.parent, b"person 3")
    np.testing.assert_array_equal(gallery(path).embeddings("person 4"), kept)
    assert bytes_in(path.parent, trace(14)) == ["gallery.db"], "the search finds what is there"


def test_also_what_was_replaced_and_pruned_goes_with_its_person(path: Path) -> None:
    one = gallery(path)
    for seed in range(30):
        one.add("Anna", marked(seed), seed / 30)
    one.add("Bob", vector(99), 1.0)
    one.forget("Anna")
    assert not [seed for seed in range(30) if bytes_in(path.parent, trace(seed))]


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_corrupt_file_is_set_aside_and_said(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    one = gallery(path)
    assert one.people() == ()
    assert one.counters()["set_aside"] == 1
    assert (path.parent / "gallery.db.unusable-1").read_bytes() == content
    assert "gallery.db.unusable-1: a gallery that could not be used" in caplog.text
    assert len(one.remarks()) == 1
    one.add("Anna", vector(1), 1.0)
    one.close()
    again = gallery(path)
    assert [person.name for person in again.people()] == ["Anna"]
    assert len(again.remarks()) == 1, "as long as the old file lies there, it is said"
    (path.parent / "gallery.db.unusable-1").unlink()
    assert not gallery(path).remarks()


def test_a_newer_file_is_set_aside_whole(path: Path) -> None:
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    one.close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 2")
    newer = gallery(path)
    assert newer.people() == ()
    newer.add("Bob", vector(2), 1.0)
    newer.close()
    aside = path.parent / "gallery.db.unusable-1"
    with closing(sqlite3.connect(aside)) as file:
        file.execute("PRAGMA user_version = 1")
    shutil.move(aside, path)
    assert [person.name for person in gallery(path).people()] == ["Anna"], "nothing of it was lost"


def test_a_file_without_its_tables_is_set_aside(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as file:
        file.executescript("CREATE TABLE people (key, name); PRAGMA user_version = 1;")
    assert gallery(path).counters()["set_aside"] == 1


def test_files_set_aside_are_bounded(path: Path) -> None:
    path.parent.mkdir()
    for number in range(ASIDE + 2):
        path.write_bytes(b"rubbish %d" % number * 100)
        gallery(path).close()
    names = sorted(file.name for file in path.parent.iterdir() if "unusable" in file.name)
    assert names == [f"gallery.db.unusable-{number}" for number in range(1, ASIDE + 1)]


def test_a_truncated_or_damaged_file_never_raises_and_never_invents(path: Path) -> None:
    one = gallery(path)
    for seed in range(12):
        one.add(f"person {seed}", vector(seed), 1.0, b"picture" * 500)
    one.close()
    whole = path.read_bytes()
    known = {vector(seed).tobytes() for seed in range(12)}
    dice = random.Random(5)
    for turn in range(40):
        content = bytearray(whole[: dice.randrange(len(whole))] if turn % 2 else whole)
        for _ in range(0 if turn % 2 else dice.randrange(1, 400)):
            content[dice.randrange(len(content))] = dice.randrange(256)
        for file in path.parent.iterdir():
            file.unlink()
        path.write_bytes(content)
        found = gallery(path)
        for person in found.people():
            for row in found.embeddings(person.name):
                assert np.isfinite(row).all()
                assert turn % 2 == 0 or row.tobytes() in known
        found.best(vector(1))
        found.add("Newcomer", vector(50), 1.0) if found.person("person 0") is None else None
        found.close()


def test_rows_that_are_no_faces_are_left_out_and_counted(path: Path) -> None:
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    one.add("Bob", vector(2), 1.0)
    one.close()
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE looks SET vector = ? WHERE person = 1", (b"\xff" * 512,))
        file.execute("INSERT INTO looks VALUES (7, 99, ?, 0, 1.0, ?, NULL)", ("a" * 64, vector(3).tobytes()))
        file.execute("INSERT INTO looks VALUES (8, 2, ?, 0, 'good', 'text', NULL)", ("a" * 64,))
        file.commit()
    found = gallery(path)
    assert [name for name, _ in found.best(vector(1))] == ["Bob"]
    assert found.counters()["strange_rows"] == 3
    assert found.remarks() == ("the gallery has 3 rows that are no faces; they are left out",)


def test_a_full_disk_changes_nothing_and_is_told(path: Path) -> None:
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    file = one._file._file
    assert file
    # SQLite's own limit gives the same error as a disk without room.
    file.execute("PRAGMA max_page_count = 1")
    with pytest.raises(UnavailableError, match="full"):
        one.add("Bob", vector(2), 1.0, b"picture" * 100_000)
    assert "Anna" in [person.name for person in one.people()]
    kept = {person.name: person.count for person in one.people()}
    one.close()
    assert {person.name: person.count for person in gallery(path).people()} == kept
    assert one.counters()["gallery_errors"] == 1


def test_a_folder_that_cannot_be_made_is_told_and_names_are_gone_only(tmp_path: Path) -> None:
    # A file where the folder should be: also root cannot write there.
    (tmp_path / "state").write_text("")
    one = gallery(tmp_path / "state" / "gallery.db")
    assert one.people() == ()
    with pytest.raises(UnavailableError, match="cannot be written"):
        one.add("Anna", vector(1), 1.0)
    (tmp_path / "state").unlink()
    one.add("Anna", vector(1), 1.0)
    assert [person.name for person in one.people()] == ["Anna"]


def test_a_file_that_may_only_be_read_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    one.close()
    # Root may write everywhere, so it is told that it may not: SQLite then opens the file for reading.
    monkeypatch.setattr(os, "access", lambda *_: False)
    locked = gallery(path)
    assert [name for name, _ in locked.best(vector(1))] == ["Anna"]
    with pytest.raises(UnavailableError, match="readonly"):
        locked.forget("Anna")
    assert [person.name for person in locked.people()] == ["Anna"]


def test_a_file_that_somebody_else_has_locked_is_waited_for_only_briefly(path: Path) -> None:
    one = gallery(path)
    one.add("Anna", vector(1), 1.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        begun = time.monotonic()
        one.refresh()
        with pytest.raises(UnavailableError, match="locked"):
            one.add("Bob", vector(2), 1.0)
        assert time.monotonic() - begun < 100 * BUSY
        assert [name for name, _ in one.best(vector(1))] == ["Anna"]
        other.execute("ROLLBACK")
    one.add("Bob", vector(2), 1.0)


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from strangers import gallery, vector
from numpy.typing import NDArray
one = gallery(Path(sys.argv[1]))
number = max([int(person.name) for person in one.people()], default=0)
while True:
    number += 1
    one.add(str(number), vector(number), 1.0)
    print("added", number, flush=True)
    if number % 3 == 0:
        one.forget(str(number - 1))
        print("forgotten", number - 1, flush=True)
"""


def test_killed_at_any_moment_it_holds_all_that_was_done_and_nothing_forgotten(path: Path) -> None:
    dice = random.Random(11)
    there: set[int] = set()
    gone: set[int] = set()
    root = HERE.parents[2]
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(HERE), str(root)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout
        lines = [child.stdout.readline()]  # it has begun to write
        time.sleep(dice.uniform(0, 0.2))
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.read().splitlines()
        child.wait()
        child.stdout.close()
        for line in lines:
            if len(line.split()) == 2:
                what, number = line.split()
                (there if what == "added" else gone).add(int(number))
        found = gallery(path)
        names = {int(person.name) for person in found.people()}
        # The deletion in progress when it was killed may have been done, and not told any more.
        last = max(there)
        gone |= {number for number in (last, last - 1) if number % 3 == 2} - names
        assert there - gone <= names, "nothing is lost"
        assert not names & gone
        assert names <= there | {last + 1}
        there |= names  # one that was added, and not told any more
        assert found.counters()["set_aside"] == 0
        found.close()
        assert not [number for number in gone if bytes_in(path.parent, vector(number).tobytes())]
    assert len(there) > 6
