"""What comes in from a real broker and who hears it; and what goes out besides states and events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sized
from pathlib import Path

import pytest
from mosquitto import Mosquitto
from parts import CLOCK, Listener, event, mqtt, wait_for

from edge.records import Reply, Request
from edge.transmit.board import LETTERS, OUTSIDE, Board, Letter, Posted
from edge.transmit.client import Connection, Introduction
from edge.transmit.delivery import MqttSink
from edge.transmit.listeners import Listeners, matches
from edge.transmit.notices import Accepted, Arrived
from edge.transmit.topics import Rule
from edge.transmit.wire import WireLimits

QOS1, QOS0 = Rule(retain=False, qos=1), Rule(retain=False, qos=0)


@pytest.fixture
def sink(broker: Mosquitto, tmp_path: Path) -> Iterator[MqttSink]:
    """One that is not started yet."""
    sink = MqttSink(mqtt(broker.port), "kitchen", tmp_path, CLOCK)
    yield sink
    sink.stop(2.0)


class Speaker:
    """A client that only publishes."""

    def __init__(self, port: int) -> None:
        self._connection = Connection(mqtt(port), Introduction("speaker", "speaker"), 5, lambda: None)
        self._notices = self._connection.notices()

    def __enter__(self) -> Speaker:
        assert wait_for(lambda: any(isinstance(each, Accepted) for each in self._connection.notices()))
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.say_goodbye()
        assert self._connection.join(5.0)

    def until(self, heard: Sized, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Says it until it is heard: whether the other one has subscribed yet nobody can see from here."""

        def say() -> bool:
            assert self._connection.publish(topic, payload, qos=1, retain=retain)
            return len(heard) > 0

        return wait_for(say)


def letters(board: Board) -> list[Letter]:
    return list(iter(board.fetch, None))


@pytest.mark.parametrize(
    ("topic_filter", "topic", "fits"),
    [
        ("a/b", "a/b", True), ("a/b", "a/c", False), ("a/+", "a/b", True), ("a/+", "a/b/c", False),
        ("a/+", "a", False), ("a/#", "a", True), ("a/#", "a/b/c", True), ("#", "a/b", True), ("+", "", True),
        ("+/+", "/b", True), ("#", "$SYS/x", False), ("+/x", "$SYS/x", False), ("$SYS/#", "$SYS/x", True),
        ("a/+/c", "a/b/c", True),
    ],
)  # fmt: skip
def test_a_topic_fits_a_filter_as_the_standard_says(topic_filter: str, topic: str, fits: bool) -> None:
    assert matches(topic_filter, topic) is fits


