"""An outbox seen and changed from another process: with the daemon on it, and without."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from parts import opened, row, stored, taken

from edge.errors import UnavailableError
from edge.transmit import inspection as module
from edge.transmit.inspection import Inspection
from edge.transmit.journal import claim
from edge.transmit.outbox import RETRY, TIDY, Outbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def with_parked(path: Path) -> Outbox:
    """Rows 0 to 4; 1 and 3 were refused by the broker."""
    box = opened(path)
    box.put([row(number) for number in range(5)], 0.0)
    flying = [each for each in (box.take() for _ in range(4)) if each]
    box.park(flying[1], "not authorised")
    box.park(flying[3], "too large")
    box.recall([flying[0], flying[2]])
    box.tend(TIDY)
    return box


@contextmanager
def tended(box: Outbox, now: float = 10.0) -> Iterator[None]:
    """Its delivery thread turns meanwhile, and nothing is delivered."""
    stop = threading.Event()

    def turn() -> None:
        later = now
        while not stop.wait(0.01):
            later += TIDY
            box.tend(later)

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def parked(path: Path) -> dict[str, str]:
    return {each.id: each.refused for each in Inspection(path).entries() if each.refused}


def test_rows_are_seen_with_their_reasons_beside_the_daemon(path: Path) -> None:
    box = with_parked(path)
    entries = list(Inspection(path).entries())
    assert [each.id for each in entries] == [f"id-{number:06}" for number in range(5)]
    assert [each.refused for each in entries] == [None, "not authorised", None, "too large", None]
    assert {(each.topic, each.size, each.payload) for each in entries} == {("digits/event", 100, None)}
    assert {each.payload for each in Inspection(path).entries(payloads=True)} == {b"x" * 100}
    assert box.reasons() == {"not authorised": 1, "too large": 1}
    box.close(TIDY)


def test_a_refused_row_is_tried_again_by_the_daemon_that_has_the_file(path: Path) -> None:
    box = with_parked(path)
    with tended(box):
        answer = Inspection(path).ask("retry", ["id-000003", "id-000001", "id-999999"])
    assert (set(answer.done), answer.unknown) == ({"id-000003", "id-000001"}, ("id-999999",))
    assert parked(path) == {}
    assert box.counters()["retried"] == 2
    assert taken(box) == [f"id-{number:06}" for number in (1, 3, 0, 2, 4)], "the older ones go first"
    box.close(TIDY)
    assert taken(opened(path)) == [f"id-{number:06}" for number in range(5)], "and so it stays in the file"


def test_rows_are_dropped_by_the_daemon_but_for_those_under_way(path: Path) -> None:
    box = with_parked(path)
    flying = box.take()
    assert flying
    with tended(box):
        answer = Inspection(path).ask("drop", ["id-000000", "id-000001", "id-000002"])
    assert (answer.done, answer.left) == (("id-000001", "id-000002"), ("id-000000",))
    box.settle(flying)
    box.tend(1000.0)
    assert stored(path) == ["id-000003", "id-000004"]
    counts = box.counters()
    assert counts["removed"] == 2
    assert counts["committed"] == sum(
        counts[name] for name in ("delivered", "dropped", "removed", "waiting", "parked")
    )
    box.close(1000.0)


def test_without_a_daemon_the_file_itself_is_changed(path: Path) -> None:
    with_parked(path).close(TIDY)
    assert Inspection(path).ask("retry", ["id-000001"]).done == ("id-000001",)
    assert Inspection(path).ask("drop", ["id-000003", "id-000004"]).done == ("id-000003", "id-000004")
    again = opened(path)
    assert taken(again) == ["id-000000", "id-000001", "id-000002"]
    assert again.counters()["parked"] == 0
    again.close(0.0)


def test_a_wish_whose_daemon_died_is_fulfilled_by_the_next(path: Path) -> None:
    with_parked(path).close(TIDY)
    with closing(sqlite3.connect(path)) as file:
        file.execute("INSERT INTO wishes VALUES ('id-000001', 'retry'), ('id-000003', 'drop')")
        file.execute("INSERT INTO wishes VALUES ('id-000000', 'nonsense'), ('nobody', 'drop')")
        file.commit()
    box = opened(path)
    assert [box.counters()[name] for name in ("parked", "retried", "removed")] == [0, 1, 1]
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("SELECT count(*) FROM wishes").fetchone() == (0,)
    box.close(0.0)


def test_a_daemon_that_does_not_answer_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = with_parked(path)
    monkeypatch.setattr(module, "FULFILLED_WITHIN", 0.2)
    with pytest.raises(UnavailableError, match="did not answer"):
        Inspection(path).ask("drop", ["id-000001"])
    box.tend(100.0)
    assert box.counters()["removed"] == 0, "what was given up is not done later"
    box.close(100.0)


def test_looking_takes_no_claim_and_leaves_no_trouble(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box = with_parked(path)
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            assert sum(1 for _ in Inspection(path).entries()) >= 5
            Inspection(path).ask("retry", ["id-000001"])

    with tended(box):
        thread = threading.Thread(target=look)
        thread.start()
        for number in range(5, 90):
            box.put([row(number)], float(number))
            time.sleep(0.002)
        stop.set()
        thread.join()
    box.tend(1e4 + RETRY)
    assert len(stored(path)) == 90
    assert box.counters()["disk_failures"] == 0
    assert not caplog.records
    box.close(1e4)


def test_a_second_process_that_writes_at_this_moment_is_no_broken_disk(path: Path) -> None:
    box = opened(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        box.put([row(1)], 0.0)
    box.tend(0.1)
    assert stored(path) == ["id-000001"]
    assert box.counters()["disk_failures"] == 0
    box.close(0.1)


def test_no_file_is_no_error_and_makes_none(path: Path) -> None:
    assert list(Inspection(path).entries()) == []
    assert Inspection(path).ask("drop", ["x"]).unknown == ("x",)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("content", [b"this is no database" * 100, b""])
def test_a_file_that_is_no_outbox_is_told_in_a_line(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UnavailableError, match="cannot be used") as told:
        list(Inspection(path).entries())
    assert "\n" not in str(told.value)
    assert path.read_bytes() == content


def test_a_file_that_the_service_could_not_fill_is_no_matter_of_rights(path: Path) -> None:
    path.touch()
    with pytest.raises(UnavailableError, match="could not write it yet"):
        list(Inspection(path).entries())


def test_strange_values_in_the_file_are_told(path: Path) -> None:
    with_parked(path).close(TIDY)
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE events SET wall_ms = 'never' WHERE id = 'id-000002'")
        file.commit()
    with pytest.raises(UnavailableError, match="never"):
        list(Inspection(path).entries())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root could make a file that others cannot open")
def test_root_leaves_the_lock_to_the_owner_of_the_file(path: Path) -> None:
    path.touch()
    os.chown(path, 12345, 12345)
    os.close(claim(path))
    lock = path.with_name("outbox.db.lock").stat()
    assert (lock.st_uid, lock.st_gid) == (12345, 12345)


def test_a_path_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    inspection = Inspection(tmp_path / ("x" * 300) / "outbox.db")
    with pytest.raises(UnavailableError, match="cannot be used: File name too long"):
        list(inspection.entries())
    with pytest.raises(UnavailableError, match="cannot be used"):
        inspection.ask("drop", ["a"])
