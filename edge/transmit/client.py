"""One connection to a broker, from its opening to its end: the only module that knows paho-mqtt.

paho is imported when the first connection opens. A ``Connection`` is used once: after its end a new one
is made, so nothing that paho remembers crosses from one to the next, and no message is handed to it
twice. paho's network loop runs on a thread of ours, whose name and pulse we know. What happens there
comes out as notices, which the owner fetches on its own thread; so none of the owner's code runs in a
callback, and an acknowledgement that overtakes the owner's bookkeeping waits for it.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.errors import EdgeError
from edge.transmit.credentials import password, tls_context
from edge.transmit.notices import (
    Accepted,
    Answered,
    Arrived,
    Ended,
    Notice,
    Refusal,
    Subscribed,
    Trouble,
    Version,
)
from edge.transmit.properties import MessageProperties

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.transmit.settings import MqttSettings

ANSWER_WITHIN = 10.0
"""Seconds for the broker's answer to CONNECT."""

TURN = 0.5
"""Seconds for which the network loop waits for traffic at most: its pulse."""

_VERSION_CODES = {0x81, 0x82, 0x84}
"""Malformed packet, protocol error, unsupported version: answers to a version that is not spoken."""
_LOGIN_CODES = {0x85, 0x86, 0x87, 0x8A, 0x8C}
"""Client id, user name or password, authorisation, ban, method."""

UNSPECIFIED = 0x80
"""The reason code that says nothing."""

ROOM = 100
"""Arrived messages that wait to be fetched at most; further ones are dropped and counted."""

