"""What comes in from the broker: subscriptions, their denial, and messages that nobody should send."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from mosquitto import Mosquitto, leave
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from parts import mqtt, wait_for

from edge.transmit.client import ROOM, Introduction
from edge.transmit.link import Link
from edge.transmit.notices import Arrived, Notice
from edge.transmit.properties import MessageProperties
from edge.transmit.settings import MqttSettings

CMD = "edge/kitchen/cmd/+"
VERSIONS = pytest.mark.parametrize("protocol", [5, "3.1.1"])


class Follower:
    """A link that is turned, and what it noticed."""

    def __init__(self, settings: MqttSettings, *filters: str) -> None:
        introduction = Introduction("network", "edge-kitchen", None, filters or (CMD,))
        self.notices: list[Notice] = []
        self.link = Link(settings, introduction, lambda: None, time.monotonic())

    def turn(self) -> list[Notice]:
        self.notices += self.link.turn(time.monotonic())
        return self.notices

    def arrived(self) -> list[Arrived]:
        return [notice for notice in self.turn() if isinstance(notice, Arrived)]

    def saw(self, name: str) -> int:
        return sum(type(notice).__name__ == name for notice in self.turn())

    def has(self, name: str, count: int) -> bool:
        return self.saw(name) == count

    def counts(self, name: str, count: int) -> bool:
        self.turn()
        return self.link.counters()[name] == count


@contextmanager
def following(settings: MqttSettings, *filters: str) -> Iterator[Follower]:
    follower = Follower(settings, *filters)
    try:
        assert wait_for(lambda: follower.saw("Subscribed")), follower.link.describe(time.monotonic())
        yield follower
    finally:
        follower.link.close(time.monotonic(), 2.0)


@contextmanager
def sender(port: int) -> Iterator[Callable[..., None]]:
    """Publishes with QoS 1 and properties, and waits until the broker has it."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(5)

    def send(topic: str, payload: bytes, retain: bool = False, **said: Any) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        for name, value in said.items():
            setattr(properties, name, value)
        client.publish(topic, payload, 1, retain, properties).wait_for_publish(5)

    try:
        yield send
    finally:
        leave(client)


@VERSIONS
def test_subscriptions_are_made_again_on_every_connection(broker: Mosquitto, protocol: Any) -> None:
    with following(mqtt(broker.port, protocol=protocol), CMD, "homeassistant/status") as follower:
        for life in (1, 2):
            with sender(broker.port) as send:
                send("edge/kitchen/cmd/detect", b"1")
                send("homeassistant/status", b"online")
                send("edge/hall/cmd/detect", b"not for us")
            assert wait_for(partial(follower.has, "Arrived", 2 * life))
            if life == 1:
                broker.kill()
                assert wait_for(lambda: follower.saw("Ended"))
                broker.start()
                assert wait_for(lambda: follower.saw("Subscribed") == 2)
        topics = [message.topic for message in follower.arrived()]
        assert topics == ["edge/kitchen/cmd/detect", "homeassistant/status"] * 2


@VERSIONS
def test_what_was_retained_says_so(broker: Mosquitto, protocol: Any) -> None:
    with sender(broker.port) as send:
        send("edge/kitchen/cmd/detect", b"old", retain=True)
        with following(mqtt(broker.port, protocol=protocol)) as follower:
            assert wait_for(lambda: len(follower.arrived()) == 1)
            send("edge/kitchen/cmd/detect", b"new")
            assert wait_for(lambda: len(follower.arrived()) == 2)
            said = [(message.payload, message.retain) for message in follower.arrived()]
    assert said == [(b"old", True), (b"new", False)]


@pytest.mark.parametrize(("protocol", "answer"), [(5, ("asker/inbox", b"\x00\x01")), ("3.1.1", (None, None))])
def test_where_an_answer_is_wanted(broker: Mosquitto, protocol: Any, answer: Any) -> None:
    with following(mqtt(broker.port, protocol=protocol)) as follower, sender(broker.port) as send:
        send("edge/kitchen/cmd/detect", b"{}", ResponseTopic="asker/inbox", CorrelationData=b"\x00\x01")
        assert wait_for(follower.arrived)
        (message,) = follower.arrived()
    assert (message.response_topic, message.correlation) == answer


def test_correlation_data_that_is_too_long_is_not_given_back(broker: Mosquitto) -> None:
    with following(mqtt(broker.port)) as follower, sender(broker.port) as send:
        send("edge/kitchen/cmd/detect", b"{}", ResponseTopic="asker/inbox", CorrelationData=b"x" * 129)
        assert wait_for(follower.arrived)
        (message,) = follower.arrived()
    assert (message.response_topic, message.correlation) == ("asker/inbox", None)


@VERSIONS
def test_a_payload_above_the_bound_is_not_kept(broker: Mosquitto, protocol: Any) -> None:
    settings = mqtt(broker.port, protocol=protocol, max_payload=2000)
    with following(settings) as follower, sender(broker.port) as send:
        send("edge/kitchen/cmd/enroll", b"x" * 2000)
        send("edge/kitchen/cmd/enroll", b"x" * 2001)
        assert wait_for(lambda: len(follower.arrived()) == 2)
        said = [(len(message.payload), message.size, message.oversize) for message in follower.arrived()]
    assert said == [(2000, 2000, False), (0, 2001, True)]


