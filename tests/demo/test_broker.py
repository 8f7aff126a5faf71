"""The embedded broker, with real clients."""

from __future__ import annotations

import socket
import sys
import threading
import time

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.demo.broker import HOST, EmbeddedBroker
from edge.errors import UnavailableError
from edge.transmit.settings import MqttSettings
from edge.transmit.subscriber import Subscriber


def publish(port: int, topic: str, payloads: list[bytes], *, retain: bool = False) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.connect(HOST, port)
    client.loop_start()
    for payload in payloads:
        client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)
    client.disconnect()
    client.loop_stop()


def settings(port: int) -> MqttSettings:
    return MqttSettings(host=HOST, port=port, protocol="3.1.1")


def test_what_is_published_arrives_in_order() -> None:
    arrived: list[bytes] = []
    complete = threading.Event()

    def take(_topic: str, payload: bytes, _retained: bool) -> None:
        arrived.append(payload)
        if len(arrived) == 20:
            complete.set()

    sent = [b"%d" % number for number in range(20)]
    with EmbeddedBroker() as broker:
        subscriber = Subscriber(settings(broker.port), ["edge/demo/#"], take)
        subscriber.start()
        assert subscriber.wait_connected(5)
        publish(broker.port, "edge/demo/digits/event", sent)
        assert complete.wait(5)
        subscriber.stop()
    assert arrived == sent


def test_a_late_subscriber_gets_what_is_retained() -> None:
    arrived: list[tuple[str, bytes, bool]] = []
    with EmbeddedBroker() as broker:
        publish(broker.port, "edge/demo/camera/status", [b"old", b"new"], retain=True)
        subscriber = Subscriber(
            settings(broker.port), ["edge/demo/#"], lambda *message: arrived.append(message)
        )
        subscriber.start()
        assert subscriber.wait_connected(5)
        until = time.monotonic() + 5
        while not arrived and time.monotonic() < until:
            time.sleep(0.02)
        subscriber.stop()
    assert arrived == [("edge/demo/camera/status", b"new", True)]


def test_two_have_ports_of_their_own_and_leave_them() -> None:
    with EmbeddedBroker() as first, EmbeddedBroker() as second:
        assert first.port != second.port
        ports = (first.port, second.port)
        publish(first.port, "edge/demo/stats", [b"{}"])
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port), 2)


def test_without_the_extra_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "amqtt.broker", None)
    with pytest.raises(UnavailableError) as raised:
        EmbeddedBroker()
    assert str(raised.value) == (
        "edge demo needs a broker of its own, amqtt; make demo in a checkout, or pip install amqtt"
    )


def test_no_port_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as taken:
        monkeypatch.setattr("edge.demo.broker._free_port", lambda: taken.getsockname()[1])
        with pytest.raises(UnavailableError, match="does not start on any port"), EmbeddedBroker():
            pass
