"""A subscriber whose session the broker keeps while either of them is away; it remembers every event."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tools.soak.mosquitto import HOST


def leave(client: Client) -> None:
    """Ends a client of paho's with its thread, which may end before it has closed the socket."""
    client.disconnect()
    client.loop_stop()
    if (left := client.socket()) is not None:
        left.close()


class Arrival(NamedTuple):
    """One message: monotonic seconds, topic, and of its payload ``id`` and ``track``."""

    at: float
    topic: str
    id: str
    track: int


class Subscriber:
    """Use as a context manager: subscribed once inside. MQTT 3.1.1, and nothing of ours is in it."""

    def __init__(self, port: int, filters: tuple[str, ...] = ("edge/+/+/event",)) -> None:
        self.arrivals: list[Arrival] = []
        self._subscribed = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2, "soak-subscriber", clean_session=False)
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda client, *_: client.subscribe([(name, 1) for name in filters])
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = self._take
        self._client = client
        self._port = port

    def __enter__(self) -> Subscriber:
        self._client.connect(HOST, self._port, keepalive=600)
        self._client.loop_start()
        if not self._subscribed.wait(10):
            raise RuntimeError("the subscriber of the trial got no subscription")
        return self

    def __exit__(self, *_: object) -> None:
        leave(self._client)

    def ids(self) -> list[str]:
        """Of all events that came, in the order of their arrival."""
        return [arrival.id for arrival in list(self.arrivals)]

    def firsts(self) -> list[Arrival]:
        """The first arrival of each id, in their order."""
        seen: dict[str, Arrival] = {}
        for arrival in list(self.arrivals):
            seen.setdefault(arrival.id, arrival)
        return list(seen.values())

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        fields = json.loads(message.payload)
        self.arrivals.append(
            Arrival(time.monotonic(), message.topic, str(fields["id"]), int(fields.get("track", 0)))
        )