def test_a_message_of_megabytes_never_reaches_memory(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """With MQTT 5 the broker knows what we take, and leaves it out; with 3.1.1 we hang up before reading."""
    with following(mqtt(broker.port, protocol=5)) as follower, sender(broker.port) as send:
        send("edge/kitchen/cmd/enroll", b"x" * 5_000_000)
        send("edge/kitchen/cmd/enroll", b"short")
        assert wait_for(follower.arrived)
        assert [message.payload for message in follower.arrived()] == [b"short"]
        assert follower.saw("Ended") == 0
    with (
        caplog.at_level(logging.WARNING),
        following(mqtt(broker.port, protocol="3.1.1")) as follower,
        sender(broker.port) as send,
    ):
        send("edge/kitchen/cmd/enroll", b"x" * 5_000_000)
        assert wait_for(lambda: follower.saw("Subscribed") == 2), "it connects again"
        send("edge/kitchen/cmd/enroll", b"short")
        assert wait_for(follower.arrived)
    assert "larger than 589824; let the broker refuse such messages" in caplog.text


def test_a_flood_of_properties_is_not_read(broker: Mosquitto) -> None:
    """Reading these 60 kB would take a second or more of one processor."""
    with following(mqtt(broker.port)) as follower, sender(broker.port) as send:
        send("edge/kitchen/cmd/detect", b"{}", ResponseTopic="inbox", UserProperty=[("", "")] * 12_000)
        begun = time.monotonic()
        assert wait_for(follower.arrived)
        (message,) = follower.arrived()
        assert (message.payload, message.response_topic) == (b"{}", None)
        assert follower.link.counters()["properties_dropped"] == 1
        assert time.monotonic() - begun < 5


def test_what_is_not_fetched_is_dropped_beyond_a_bound(broker: Mosquitto) -> None:
    with following(mqtt(broker.port)) as follower, sender(broker.port) as send:
        for number in range(ROOM + 20):
            send("edge/kitchen/cmd/detect", str(number).encode())
        assert wait_for(lambda: follower.link.counters()["arrivals_dropped"] == 20)
        assert [int(message.payload) for message in follower.arrived()] == list(range(ROOM))
        broker.kill()
        assert wait_for(lambda: follower.saw("Ended"))
        assert follower.link.counters()["arrivals_dropped"] == 20, "the count outlives the connection"


@pytest.fixture
def choosy(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto that refuses subscriptions, which its ACL files cannot; all but homeassistant/status."""
    libraries = [*Path("/usr/lib").glob("*/mosquitto_dynamic_security.so")]
    assert libraries, "mosquitto's own plugin is missing: apt-get install mosquitto"
    folder = tmp_path / "choosy"
    folder.mkdir()
    allowed = {"acltype": "subscribeLiteral", "topic": "homeassistant/status", "allow": True}
    rules = {
        "defaultACLAccess": {
            "publishClientSend": True,
            "publishClientReceive": True,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": [],
        "groups": [{"groupname": "all", "roles": [{"rolename": "device"}]}],
        "roles": [{"rolename": "device", "acls": [allowed]}],
        "anonymousGroup": "all",
    }
    (folder / "rules.json").write_text(json.dumps(rules))
    plugin = (f"plugin {libraries[0]}", f"plugin_opt_config_file {folder}/rules.json")
    broker = Mosquitto(folder, "allow_anonymous true", *plugin)
    broker.start()
    yield broker
    broker.close()


@pytest.mark.parametrize(("protocol", "reason"), [(5, "Not authorized"), ("3.1.1", "Unspecified error")])
def test_a_denied_subscription_is_told_once_and_counted(
    choosy: Mosquitto, caplog: pytest.LogCaptureFixture, protocol: Any, reason: str
) -> None:
    settings = mqtt(choosy.port, protocol=protocol)
    with caplog.at_level(logging.WARNING), following(settings, CMD, "homeassistant/status") as follower:
        for life in (1, 2):
            assert wait_for(partial(follower.counts, "subscriptions_refused", life))
            choosy.kill()
            assert wait_for(partial(follower.has, "Ended", life))
            choosy.start()
            assert wait_for(partial(follower.has, "Subscribed", life + 1))
    told = [record.getMessage() for record in caplog.records if "denies" in record.getMessage()]
    assert len(told) == 1
    assert told[0].startswith(f"the broker denies the subscription to {CMD}: {reason}; nothing will arrive")
    assert "let the ACL of this user read it" in told[0]


def test_what_mqtt_5_says_beside_a_payload(broker: Mosquitto) -> None:
    heard: list[paho.MQTTMessage] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_message = lambda _client, _data, message: heard.append(message)
    subscribed = threading.Event()
    client.on_connect = lambda client, *_: client.subscribe("#", 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert subscribed.wait(5)
    said = MessageProperties("application/json", 180, b"\x07", (("schema", "1"), ("schema", "2")))
    with following(mqtt(broker.port, protocol=5)) as follower:
        follower.link.publish("t", b"{}", qos=1, retain=False, properties=said)
        assert wait_for(lambda: heard)
        (got,) = heard
        assert got.properties is not None
        assert got.properties.json() == {  # type: ignore[no-untyped-call]
            "ContentType": "application/json",
            "MessageExpiryInterval": 180,
            "CorrelationData": "07",
            "UserProperty": [("schema", "1"), ("schema", "2")],
        }
    with following(mqtt(broker.port, protocol="3.1.1")) as follower:
        follower.link.publish("t", b"{}", qos=1, retain=False, properties=said)
        assert wait_for(lambda: len(heard) == 2)
    leave(client)


def test_the_window_is_no_larger_than_the_broker_s(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, "allow_anonymous true", "max_inflight_messages 3", "max_packet_size 4000")
    broker.start()
    try:
        with following(mqtt(broker.port, protocol=5)) as follower:
            (accepted,) = [notice for notice in follower.turn() if type(notice).__name__ == "Accepted"]
        assert repr(accepted) == "Accepted(window=3, largest=4000)"
    finally:
        broker.close()
