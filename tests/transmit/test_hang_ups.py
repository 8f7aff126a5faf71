"""Brokers that hang up on a message instead of refusing it, so that it would hold up all behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mosquitto import Mosquitto
from parts import Listener, event, mqtt, running, wait_for

from edge.records import Event
from edge.transmit.board import Letter
from edge.transmit.publisher import TRIES
from edge.transmit.suspicion import ALONE, CAREFUL, CUTS, PROMPT, Suspicion
from edge.transmit.topics import rule

HANGS_UP = [("3.1.1", "max_packet_size 5000"), (5, "message_size_limit 5000")]
"""What mosquitto does: in 3.1.1 it cannot say how much it takes, and of this limit it never speaks."""


@contextmanager
def limited(folder: Path, limit: str) -> Iterator[Mosquitto]:
    folder.mkdir()
    broker = Mosquitto(folder, "allow_anonymous true", limit)
    broker.start()
    try:
        yield broker
    finally:
        broker.close()


def large(number: int) -> Event:
    fields = {name: getattr(event(number), name) for name in Event.__slots__}
    return Event(**fields | {"fields": {"digit": 0, "x": "x" * 6000}})


@pytest.mark.parametrize(("protocol", "limit"), HANGS_UP)
def test_an_event_that_the_broker_hangs_up_on_is_set_aside(
    tmp_path: Path, protocol: Any, limit: str, caplog: pytest.LogCaptureFixture
) -> None:
    with limited(tmp_path / "mosquitto", limit) as broker:
        settings = mqtt(broker.port, protocol=protocol, reconnect_most=1.0)
        with Listener(mqtt(broker.port), "edge/#") as listener, running(settings, tmp_path) as sink:
            sink.put([event(1), event(2), large(3), *(event(number) for number in range(4, 30))])
            assert wait_for(lambda: sink.depth() == 0, seconds=30), sink.counters()
            counts = sink.counters()
            firsts = list(dict.fromkeys(listener.tracks()))
    assert firsts == [1, 2, *range(4, 30)]
    assert (counts["delivered"], counts["parked"], counts["dropped"]) == (28, 1, 0)
    assert f"is not delivered: the broker hung up {ALONE} times when it was sent this alone" in caplog.text


@pytest.mark.parametrize(("protocol", "limit"), HANGS_UP)
def test_an_answer_that_the_broker_hangs_up_on_goes(tmp_path: Path, protocol: Any, limit: str) -> None:
    with limited(tmp_path / "mosquitto", limit) as broker:
        settings = mqtt(broker.port, protocol=protocol, reconnect_most=1.0)
        with Listener(mqtt(broker.port), "#") as listener, running(settings, tmp_path) as sink:
            how = rule("cmd/people/result")
            sink.answer(Letter("answers/1", b"x" * 6000, how))
            sink.answer(Letter("answers/2", b"{}", how))
            sink.put([event(1)])
            assert wait_for(lambda: listener.payloads("answers/2") and listener.tracks(), seconds=20)
            assert wait_for(lambda: sink.counters()["letters_refused"] == 1)
            assert wait_for(lambda: sink.connected and sink.depth() == 0)
            assert sink.counters()["connection_failures"] == TRIES


def cut(suspicion: Suspicion, *rows: str, alone: bool = False, after: float = 0.1) -> bool:
    return suspicion.ended(rows, alone=alone, after=after)


def test_only_what_was_alone_each_time_is_guilty() -> None:
    suspicion = Suspicion()
    assert not any(cut(suspicion, "a", "b") for _ in range(CUTS))
    assert suspicion.careful
    suspicion.settled("a")
    verdicts = [cut(suspicion, "b", alone=True) for _ in range(ALONE)]
    assert verdicts == [False] * (ALONE - 1) + [True]


def test_an_answer_ends_the_suspicion() -> None:
    suspicion = Suspicion()
    for _ in range(10):
        assert not any(cut(suspicion, "a", alone=True) for _ in range(ALONE - 1))
        suspicion.settled("a")


def test_ends_with_another_event_in_front_count_for_nothing() -> None:
    suspicion = Suspicion()
    assert not any(cut(suspicion, name, alone=True) for name in "abab" * 10)
    assert not suspicion.careful


def test_a_network_that_is_silent_for_long_is_not_the_event_s_fault() -> None:
    suspicion = Suspicion()
    assert not any(cut(suspicion, "a", alone=True, after=PROMPT + 1) for _ in range(100))
    assert not any(cut(suspicion, "a", "b") for _ in range(100))
    assert not any(cut(suspicion) for _ in range(100))


def test_care_ends_by_itself() -> None:
    suspicion = Suspicion()
    for _ in range(CUTS):
        cut(suspicion, "a", "b")
    for number in range(CAREFUL):
        assert suspicion.careful
        suspicion.settled(str(number))
    assert not suspicion.careful
