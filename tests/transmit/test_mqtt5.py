"""What MQTT 5 says beside the payloads of the service, to a subscriber that reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from mosquitto import Mosquitto, leave
from paho.mqtt.enums import CallbackAPIVersion
from parts import event, mqtt, running, state, wait_for

from edge.transmit.client import Connection, Introduction
from edge.transmit.notices import Accepted, Answered
from edge.transmit.properties import MessageProperties

JSON = {"ContentType": "application/json", "UserProperty": [("schema", "1")]}


@contextmanager
def reading(port: int, topic: str = "edge/#") -> Iterator[dict[str, Any]]:
    """The properties of the last message of each topic."""
    found: dict[str, Any] = {}
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    subscribed = threading.Event()

    def heard(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        assert message.properties is not None
        found[message.topic.removeprefix("edge/kitchen/")] = message.properties.json()  # type: ignore[no-untyped-call]

    client.on_message = heard
    client.on_connect = lambda client, *_: client.subscribe(topic, 1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert subscribed.wait(5)
    try:
        yield found
    finally:
        leave(client)


def test_states_fade_and_everything_says_what_it_is(broker: Mosquitto, tmp_path: Path) -> None:
    states = {"camera/status", "digits/state", "readings/water", "stats"}
    with reading(broker.port) as found, running(mqtt(broker.port, heartbeat=10.0), tmp_path) as sink:
        sink.put([event(1)])
        sink.post([state(topic) for topic in (*states, "settings")])
        assert wait_for(lambda: found.keys() >= {*states, "settings", "digits/event", "availability"})
    # The broker gives what is left of three heartbeats.
    left = {topic: found[topic].pop("MessageExpiryInterval") for topic in states}
    assert all(15 <= seconds <= 30 for seconds in left.values()), left
    assert all(found[topic] == JSON for topic in (*states, "settings", "digits/event"))
    assert found["availability"] == JSON | {"ContentType": "text/plain"}


def test_a_retained_state_of_a_device_that_is_gone_is_forgotten(broker: Mosquitto) -> None:
    connection = Connection(mqtt(broker.port), Introduction("network", "gone"), 5, lambda: None)
    notices: list[object] = []

    def noticed(kind: type) -> bool:
        notices.extend(connection.notices())
        return any(isinstance(notice, kind) for notice in notices)

    assert wait_for(lambda: noticed(Accepted))
    for topic, expiry in (("edge/kitchen/fades", 2), ("edge/kitchen/stays", None)):
        said = MessageProperties(message_expiry=expiry)
        connection.publish(topic, b"{}", qos=1, retain=True, properties=said)
    assert wait_for(lambda: noticed(Answered))

    def kept() -> set[str]:
        with reading(broker.port) as found:
            # The broker sends what it retains in the order of the names, one behind the other.
            assert wait_for(lambda: "stays" in found)
            return set(found)

    assert wait_for(lambda: kept() == {"stays"}, seconds=15)
    connection.say_goodbye()
    assert connection.join(5)
