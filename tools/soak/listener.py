"""A subscriber that remembers everything as it came, byte for byte, in the order of its arrival."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, NamedTuple

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tools.soak.mosquitto import HOST
from tools.soak.subscriber import leave


class Heard(NamedTuple):
    """One message; ``at``: monotonic seconds; ``retain``: it was kept by the broker, and is no news."""

    at: float
    topic: str
    payload: bytes
    retain: bool

    def fields(self) -> dict[str, Any]:
        """Of a JSON object."""
        return dict(json.loads(self.payload))


class Listener:
    """Use as a context manager: subscribed once inside."""

    def __init__(self, port: int, *filters: str) -> None:
        """``filters``: of topics; by default all below ``edge``."""
        self.heard: list[Heard] = []
        self._subscribed = threading.Event()
        self._port = port
        self._client = client = Client(CallbackAPIVersion.VERSION2)
        client.reconnect_delay_set(1, 1)
        wanted = [(name, 1) for name in filters or ("edge/#",)]
        client.on_connect = lambda client, *_: client.subscribe(wanted)
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_message = self._take

    def __enter__(self) -> Listener:
        self._client.connect(HOST, self._port, keepalive=600)
        self._client.loop_start()
        if not self._subscribed.wait(10):
            raise RuntimeError("the listener of the trial got no subscription")
        return self

    def __exit__(self, *_: object) -> None:
        leave(self._client)

    def of(self, ending: str, since: float = 0.0) -> list[Heard]:
        """What came on topics that end so, from the monotonic second ``since`` on."""
        return [one for one in list(self.heard) if one.topic.endswith(ending) and one.at >= since]

    def newest(self, ending: str) -> Heard | None:
        """The newest on a topic that ends so."""
        return next((one for one in reversed(list(self.heard)) if one.topic.endswith(ending)), None)

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.heard.append(Heard(time.monotonic(), message.topic, bytes(message.payload), message.retain))