OnMessage = Callable[[str, bytes, bool], None]
"""Called on the network thread with topic, payload, and whether it was retained; must not block."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this client is gone without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Introduction:
    """How a client presents itself: ``name`` of its network thread, id, will.

    ``subscriptions``: topic filters, subscribed to with QoS 1 on every connection anew. What arrives goes to
    ``on_message``, or comes out as notices where there is none.
    """

    name: str
    client_id: str
    will: Will | None = None
    subscriptions: tuple[str, ...] = ()
    on_message: OnMessage | None = None


class Connection:
    """Opens at once, on a thread of its own. ``wake`` is called whenever a notice is there to be fetched."""

    def __init__(
        self, settings: MqttSettings, introduction: Introduction, version: Version, wake: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._introduction = introduction
        self._version = version
        self._wake = wake
        self._client: Client | None = None
        self._notices: deque[Notice] = deque()
        self._arrived = 0
        """Messages among the notices."""
        self.arrivals_dropped = 0
        """Messages that found no room."""
        self._lock = threading.Lock()
        """Of the notices and their counts; held for microseconds."""
        self._accepted = False
        self._ended: Ended | None = None
        self._abandoned = threading.Event()
        self._pulse = time.monotonic()
        # A daemon thread: a name server that does not answer must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=introduction.name, daemon=True)
        self._thread.start()

    def notices(self) -> list[Notice]:
        """What happened since the last call: answers to what was sent, and the turns of the connection."""
        with self._lock:
            fetched = list(self._notices)
            self._notices.clear()
            self._arrived = 0
        return fetched

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        properties: MessageProperties | None = None,
    ) -> int | None:
        """Hands over one message, and gives its number; None where the connection is already over."""
        client = self._client
        if client is None:
            return None
        said = _said(properties) if properties and self._version == 5 else None
        info = client.publish(topic, payload, qos, retain, said)
        return info.mid if info.rc == 0 else None

    def say_goodbye(self) -> None:
        """Ends in order: the broker drops the will."""
        client = self._client
        if client is None:
            self._abandoned.set()
        else:
            client.disconnect()

    def abandon(self) -> None:
        """Ends without a goodbye: the broker publishes the will. Does not wait."""
        self._abandoned.set()

    def join(self, timeout: float) -> bool:
        """Waits for the end of the network thread; False where it has not come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def silence(self, now: float) -> float:
        """Seconds since the network loop turned last; 0 while it opens the connection: that may take long."""
        return now - self._pulse if self._client is not None else 0.0

    # -- the network thread ------------------------------------------------------------------

    def _run(self) -> None:
        client: Client | None = None
        try:
            client = self._dial()
            self._serve(client)
        except Exception as error:  # noqa: BLE001  (the top of a thread: whatever it is ends the connection, no more)
            self._ended = _ended(error, self._accepted)
        finally:
            self._client = None
            if client is not None and (left := client.socket()) is not None:
                left.close()
            self._tell(self._ended or Ended(Trouble.LOST, "the connection was given up"))

    def _dial(self) -> Client:
        from paho.mqtt.client import Client, MQTTv5, MQTTv311  # noqa: PLC0415  (only where it is used at all)
        from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

        settings, me = self._settings, self._introduction
        client = Client(
            CallbackAPIVersion.VERSION2,
            me.client_id,
            protocol=MQTTv5 if self._version == 5 else MQTTv311,
            reconnect_on_failure=False,
        )
        secret = password(settings)
        if settings.username or secret:
            client.username_pw_set(settings.username or "", secret)
        context = tls_context(settings.tls)
        if context:
            client.tls_set_context(context)
        if me.will:
            client.will_set(me.will.topic, me.will.payload, qos=1, retain=True)
        client.max_inflight_messages_set(0)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        # With this set, publish() leaves the sending to the network loop instead of the caller's thread.
        client.on_socket_register_write = lambda *_: None
        host, port = settings.address
        client.connect(host, port, settings.keepalive)
        return client

    def _serve(self, client: Client) -> None:
        answer_by = time.monotonic() + ANSWER_WITHIN
        self._pulse = time.monotonic()
        self._client = client
        while not self._abandoned.is_set():
            code = client.loop(TURN)
            self._pulse = time.monotonic()
            if code != 0:
                break
            if not self._accepted and self._pulse > answer_by:
                self._ended = Ended(Trouble.SILENT, f"no answer to CONNECT within {ANSWER_WITHIN:g} s")
                return
        if self._ended is None and not self._abandoned.is_set():
            self._ended = (
                Ended(Trouble.LOST, "the connection was cut")
                if self._accepted
                else Ended(Trouble.VERSION, "the broker closed the connection instead of answering")
            )

    def _tell(self, notice: Notice) -> None:
        with self._lock:
            if isinstance(notice, Arrived):
                if self._arrived >= ROOM:
                    self.arrivals_dropped += 1
                    return
                self._arrived += 1
            self._notices.append(notice)
        self._wake()

    def _on_connect(
        self, client: Client, _: Any, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._ended = Ended(_trouble_of(reason.value), f"the broker refuses: {reason}")
            return
        self._accepted = True
        window = getattr(properties, "ReceiveMaximum", None)
        largest = getattr(properties, "MaximumPacketSize", None)
        if self._introduction.subscriptions:
            client.subscribe([(name, 1) for name in self._introduction.subscriptions])
        self._tell(Accepted(min(self._settings.in_flight, window or self._settings.in_flight), largest))

    def _on_publish(
        self, _client: Client, _: Any, mid: int, reason: ReasonCode, _properties: Properties
    ) -> None:
        self._tell(Answered(mid, Refusal(reason.value, str(reason)) if reason.is_failure else None))

    def _on_subscribe(
        self, _client: Client, _: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        answers = zip(self._introduction.subscriptions, reasons, strict=False)
        self._tell(Subscribed(tuple(f"{name}: {reason}" for name, reason in answers if reason.is_failure)))

    def _on_disconnect(
        self,
        _client: Client,
        _: Any,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if self._accepted and self._ended is None:
            who = "the broker hung up" if flags.is_disconnect_packet_from_server else "the connection is lost"
            why = "" if reason.value == UNSPECIFIED else f": {reason}"
            self._ended = Ended(Trouble.LOST, who + why)

    def _on_message(self, _client: Client, _: Any, message: MQTTMessage) -> None:
        payload, size = message.payload, len(message.payload)
        if self._introduction.on_message:
            self._introduction.on_message(message.topic, bytes(payload), message.retain)
            return
        oversize = size > self._settings.max_payload
        said = message.properties
        self._tell(
            Arrived(
                message.topic,
                b"" if oversize else bytes(payload),
                message.retain,
                getattr(said, "ResponseTopic", None),
                getattr(said, "CorrelationData", None),
                size,
                oversize,
            )
        )


def _send_at_once(_client: Client, _: Any, connection: Any) -> None:
    """Without Nagle's algorithm, which holds a second event back until the first one is acknowledged."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _said(properties: MessageProperties) -> Properties:
    """In paho's words."""
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415  (only where it is used at all)
    from paho.mqtt.properties import Properties  # noqa: PLC0415

    said = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if properties.content_type is not None:
        said.ContentType = properties.content_type
    if properties.message_expiry is not None:
        said.MessageExpiryInterval = properties.message_expiry
    if properties.correlation is not None:
        said.CorrelationData = properties.correlation
    for pair in properties.user:
        said.UserProperty = pair
    return said


def _trouble_of(code: int) -> Trouble:
    if code in _VERSION_CODES:
        return Trouble.VERSION
    return Trouble.LOGIN if code in _LOGIN_CODES else Trouble.UNREACHABLE


def _ended(error: Exception, accepted: bool) -> Ended:
    """In words that help a person. The order matters, since these families overlap."""
    if isinstance(error, EdgeError):
        return Ended(Trouble.SETUP, str(error))
    if isinstance(error, ssl.SSLError):
        words = getattr(error, "verify_message", None) or error.reason or error
        return Ended(Trouble.TLS, f"TLS failed: {words}")
    if isinstance(error, socket.gaierror):
        return Ended(Trouble.UNREACHABLE, f"its name cannot be resolved: {error.strerror}")
    if isinstance(error, ConnectionRefusedError):
        return Ended(Trouble.UNREACHABLE, "nothing listens there")
    if isinstance(error, TimeoutError):
        return Ended(Trouble.UNREACHABLE, "no answer from that address")
    if isinstance(error, OSError):
        return Ended(Trouble.LOST if accepted else Trouble.UNREACHABLE, error.strerror or str(error))
    return Ended(Trouble.SETUP, f"a fault of ours: {error!r}")
