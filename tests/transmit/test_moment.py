"""How long something is ago, when clocks step and machines restart."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.transmit import moment
from edge.transmit.moment import Delay, Moment, clock_synced, delay

SECOND = 1_000_000_000
THEN = Moment("a", 100 * SECOND, 1_000_000, synced=True)
REBOOTED = Moment("b", 20 * SECOND, 1_025_000, synced=True)


def test_within_a_boot_the_monotonic_clock_tells() -> None:
    now = Moment("a", 107 * SECOND, 0, synced=False)
    assert delay(THEN, now) == Delay(7000, exact=True)


@given(step=st.integers(-(10**12), 10**12), synced=st.booleans())
def test_within_a_boot_a_stepped_wall_clock_changes_nothing(step: int, synced: bool) -> None:
    now = Moment("a", 107 * SECOND, THEN.wall_ms + step, synced)
    assert delay(THEN, now) == Delay(7000, exact=True)


def test_over_a_reboot_the_wall_clock_tells_where_it_was_kept() -> None:
    assert delay(THEN, REBOOTED) == Delay(25_000, exact=True)


def test_over_a_reboot_without_a_kept_clock_it_is_at_least_as_old_as_the_boot() -> None:
    unknown = Delay(20_000, exact=False)
    assert delay(replace(THEN, synced=False), REBOOTED) == unknown
    assert delay(THEN, replace(REBOOTED, synced=False)) == unknown


def test_a_wall_clock_that_contradicts_the_boot_is_not_believed() -> None:
    assert delay(THEN, replace(REBOOTED, wall_ms=THEN.wall_ms + 3000)) == Delay(20_000, exact=False)


def test_a_picture_from_the_future_is_not_negative() -> None:
    assert delay(THEN, replace(THEN, monotonic_ns=0)).milliseconds == 0


class Libc:
    """The C library, as far as it is asked."""

    def __init__(self, state: int) -> None:
        self._state = state

    def adjtimex(self, _: object) -> int:
        return self._state


@pytest.mark.parametrize(
    ("state", "file", "kept"), [(0, False, True), (5, True, False), (-1, True, True), (-1, False, False)]
)
def test_whether_the_clock_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: int, file: bool, kept: bool
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Libc(state))
    monkeypatch.setattr(moment, "TIMESYNCD", tmp_path / "synchronized")
    if file:
        (tmp_path / "synchronized").touch()
    assert clock_synced() is kept


def test_the_kernel_of_this_machine_answers() -> None:
    assert clock_synced() in (True, False)
