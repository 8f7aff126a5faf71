"""A broker killed in the middle: nothing is missing, first arrivals are in order, few come twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from mosquitto import Mosquitto
from paho.mqtt.enums import CallbackAPIVersion
from parts import event, mqtt, running, wait_for

EVENTS = 300


class Persistent:
    """A subscriber whose session the broker keeps while it is away."""

    def __init__(self, port: int) -> None:
        self.ids: list[str] = []
        self.broker_again = 0
        self.subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "persistent", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("edge/+/digits/event", 1)
        self._client.on_subscribe = lambda *_: self.subscribed.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _hear(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self.ids.append(json.loads(message.payload)["id"])
        self.broker_again += message.dup

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def persistent(broker: Mosquitto) -> Iterator[Persistent]:
    subscriber = Persistent(broker.port)
    assert subscriber.subscribed.wait(5)
    broker.save()
    yield subscriber
    subscriber.close()


@pytest.mark.parametrize("protocol", [5, "3.1.1"])
def test_a_broker_killed_in_the_middle_loses_nothing(
    broker: Mosquitto, persistent: Persistent, tmp_path: Path, protocol: str
) -> None:
    """It is frozen before it is killed: what mosquitto confirms in its last moments it may lose itself."""
    settings = mqtt(broker.port, protocol=protocol)
    with running(settings, tmp_path) as sink:
        for number in range(EVENTS):
            sink.put([event(number)])
            if number == 100:
                assert wait_for(lambda: len(persistent.ids) == 101 and sink.depth() == 0)
                broker.save()
                broker.freeze()
            if number == 150:
                broker.kill()
            if number == 200:
                broker.start()
            time.sleep(0.002)
        assert wait_for(lambda: sink.depth() == 0, seconds=10)
        counts = sink.counters()
    assert wait_for(lambda: len(set(persistent.ids)) == EVENTS), (
        f"{EVENTS - len(set(persistent.ids))} are missing"
    )
    firsts = list(dict.fromkeys(persistent.ids))
    assert firsts == sorted(firsts), "ids rise with the order of their commit"
    # What the broker itself had not been acknowledged by this subscriber it sends again, and says so.
    assert len(persistent.ids) - EVENTS - persistent.broker_again <= settings.in_flight
    assert counts["sent_again"] == settings.in_flight
    assert (counts["delivered"], counts["dropped"]) == (EVENTS, 0)
