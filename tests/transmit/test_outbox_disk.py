"""The outbox on a disk in trouble: corrupt, newer, full, gone, slow, locked."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from parts import opened, row, stored, taken

from edge.transmit import outbox as module
from edge.transmit.journal import ASIDE
from edge.transmit.outbox import RETRY, TIDY, Outbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an outbox may be, in a folder that is not there yet."""
    return tmp_path / "state" / "outbox.db"


def test_the_file_is_nobody_elses(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    box = opened(path)
    box.put([row(1)], 0.0)
    assert {name.name: name.stat().st_mode & 0o777 for name in path.parent.iterdir()} == dict.fromkeys(
        ("outbox.db", "outbox.db-wal", "outbox.db-shm", "outbox.db.lock"), 0o600
    )
    box.close(0.0)


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_corrupt_file_is_set_aside_and_a_new_one_begun(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    box = opened(path)
    box.put([row(1)], 0.0)
    assert stored(path) == ["id-000001"]
    assert (path.parent / "outbox.db.unusable-1").read_bytes() == content
    assert "set aside as outbox.db.unusable-1" in caplog.text
    box.close(0.0)


def test_a_file_of_a_newer_version_is_set_aside_whole(path: Path) -> None:
    box = opened(path)
    box.put([row(1)], 0.0)
    box.close(0.0)
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA user_version = 2")
    again = opened(path)
    assert again.depth() == 0
    assert again.counters()["set_aside"] == 1
    assert stored(path.parent / "outbox.db.unusable-1") == ["id-000001"]
    again.close(0.0)


def test_files_set_aside_are_bounded(path: Path) -> None:
    path.parent.mkdir()
    for number in range(ASIDE + 3):
        path.write_bytes(b"broken %d" % number * 100)
        opened(path).close(0.0)
    aside = sorted(path.parent.glob("outbox.db.unusable-*"))
    assert len(aside) == ASIDE
    assert aside[-1].read_bytes().startswith(b"broken %d" % (ASIDE + 2))


def test_a_file_that_breaks_while_in_use_is_replaced_and_nothing_is_lost(path: Path) -> None:
    box = opened(path)
    box.put([row(number) for number in range(50)], 0.0)
    box.tend(6.0)  # the log is folded into the file
    file = box._journal._file
    assert file
    file.execute("PRAGMA cache_size = 0")
    file.execute("PRAGMA shrink_memory")
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (path.stat().st_size - 4096))
    now = 10.0
    while box.counters()["set_aside"] == 0:
        box.put([row(int(now * 10))], now)
        now += TIDY
        assert now < 100
    box.tend(now + RETRY)
    waiting = taken(box)
    assert stored(path) == waiting
    assert waiting[:50] == [f"id-{number:06}" for number in range(50)]
    box.close(now)


def test_a_file_that_is_removed_while_in_use_is_made_anew(path: Path) -> None:
    box = opened(path)
    box.put([row(1)], 0.0)
    path.unlink()
    box.tend(6.0)  # time to flush
    box.put([row(2)], 7.0)
    box.tend(6.0 + RETRY)
    assert stored(path) == ["id-000001", "id-000002"]
    box.close(20.0)


@pytest.mark.parametrize(
    "change",
    [
        "payload = 'text'", "monotonic_ns = 'never'", "wall_ms = x'00'", "topic = 'digits/evenu'",
        "topic = '#/event'", "id = 'id-000003'", "boot = x'ff'", "refused = ''", "refused = x'ff'",
    ],
)  # fmt: skip
def test_a_row_that_became_something_else_is_dropped_and_the_others_are_not(
    path: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = opened(path)
    box.put([row(number) for number in range(1, 6)], 0.0)
    box.close(0.0)
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"UPDATE events SET {change} WHERE id = 'id-000004'")
        file.commit()
    again = opened(path)
    assert taken(again) == [f"id-{number:06}" for number in (1, 2, 3, 5)]
    assert again.counters()["dropped"] == 1
    assert "1 rows of" in caplog.text
    again.tend(TIDY)
    assert stored(path) == [f"id-{number:06}" for number in (1, 2, 3, 5)]
    again.close(TIDY)


def test_a_full_disk_delays_the_writing_and_nothing_else(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    box = opened(path)
    # SQLite's own limit gives the same error as a disk without room.
    limited = box._journal._file
    assert limited
    limited.execute("PRAGMA max_page_count = 1")
    with caplog.at_level(logging.INFO):
        for number in range(200):
            box.put([row(number, size=500)], number / 100)
        assert box.counters()["disk_failures"] >= 1
        assert len([line for line in caplog.records if line.levelno == logging.WARNING]) == 1
        assert (box.depth(), box.counters()["dropped"]) == (100, 100), "bounded in memory all the same"
        first = box.take()
        assert first
        box.settle(first)
        limited.execute("PRAGMA max_page_count = 1000000")
        box.tend(2.0 + RETRY)
    assert "written again" in caplog.text
    assert stored(path) == [f"id-{number:06}" for number in range(101, 200)]
    box.close(99.0)


def test_a_folder_that_cannot_be_written_is_retried(tmp_path: Path) -> None:
    # A file where the folder should be: also root cannot write there.
    path = tmp_path / "blocked" / "outbox.db"
    path.parent.write_text("")
    box = opened(path)
    box.put([row(1)], 0.0)
    assert box.take() is not None, "delivered from memory"
    path.parent.unlink()
    box.tend(RETRY)
    assert stored(path) == ["id-000001"]
    box.close(RETRY)


def test_what_the_disk_never_took_is_told_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "blocked" / "outbox.db"
    path.parent.write_text("")
    box = opened(path)
    box.put([row(number) for number in range(3)], 0.0)
    taken = box.take()
    assert taken
    box.settle(taken)
    box.close(0.1)
    assert "2 events were neither delivered nor written" in caplog.text


def test_rows_of_an_earlier_run_that_turn_up_late_go_in_front(path: Path) -> None:
    box = opened(path)
    box.put([row(1), row(2)], 0.0)
    box.close(0.0)
    held = path.rename(path.with_name("elsewhere"))
    path.mkdir()
    again = opened(path)
    again.put([row(3)], 0.0)
    path.rmdir()
    held.rename(path)
    again.tend(RETRY)
    assert taken(again) == ["id-000001", "id-000002", "id-000003"]
    assert stored(path) == ["id-000001", "id-000002", "id-000003"]
    again.close(RETRY)


def test_a_slow_disk_is_left_to_the_other_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = opened(path)
    monkeypatch.setattr(module, "SLOW", 0.0)
    box.put([row(1)], 0.0)
    box.put([row(2)], 0.1)
    assert stored(path) == ["id-000001"]
    box.tend(0.2)
    assert stored(path) == ["id-000001", "id-000002"]
    assert box.counters()["slow_writes"] == 1
    box.close(0.2)


def test_a_file_locked_by_somebody_else_keeps_the_loop_waiting_for_milliseconds(path: Path) -> None:
    box = opened(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        box.put([row(1)], 0.0)
        assert box.counters()["unsaved"] == 1
    box.tend(RETRY)
    assert stored(path) == ["id-000001"]
    box.close(RETRY)


def test_the_log_of_the_file_does_not_grow_for_ever(path: Path) -> None:
    box = opened(path)
    for number in range(2000):
        now = number / 10
        box.put([row(number)], now)
        each = box.take()
        assert each
        box.settle(each)
        box.tend(now)
    assert path.with_name("outbox.db-wal").stat().st_size < 2_000_000
    box.close(now)


def test_a_second_process_on_the_same_file_keeps_its_events_in_memory(tmp_path: Path) -> None:
    first = Outbox(tmp_path / "outbox.db", rows=100, size=10**6, sync=5)
    second = Outbox(tmp_path / "outbox.db", rows=100, size=10**6, sync=5)
    first.open(0)
    first.put([row(1)], 0)
    second.open(0)
    second.put([row(2)], 0)
    assert second.counters()["disk_failures"] == 1
    assert [found.id for found in iter(second.take, None)] == [row(2).id]
    first.close(1)
    second.tend(20)
    assert second.counters()["unsaved"] == 0
    assert second.counters()["waiting"] == 2
    second.close(21)
