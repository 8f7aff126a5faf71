"""What is needed of paho-mqtt, in plain types: the only module that knows it.

paho is imported when the first connection opens. A ``Driver`` is used for one connection: nothing that paho
remembers crosses from one to the next. Its methods are called on the thread that turns it, but for
``publish`` and ``disconnect``; so are its ``Ears``.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from edge.transmit import inbound
from edge.transmit.credentials import password, tls_context
from edge.transmit.legible import legible
from edge.transmit.notices import Refusal, Version
from edge.transmit.properties import MessageProperties

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import MQTTErrorCode
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.transmit.settings import MqttSettings

TLS_ALERT = b"\x15"
"""The first byte of an alert in TLS (RFC 8446, section 5.1), in MQTT the reserved flags of a CONNECT."""


@dataclass(frozen=True, slots=True)
class Message:
    """As it arrived; ``topic`` None where it is no text."""

    topic: str | None
    payload: bytes
    retain: bool
    response_topic: str | None
    correlation: bytes | None


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears what: the broker's answer to CONNECT (a refusal, or receive maximum and largest packet), to a
    message by its number, to the subscriptions in their order; messages; that one's properties were too large
    to be read; and that the broker says goodbye."""

    connected: Callable[[Refusal | None, int | None, int | None], None]
    answered: Callable[[int, Refusal | None], None]
    subscribed: Callable[[list[Refusal | None]], None]
    arrived: Callable[[Message], None]
    trimmed: Callable[[], None]
    dismissed: Callable[[Refusal], None]


