"""The subscriber of `edge watch` and `edge demo`."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from mosquitto import Mosquitto, free_port
from parts import Listener, event, mqtt, pretender, running, wait_for

from edge.errors import UnavailableError
from edge.transmit import subscriber as module
from edge.transmit.subscriber import Subscriber


def test_it_subscribes_again_after_the_broker_was_away(broker: Mosquitto, tmp_path: Path) -> None:
    settings = mqtt(broker.port)
    with Listener(settings, "edge/+/digits/event") as listener, running(settings, tmp_path) as sink:
        sink.put([event(1)])
        assert wait_for(lambda: listener.tracks() == [1])
        broker.stop()
        assert wait_for(lambda: not listener.subscriber.connected)
        broker.start()
        assert listener.subscriber.wait_connected(5)
        sink.put([event(2)])
        assert wait_for(lambda: 2 in listener.tracks())


def test_a_function_that_is_too_slow_loses_messages_and_they_are_counted(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOM", 0)
    settings = mqtt(broker.port)
    with Listener(settings, "edge/+/digits/event") as listener, running(settings, tmp_path) as sink:
        sink.put([event(number) for number in range(20)])
        assert wait_for(lambda: listener.subscriber.counters() == {"received": 20, "dropped": 20})
        assert not listener.messages


def test_without_a_broker_it_waits_and_says_why() -> None:
    subscriber = Subscriber(mqtt(free_port()), ["edge/#"], lambda *_: None)
    subscriber.start()
    assert not subscriber.wait_connected(0.3)
    assert "nothing listens there" in subscriber.describe()
    assert subscriber.stop()


def test_a_denied_subscription_is_told() -> None:
    def deny(connection: socket.socket) -> None:
        """A broker of MQTT 3.1.1 that accepts everybody and grants nothing."""
        connection.recv(1000)
        connection.sendall(b"\x20\x02\x00\x00")
        subscribe = connection.recv(1000)
        connection.sendall(b"\x90\x03" + subscribe[2:4] + b"\x80")
        connection.recv(1000)

    with pretender(deny) as port:
        subscriber = Subscriber(mqtt(port, protocol="3.1.1"), ["edge/#"], lambda *_: None)
        subscriber.start()
        with pytest.raises(UnavailableError, match="denies the subscription"):
            subscriber.wait_connected(5)
        assert subscriber.stop()


def test_what_the_function_raises_ends_the_subscription_and_is_kept(
    broker: Mosquitto, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("for a test")

    settings = mqtt(broker.port)
    subscriber = Subscriber(settings, ["edge/#"], broken)
    subscriber.start()
    assert subscriber.wait_connected(5)
    with running(settings, tmp_path):
        assert wait_for(lambda: isinstance(subscriber.fault, ZeroDivisionError))
    assert not subscriber.connected
    assert subscriber.stop()
