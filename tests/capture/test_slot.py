"""The slot: newest wins, or exactly once; what is dropped or late is counted to the frame."""

from __future__ import annotations

import random
import threading
import time
from datetime import datetime, timezone

from hypothesis import given
from hypothesis import strategies as st
from media import flat

from edge.capture.slot import Slot
from edge.records import Frame

WALL = datetime(2026, 1, 1, tzinfo=timezone.utc)
PICTURE = flat(0)


def frame(number: int) -> Frame:
    return Frame(PICTURE, number, number, WALL)


@given(st.lists(st.sampled_from(["put", "late", "take", "advance"]), max_size=60))
def test_every_frame_is_taken_dropped_refused_or_still_there(steps: list[str]) -> None:
    slot, generation = Slot(), 0
    put = late = 0
    taken: list[int] = []
    newest: int | None = None
    for number, step in enumerate(steps):
        if step == "put":
            assert slot.put(frame(number), generation)
            put, newest = put + 1, number
        elif step == "late":
            assert not slot.put(frame(number), generation - 1)
            late += 1
        elif step == "advance":
            generation = slot.advance()
        else:
            got = slot.take(0)
            assert (got.sequence if got else None) == newest
            taken += [] if newest is None else [newest]
            newest = None
    left = newest is not None
    assert slot.empty is not left
    assert slot.counters() == {"frames": put, "dropped": put - len(taken) - left, "refused": late}
    assert taken == sorted(set(taken))


def test_in_lock_step_every_frame_arrives_exactly_once() -> None:
    slot, count, pause = Slot(), 300, random.Random(1)
    producer = threading.Thread(
        target=lambda: [slot.offer(frame(number), 0, 10) for number in range(count)], name="producer"
    )
    producer.start()
    got: list[int] = []
    while len(got) < count:
        taken = slot.take(10)
        assert taken is not None
        got.append(taken.sequence)
        if pause.random() < 0.05:
            time.sleep(0.002)
    producer.join()
    assert got == list(range(count))
    assert slot.counters() == {"frames": count, "dropped": 0, "refused": 0}


def test_a_slow_loop_gets_the_newest_frame_and_the_rest_is_counted() -> None:
    slot, count = Slot(), 500
    got: list[int] = []
    done = threading.Event()

    def loop() -> None:
        while not (done.is_set() and slot.empty):
            taken = slot.take(0.02)
            if taken is not None:
                got.append(taken.sequence)
                time.sleep(0.003)

    consumer = threading.Thread(target=loop, name="consumer")
    consumer.start()
    for number in range(count):
        slot.put(frame(number), 0)
        if number % 50 == 0:
            time.sleep(0.005)
    done.set()
    consumer.join()
    assert got == sorted(got)
    assert got[-1] == count - 1
    assert slot.counters() == {"frames": count, "dropped": count - len(got), "refused": 0}
    assert len(got) < count


def test_an_offer_waits_within_its_bound_and_ends_with_the_slot() -> None:
    slot = Slot()
    assert slot.offer(frame(0), 0, 0.01)
    assert not slot.offer(frame(1), 0, 0.01)
    closer = threading.Timer(0.05, slot.close)
    closer.start()
    begun = time.monotonic()
    assert not slot.offer(frame(1), 0, 30)
    assert time.monotonic() - begun < 5
    closer.join()
    assert not slot.put(frame(2), 0)
    kept = slot.take(0)
    assert kept is not None
    assert kept.sequence == 0
    assert slot.take(0.01) is None
    assert slot.counters() == {"frames": 1, "dropped": 0, "refused": 0}


def test_a_taker_wakes_when_a_frame_comes() -> None:
    slot = Slot()
    putter = threading.Timer(0.05, lambda: slot.put(frame(7), 0))
    putter.start()
    begun = time.monotonic()
    taken = slot.take(30)
    assert taken is not None
    assert taken.sequence == 7
    assert time.monotonic() - begun < 5
    putter.join()


def test_a_frame_of_the_generation_before_stays_but_none_comes_after() -> None:
    slot = Slot()
    old = slot.advance()
    slot.put(frame(0), old)
    new = slot.advance()
    assert not slot.offer(frame(1), old, 0)
    taken = slot.take(0)
    assert taken is not None
    assert taken.sequence == 0
    assert slot.put(frame(2), new)
    assert slot.counters()["refused"] == 1
