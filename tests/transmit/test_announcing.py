"""When Home Assistant is told, by a clock of the test; what is remembered; and over a real mosquitto."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from discovered import settings
from mosquitto import Mosquitto
from parts import CLOCK, Listener, mqtt, wait_for

from edge.entities import describe, entities
from edge.errors import UnavailableError
from edge.records import Entity
from edge.transmit import home_assistant
from edge.transmit.announced import MAX_BYTES, MAX_TOPICS, Announced
from edge.transmit.delivery import MqttSink
from edge.transmit.home_assistant import SETTLE, SPACING, HomeAssistant
from edge.transmit.once import publish_once

TOPIC = "homeassistant/device/hall/config"
LAMP = Entity("lamp", "binary_sensor", "Lamp", topic="objects/state")


class Told:
    """A part, what it says, and its file."""

    def __init__(self, folder: Path, *more: Entity, device: str = "hall", **home_assistant: Any) -> None:
        self.file = folder / "home_assistant.json"
        self.chosen = settings(device={"name": device}, home_assistant=home_assistant)
        self.more: Sequence[Entity] = more
        self.said: list[tuple[str, bytes]] = []
        self.part = HomeAssistant(
            self.chosen.home_assistant,
            Announced(self.file),
            lambda: describe(self.chosen, (*entities(self.chosen), *self.more)),
            lambda topic, payload: self.said.append((topic, payload)),
        )

    def turns(self, begin: float, end: float, *, connected: bool = True) -> list[tuple[str, Any]]:
        """A turn each quarter of a second; gives what was said in them."""
        self.said.clear()
        for step in range(int((end - begin) * 4) + 1):
            self.part.turn(begin + step / 4, connected)
        return [(topic, json.loads(payload) if payload else None) for topic, payload in self.said]


def test_it_is_told_at_the_start_and_not_again(tmp_path: Path) -> None:
    told = Told(tmp_path)
    ((topic, payload),) = told.turns(0, 100)
    assert topic == TOPIC
    assert payload == json.loads(describe(told.chosen).encoded())


def test_it_is_told_again_a_random_while_after_a_birth(tmp_path: Path) -> None:
    moments = set()
    for number in range(20):
        told = Told(tmp_path / str(number), delay=8)
        told.turns(0, 50)
        told.part.born(b"online", retained=False)
        moment = 50.0
        while not told.turns(moment, moment):
            moment += 0.25
        assert 50 <= moment <= 58.25
        moments.add(moment)
        assert not told.turns(moment + 0.25, moment + 60)
    assert len(moments) > 5


@pytest.mark.parametrize(
    ("payload", "retained"), [(b"offline", False), (b"online", True), (b"\xff" * 99, False)]
)
def test_only_a_birth_that_happens_now_counts(payload: bytes, retained: bool, tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.turns(0, 1)
    told.part.born(payload, retained)
    assert not told.turns(10, 60)
    assert told.part.counters()["births"] == 0


def test_a_storm_of_births_is_answered_now_and_then(tmp_path: Path) -> None:
    told = Told(tmp_path, delay=0)
    told.turns(0, 1)
    said = 0
    for quarter in range(4 * 60):
        told.part.born(b"online", retained=False)
        said += len(told.turns(10 + quarter / 4, 10 + quarter / 4))
    assert 2 <= said <= 60 / SPACING + 1


def test_what_is_no_more_is_taken_back_and_then_left_out(tmp_path: Path) -> None:
    Told(tmp_path, LAMP).turns(0, 100)
    later = Told(tmp_path)
    ((_, with_it),) = later.turns(0, SETTLE - 1)
    assert with_it["cmps"]["lamp"] == {"p": "binary_sensor"}
    ((_, without),) = later.turns(SETTLE, SETTLE + 60)
    assert "lamp" not in without["cmps"]
    ((_, again),) = Told(tmp_path).turns(0, 100)
    assert again == without


def test_it_is_not_taken_for_gone_while_nobody_could_hear_it(tmp_path: Path) -> None:
    Told(tmp_path, LAMP).turns(0, 1)
    later = Told(tmp_path)
    assert later.turns(0, 1000, connected=False)
    for begin in range(1000, 1500, 50):  # a connection that never lasts
        assert not later.turns(begin, begin + SETTLE - 1)
        assert not later.turns(begin + SETTLE, begin + SETTLE, connected=False)
    ((_, with_it),) = Told(tmp_path).turns(0, 1)
    assert "lamp" in with_it["cmps"]


def test_a_power_cut_at_any_moment_leaves_nothing_behind_for_ever(tmp_path: Path) -> None:
    first = Told(tmp_path, LAMP)
    first.part.turn(0, connected=False)  # remembered, and not yet said
    ((_, payload),) = Told(tmp_path).turns(0, 0)
    assert payload["cmps"]["lamp"] == {"p": "binary_sensor"}


def test_what_comes_and_goes_while_it_runs_is_told(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.turns(0, 60)
    told.more = (LAMP,)
    told.part.changed()
    ((_, with_it),) = told.turns(100, 110)
    assert with_it["cmps"]["lamp"]["p"] == "binary_sensor"
    told.more = ()
    told.part.changed()
    ((_, marked),) = told.turns(200, 210)
    assert marked["cmps"]["lamp"] == {"p": "binary_sensor"}
    ((_, without),) = told.turns(210, 300)
    assert "lamp" not in without["cmps"]


def test_a_device_by_another_name_takes_the_old_one_back(tmp_path: Path) -> None:
    Told(tmp_path).turns(0, 1)
    said = Told(tmp_path, device="attic").turns(0, 100)
    assert [(topic, payload is None) for topic, payload in said] == [
        ("homeassistant/device/attic/config", False),
        (TOPIC, True),
    ]
    assert [topic for topic, _ in Told(tmp_path, device="attic").turns(0, 100)] == [said[0][0]]


def test_switched_off_it_is_taken_back_once_and_never_touched_again(tmp_path: Path) -> None:
    assert Told(tmp_path, enabled=False).turns(0, 100) == []
    told = Told(tmp_path)
    told.turns(0, 1)
    off = Told(tmp_path, enabled=False)
    assert off.turns(0, 100) == [(TOPIC, None)]
    assert not off.file.exists()
    assert Told(tmp_path, enabled=False).turns(0, 100) == []


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"\xff\xfe", b'{"a": 1}', b'{"edge/#": {}}', b'{"a/config": {"b": 1}}',
        b"[" * 100_000, b'"' + b"x" * MAX_BYTES + b'"',
    ],
)  # fmt: skip
def test_a_file_that_is_broken_is_set_aside_and_costs_nothing(content: bytes, tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.file.write_bytes(content)
    assert len(told.turns(0, 10)) == 1
    assert (tmp_path / "home_assistant.json.broken").read_bytes() == content
    assert json.loads(told.file.read_text()).keys() == {TOPIC}


def test_only_its_owner_reads_the_file_and_it_is_written_only_where_something_changed(tmp_path: Path) -> None:
    told = Told(tmp_path)
    told.turns(0, 10)
    assert stat.S_IMODE(told.file.stat().st_mode) == 0o600
    before = told.file.stat()
    Told(tmp_path).turns(0, 100)
    assert told.file.stat().st_mtime_ns == before.st_mtime_ns
    assert os.listdir(tmp_path) == [told.file.name]


def test_a_disk_that_refuses_is_counted_and_home_assistant_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = Told(tmp_path / "file")  # no folder can be made here
    assert len(told.turns(0, 10)) == 1
    assert told.part.counters()["memory_failures"] >= 1


def test_a_pipe_in_place_of_the_file_holds_nobody_up(tmp_path: Path) -> None:
    told = Told(tmp_path)
    os.mkfifo(told.file)
    assert len(told.turns(0, 1)) == 1
    assert told.file.is_file()


def test_a_device_of_many_names_remembers_only_the_newest(tmp_path: Path) -> None:
    announced = Announced(tmp_path / "file")
    announced.keep({f"p/device/{number}/config": {"a": "sensor"} for number in range(40)})
    again = Announced(tmp_path / "file")
    again.load()
    assert list(again.topics) == [f"p/device/{number}/config" for number in range(40 - MAX_TOPICS, 40)]


def test_over_a_real_broker_it_is_there_for_who_comes_later_and_after_a_loss(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_assistant, "SPACING", 0.2)
    sink = MqttSink(mqtt(broker.port), "hall", tmp_path, CLOCK)
    chosen = settings(home_assistant={"delay": 0})
    part = HomeAssistant(
        chosen.home_assistant,
        Announced(tmp_path / "home_assistant.json"),
        lambda: describe(chosen),
        lambda topic, payload: sink.announce(topic, payload, retain=True),
    )
    sink.listen("homeassistant/status", lambda said: part.born(said.payload, said.retain))
    sink.start()
    try:

        def after_a_turn(condition: Callable[[], bool]) -> Callable[[], bool]:
            def turned() -> bool:
                part.turn(CLOCK.monotonic_ns() / 1e9, sink.connected)
                return condition()

            return turned

        after_a_turn(bool)()
        with Listener(mqtt(broker.port), "homeassistant/#") as home:
            assert wait_for(lambda: len(home.payloads("/config")) == 1)
        with Listener(mqtt(broker.port), "homeassistant/#") as home:
            assert wait_for(lambda: home.payloads("/config") == [describe(chosen).encoded()])
            publish_once(mqtt(broker.port), "ha", "homeassistant/status", b"online", retain=False, timeout=5)
            assert wait_for(after_a_turn(lambda: part.counters()["births"] == 1))
            assert wait_for(after_a_turn(lambda: len(home.payloads("/config")) == 2))
            broker.kill()  # and with it what it retained
            (tmp_path / "mosquitto" / "mosquitto.db").unlink(missing_ok=True)
            broker.start()
            assert home.subscriber.wait_connected(10)
            assert wait_for(lambda: len(home.payloads("/config")) >= 3, 10)
        publish_once(mqtt(broker.port), "person", TOPIC, b"", retain=True, timeout=5)
        with Listener(mqtt(broker.port), "homeassistant/#") as home:
            assert not wait_for(lambda: home.payloads("/config"), 0.5)
    finally:
        sink.stop(2.0)


def test_a_broker_that_is_not_there_is_said_in_words(broker: Mosquitto) -> None:
    broker.stop()
    with pytest.raises(UnavailableError, match="nothing listens"):
        publish_once(mqtt(broker.port), "person", TOPIC, b"", retain=True, timeout=5)
