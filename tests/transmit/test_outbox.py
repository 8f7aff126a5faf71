"""Events between their commit and the broker's answer: order, bounds, restarts, disks in trouble."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from parts import opened, row, stored, taken

from edge.transmit.outbox import TIDY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an outbox may be, in a folder that is not there yet."""
    return tmp_path / "state" / "outbox.db"


def test_rows_wait_in_order_and_are_gone_once_settled(path: Path) -> None:
    box = opened(path)
    box.put([row(1), row(2)], 0.0)
    box.put([row(3)], 0.0)
    assert stored(path) == ["id-000001", "id-000002", "id-000003"]
    first = box.take()
    assert first is not None
    box.settle(first)
    box.tend(TIDY)
    assert stored(path) == ["id-000002", "id-000003"]
    assert box.depth() == 2
    box.close(TIDY)


def test_what_was_in_flight_goes_back_in_front_in_its_order(path: Path) -> None:
    box = opened(path)
    box.put([row(number) for number in range(5)], 0.0)
    flying = [each for each in (box.take(), box.take(), box.take()) if each]
    box.settle(flying[1])
    box.recall([flying[0], flying[2]])
    assert taken(box) == ["id-000000", "id-000002", "id-000003", "id-000004"]
    box.close(0.0)


def test_a_restart_finds_what_was_not_settled_and_what_was_refused(path: Path) -> None:
    box = opened(path)
    box.put([row(number) for number in range(4)], 0.0)
    first, second = box.take(), box.take()
    assert first
    assert second
    box.settle(first)
    box.park(second, "not authorised")
    box.close(0.0)
    again = opened(path)
    assert taken(again) == ["id-000002", "id-000003"]
    assert again.counters()["parked"] == 1
    assert again.depth() == 2
    again.close(0.0)


def test_a_full_outbox_drops_the_oldest_and_counts_exactly(path: Path) -> None:
    box = opened(path, rows=100)
    box.put([row(number) for number in range(70)], 0.0)
    flying = [box.take() for _ in range(10)]
    box.put([row(number) for number in range(70, 150)], 0.0)
    counts = box.counters()
    assert (counts["committed"], counts["dropped"], counts["waiting"]) == (150, 50, 100)
    box.tend(TIDY)
    assert len(stored(path)) == 100
    assert taken(box) == [f"id-{number:06}" for number in range(60, 150)], "what is in flight is not dropped"
    assert all(flying)
    box.close(TIDY)


def test_the_bound_of_bytes_holds_too(path: Path) -> None:
    box = opened(path, size=10_000)
    size = 1000 + len("digits/event")
    box.put([row(number, size=1000) for number in range(25)], 0.0)
    assert box.counters()["bytes"] == 9 * size
    assert box.counters()["dropped"] == 16
    box.put([row(99, size=20_000)], 0.0)
    assert box.depth() == 0, "larger than the whole outbox: nothing can hold it"
    box.close(0.0)


def test_what_the_broker_refused_is_dropped_before_what_it_may_take(path: Path) -> None:
    box = opened(path, rows=100)
    box.put([row(number) for number in range(100)], 0.0)
    flying = [each for each in (box.take() for _ in range(3)) if each]
    box.recall(flying[:2])
    box.park(flying[2], "too large")
    box.put([row(100)], 0.0)
    assert box.counters()["parked"] == 0
    assert len(taken(box)) == 100
    box.close(0.0)


def test_smaller_bounds_at_the_next_start_drop_the_oldest(path: Path) -> None:
    box = opened(path, rows=200)
    box.put([row(number) for number in range(200)], 0.0)
    box.close(0.0)
    again = opened(path, rows=100)
    assert again.counters()["dropped"] == 100
    assert taken(again)[0] == "id-000100"
    again.close(0.0)


def test_put_and_settle_from_two_threads_lose_nothing(path: Path) -> None:
    box = opened(path, rows=100_000, size=10_000_000)
    settled: list[str] = []

    def deliver() -> None:
        now = 0.0
        while len(settled) < 2000:
            now += 0.3
            each = box.take()
            if each:
                box.settle(each)
                settled.append(each.id)
            box.tend(now)

    thread = threading.Thread(target=deliver)
    thread.start()
    for number in range(2000):
        box.put([row(number)], float(number))
    thread.join(30)
    assert settled == [f"id-{number:06}" for number in range(2000)]
    box.close(1e6)
    assert stored(path) == []


COMMITTING = """
import sys
from pathlib import Path
from parts import row
from edge.transmit.outbox import Outbox
box = Outbox(Path(sys.argv[1]), rows=100000, size=10**8, sync=5.0)
box.open(0.0)
for number in range(10**6):
    box.put([row(number)], 0.0)
    print(number, flush=True)
"""


def test_what_was_committed_outlives_a_killed_process(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", COMMITTING, str(path)], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout
    for _ in range(300):
        process.stdout.readline()
    process.kill()
    committed = 300 + len(process.stdout.read().splitlines())
    process.wait()
    process.stdout.close()
    box = opened(path, rows=100_000, size=10**8)
    found = taken(box)
    # One more may have been committed than the process could tell.
    assert len(found) - committed in (0, 1)
    assert found == [f"id-{number:06}" for number in range(len(found))]
    box.close(0.0)