class Driver:
    """One client of paho's."""

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        version: Version,
        will: tuple[str, bytes] | None,
        ears: Ears,
    ) -> None:
        """``will``: topic and payload. Opens nothing.

        Raises ``ConfigError`` where the password or a certificate cannot be used.
        """
        from paho.mqtt.client import MQTTv5, MQTTv311  # noqa: PLC0415  (only where it is used at all)
        from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

        self._settings = settings
        self._ears = ears
        self._version = version
        self._client = client = _guarded()(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=MQTTv5 if version == 5 else MQTTv311,
            reconnect_on_failure=False,
        )
        client.largest = inbound.largest_packet(settings.max_payload)
        client.on_trimmed = ears.trimmed
        secret = password(settings)
        if settings.username or secret:
            client.username_pw_set(settings.username or "", secret)
        context = tls_context(settings)
        if context:
            client.tls_set_context(context)
        if will:
            client.will_set(*will, qos=1, retain=True)
        client.max_inflight_messages_set(0)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        # With this set, publish() leaves the sending to the network loop instead of the caller's thread.
        client.on_socket_register_write = lambda *_: None

    def open(self) -> None:
        """Waits for the socket and the handshake of TLS, and introduces itself. Raises what goes wrong."""
        host, port = self._settings.address
        said = _properties("CONNECT", MaximumPacketSize=self._client.largest) if self._version == 5 else None
        self._client.connect(host, port, self._settings.keepalive, properties=said)

    def turn(self, seconds: float) -> bool:
        """Sends and receives, and waits so long for something to receive; False where it is over."""
        code: MQTTErrorCode = self._client.loop(seconds)
        return code == 0

    @property
    def failure(self) -> Exception | None:
        """What the socket raised where it is over, which paho keeps to itself."""
        failure: Exception | None = self._client.failure
        return failure

    @property
    def sounds(self) -> str:
        """What the other side speaks, by its first byte: ``mqtt``, ``tls``, ``other``, or nothing yet."""
        first = self._client.first
        if not first:
            return ""
        # An answer to CONNECT begins with 0x20 (MQTT 5, section 3.2.1).
        return {b"\x20": "mqtt", TLS_ALERT: "tls"}.get(first, "other")

    def subscribe(self, filters: Sequence[str]) -> None:
        """With QoS 1."""
        self._client.subscribe([(name, 1) for name in filters])

    def publish(
        self, topic: str, payload: bytes, qos: int, *, retain: bool, properties: MessageProperties | None
    ) -> int | None:
        """Gives the message's number, or None where the connection is over. From any thread."""
        said = _said(properties) if properties and self._version == 5 else None
        info = self._client.publish(topic, payload, qos, retain, said)
        return info.mid if info.rc == 0 else None

    def disconnect(self) -> None:
        """Says goodbye. From any thread."""
        self._client.disconnect()

    def close(self) -> None:
        """Leaves no socket behind."""
        client = self._client
        if (left := client.socket()) is not None:
            left.close()
        # paho closes the two sockets by which it wakes itself when it is freed: without a circle that is now,
        # and not when the garbage is collected some day.
        client.on_connect = client.on_publish = client.on_subscribe = None
        client.on_disconnect = client.on_message = client.on_trimmed = None

    def _on_connect(
        self, _client: Client, _: Any, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        window = getattr(properties, "ReceiveMaximum", None)
        largest = getattr(properties, "MaximumPacketSize", None)
        self._ears.connected(_refusal(reason, properties), window, largest)

    def _on_publish(
        self, _client: Client, _: Any, mid: int, reason: ReasonCode, properties: Properties
    ) -> None:
        self._ears.answered(mid, _refusal(reason, properties))

    def _on_subscribe(
        self, _client: Client, _: Any, _mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        self._ears.subscribed([_refusal(reason, properties) for reason in reasons])

    def _on_disconnect(
        self, _client: Client, _: Any, flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._ears.dismissed(Refusal(reason.value, _words(reason, properties)))

    def _on_message(self, _client: Client, _: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = None
        said = message.properties
        answer_to, asked = getattr(said, "ResponseTopic", None), getattr(said, "CorrelationData", None)
        self._ears.arrived(Message(topic, bytes(message.payload), message.retain, answer_to, asked))


@cache
def _guarded() -> Any:
    """paho's client, with bounds for what comes in. It has none of its own: a message may have 256 MB."""
    from paho.mqtt.client import Client  # noqa: PLC0415  (only where it is used at all)
    from paho.mqtt.enums import MessageType, MQTTErrorCode, MQTTProtocolVersion  # noqa: PLC0415

    class Guarded(Client):
        largest = 0
        failure: Exception | None = None
        first = b""
        on_trimmed: Callable[[], None]

        def _sock_recv(self, bufsize: int) -> bytes:
            """``bufsize``: what is left of a packet, so at first all that it announces."""
            if bufsize > self.largest:
                self.failure = OSError(
                    errno.EMSGSIZE, f"a packet of {bufsize} bytes, larger than {self.largest}"
                )
                raise self.failure
            try:
                got = super()._sock_recv(bufsize)
            except BlockingIOError:
                raise
            except OSError as error:
                self.failure = error
                raise
            self.first = self.first or got[:1]
            return got

        def _packet_handle(self) -> MQTTErrorCode:
            packet, command = self._in_packet["packet"], self._in_packet["command"]
            if command & 0xF0 != MessageType.PUBLISH:
                if len(packet) > inbound.ANSWER:
                    return MQTTErrorCode.MQTT_ERR_PROTOCOL
            elif self._protocol == MQTTProtocolVersion.MQTTv5:
                trimmed = inbound.trimmed(packet, numbered=bool(command & 0x06))
                if trimmed is None:
                    return MQTTErrorCode.MQTT_ERR_PROTOCOL
                if len(trimmed) != len(packet):
                    self._in_packet["packet"] = bytearray(trimmed)
                    self.on_trimmed()
            return super()._packet_handle()

    return Guarded


def _send_at_once(_client: Client, _: Any, connection: Any) -> None:
    """Without Nagle's algorithm, which holds a second event back until the first one is acknowledged."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _refusal(reason: ReasonCode, properties: Properties | None) -> Refusal | None:
    return Refusal(reason.value, _words(reason, properties)) if reason.is_failure else None


def _words(reason: ReasonCode, properties: Properties | None) -> str:
    """The name of a reason code, and what the broker may say besides."""
    said = getattr(properties, "ReasonString", "")
    return f"{reason} ({legible(said)})" if said else str(reason)


@lru_cache(maxsize=16)
def _said(properties: MessageProperties) -> Properties:
    """In paho's words. Nearly all messages say the same."""
    fields = {
        "ContentType": properties.content_type,
        "MessageExpiryInterval": properties.message_expiry,
        "CorrelationData": properties.correlation,
        "UserProperty": list(properties.user) or None,
    }
    return _properties("PUBLISH", **{name: value for name, value in fields.items() if value is not None})


def _properties(packet: str, **fields: Any) -> Properties:
    from paho.mqtt.packettypes import PacketTypes  # noqa: PLC0415  (only where it is used at all)
    from paho.mqtt.properties import Properties  # noqa: PLC0415

    properties = Properties(getattr(PacketTypes, packet))  # type: ignore[no-untyped-call]
    for name, value in fields.items():
        setattr(properties, name, value)
    return properties