def test_a_listener_that_fails_is_told_once_and_the_others_hear(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def broken(_message: Arrived) -> None:
        raise ZeroDivisionError("for a test")

    listeners = Listeners()
    listeners.listen("a/#", broken)
    listeners.listen("a/+", lambda message: heard.append(message.topic))
    for _ in range(3):
        listeners.arrived(Arrived("a/b", b""))
    assert heard == ["a/b"] * 3
    assert listeners.counters() == {"arrived": 3, "listener_faults": 3}
    assert len(caplog.records) == 1


def test_what_was_subscribed_to_comes_on_every_connection(broker: Mosquitto, sink: MqttSink) -> None:
    heard: list[Arrived] = []
    greeted: list[float] = []
    sink.listen("home/status", heard.append)
    sink.on_connect(lambda: greeted.append(time.monotonic()))
    sink.start()
    assert wait_for(lambda: sink.connected)
    with Speaker(broker.port) as speaker:
        assert speaker.until(heard, "home/status", b"online")
    broker.kill()
    (broker._folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()
    assert wait_for(lambda: len(greeted) == 2)
    heard.clear()
    with Speaker(broker.port) as speaker:
        assert speaker.until(heard, "home/status", b"again", retain=True)
    assert (heard[0].payload, heard[0].retain) == (b"again", False)


def test_what_is_announced_is_replaced_told_again_and_taken_back(broker: Mosquitto, sink: MqttSink) -> None:
    topic = "homeassistant/device/kitchen/config"
    sink.announce(topic, b'{"old": 1}', retain=True)
    sink.announce(topic, b'{"new": 1}', retain=True)
    with Listener(mqtt(broker.port), "homeassistant/#") as listener:
        sink.start()
        assert wait_for(lambda: listener.payloads("config") == [b'{"new": 1}'])
        sink.announce(topic, b'{"newer": 1}', retain=True)
        assert wait_for(lambda: listener.payloads("config")[-1] == b'{"newer": 1}')
    broker.kill()
    (broker._folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()
    with Listener(mqtt(broker.port), "homeassistant/#") as listener:
        assert wait_for(lambda: listener.payloads("config") == [b'{"newer": 1}']), "a new broker knows it too"
        sink.announce(topic, b"", retain=True)
        assert wait_for(lambda: listener.payloads("config")[-1] == b"")
    with Listener(mqtt(broker.port), "homeassistant/#") as listener:
        assert not wait_for(lambda: listener.messages, 0.3)


def test_what_is_announced_is_bounded_and_not_repeated_by_the_heartbeat() -> None:
    board = Board(heartbeat=10)
    retained = Rule(retain=True, qos=1)
    for number in range(OUTSIDE + 3):
        board.post(Posted(f"home/{number}", b"{}", retained))
    due = board.due(0.0)
    assert len(due) == OUTSIDE
    assert board.counters()["announcements_dropped"] == 3
    for posted in due:
        board.sent(posted, 0.0)
    board.post(Posted("digits/state", b"{}"))
    assert [posted.topic for posted in board.due(100.0)] == ["digits/state"]
    board.again()
    assert len(board.due(100.0)) == OUTSIDE + 1


def test_letters_are_sent_once_in_order_and_bounded() -> None:
    board = Board(heartbeat=10)
    for number in range(LETTERS + 2):
        board.write(Letter(f"answer/{number}", b"", QOS1))
    found = letters(board)
    assert [letter.topic for letter in found] == [f"answer/{number}" for number in range(2, LETTERS + 2)]
    assert board.counters()["letters_dropped"] == 2
    board.recall(found[:2])
    assert not board.idle()
    assert [letter.topic for letter in letters(board)] == ["answer/2", "answer/3"]
    assert board.idle()


def test_only_the_newest_picture_waits_and_none_for_a_new_connection() -> None:
    board = Board(heartbeat=10)
    board.write(Letter("edge/kitchen/snapshot", b"old", QOS0))
    board.write(Letter("answer", b"", QOS1))
    board.write(Letter("edge/kitchen/snapshot", b"new", QOS0))
    board.again()
    assert [letter.topic for letter in letters(board)] == ["answer"], "an old picture is none"
    board.write(Letter("edge/kitchen/snapshot", b"old", QOS0))
    board.write(Letter("edge/kitchen/snapshot", b"new", QOS0))
    assert [letter.payload for letter in letters(board)] == [b"new"]


def test_answers_outlive_a_lost_connection(broker: Mosquitto, sink: MqttSink) -> None:
    sink.start()
    assert wait_for(lambda: sink.connected)
    broker.kill()
    assert wait_for(lambda: not sink.connected)
    sink.answer(Letter("home/answer", b"1", QOS1))
    listener = Listener(mqtt(broker.port), "home/#")
    sink.answer(Letter("home/answer", b"2", QOS1))
    broker.start()
    with listener:
        # The first may have come before this subscriber did; the second device's letter proves the order.
        sink.answer(Letter("home/answer", b"3", QOS1))
        assert wait_for(lambda: b"3" in listener.payloads("answer"))
        assert sorted(listener.payloads("answer")) == listener.payloads("answer")
    assert wait_for(lambda: sink.counters()["letters_sent"] >= 3)


def test_a_letter_that_is_too_large_is_counted_and_holds_up_nobody(broker: Mosquitto, tmp_path: Path) -> None:
    sink = MqttSink(mqtt(broker.port, max_payload=1024), "kitchen", tmp_path, CLOCK)
    with Listener(mqtt(broker.port), "#") as listener:
        sink.start()
        assert wait_for(lambda: listener.payloads("availability") == [b"online"])
        sink.show("snapshot", b"x" * 2000)
        sink.put([event(1)])
        assert wait_for(lambda: listener.tracks() == [1])
        assert sink.counters()["letters_refused"] == 1
        sink.show("snapshot", b"x" * 1000)
        assert wait_for(lambda: listener.payloads("/snapshot") == [b"x" * 1000])
        assert sink.stop(2.0)


def test_a_command_comes_from_the_broker_and_its_answer_goes_back(broker: Mosquitto, sink: MqttSink) -> None:
    taken: list[Request] = []

    def take(request: Request) -> None:
        taken.append(request)

    sink.obey(WireLimits(1000, 600, 10), take)
    sink.start()
    with Listener(mqtt(broker.port), "edge/kitchen/cmd/#") as listener, Speaker(broker.port) as speaker:
        assert wait_for(lambda: sink.connected)
        assert speaker.until(taken, "edge/kitchen/cmd/people", b'{"request": 5}')
        taken[0].answer(Reply(ok=True, message="nobody", data={"people": []}))
        assert wait_for(lambda: listener.payloads("/result"))
        told = json.loads(listener.payloads("/result")[0])
    assert (told["command"], told["request"], told["data"]) == ("people", "5", {"people": []})
    with Listener(mqtt(broker.port), "edge/kitchen/cmd/#") as listener:
        assert not wait_for(lambda: listener.messages, 0.3), "answers are not retained"
