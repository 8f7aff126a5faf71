"""Ids of events: unique, rising, of version 7."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import BEGUN, FakeClock

from edge.clock import SystemClock
from edge.transmit import identity
from edge.transmit.identity import Identities, boot_id

DAY = 86_400


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    made = uuid.UUID(Identities(FakeClock()).new())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(BEGUN.timestamp() * 1000)


def test_ids_rise_while_the_clock_stands_and_when_it_steps_back() -> None:
    clock = FakeClock()
    identities = Identities(clock)
    made = [identities.new() for _ in range(10_000)]
    clock.now -= 400 * DAY
    made += [identities.new() for _ in range(100)]
    assert made == sorted(set(made))


def test_ids_of_a_process_that_starts_again_at_the_same_time_differ() -> None:
    clock = FakeClock()
    made = [Identities(clock).new() for _ in range(1000)]
    assert len(set(made)) == len(made)


def test_ids_from_many_threads_are_distinct() -> None:
    identities = Identities(SystemClock())
    with ThreadPoolExecutor(8) as pool:
        lists = list(pool.map(lambda _: [identities.new() for _ in range(500)], range(8)))
    assert len({id_ for made in lists for id_ in made}) == 4000
    assert all(made == sorted(made) for made in lists)


def test_the_boot_id_stays_and_one_that_cannot_be_read_is_nobody_elses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert boot_id() == boot_id()
    monkeypatch.setattr(identity, "BOOT_ID", tmp_path / "none")
    assert boot_id() != boot_id()
