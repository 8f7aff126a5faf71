"""The section ``mqtt``: the broker, the way to it, and the bounds of what waits for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from edge.section import Section
from edge.transmit.address import ENCRYPTED, PLAIN, parse


class TlsSettings(Section):
    """Encryption. The broker's certificate and name are always checked; it is TLS 1.2 at least."""

    enabled: bool | None = Field(
        default=None, description="whether the connection is encrypted; null: only if host says mqtts://"
    )
    ca: str | None = Field(
        default=None,
        min_length=1,
        description="file or folder of the authorities that are trusted, PEM; null: the system's",
    )
    certificate: str | None = Field(
        default=None,
        min_length=1,
        description="this device's own certificate, where the broker asks for one, PEM file",
    )
    key: str | None = Field(default=None, min_length=1, description="the key of that certificate, PEM file")

    @model_validator(mode="after")
    def _complete(self) -> TlsSettings:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("allowed: certificate and key together, or neither")
        return self


class OutboxSettings(Section):
    """Events that the broker has not confirmed yet, kept in a file over restarts and power cuts. At a bound
    those go first that the broker has refused for good, then the oldest; stats counts them."""

    path: str | None = Field(
        default=None, min_length=1, description="SQLite file; null: outbox.db in the folder of the state"
    )
    rows: int = Field(default=10_000, ge=100, le=1_000_000, description="events kept at most, count")
    bytes: int = Field(
        default=16_777_216, ge=65_536, le=1_073_741_824, description="their payloads at most, bytes"
    )
    sync: float = Field(
        default=5.0,
        ge=0.5,
        le=600,
        description="while events wait for the broker, they are forced onto the medium so often: "
        "what a power cut can take at most, seconds",
    )

    def file(self, state: Path) -> Path:
        """Where it is; ``state``: the folder of the state."""
        return Path(self.path) if self.path else state / "outbox.db"


class MqttSettings(Section):
    """The MQTT broker. Events are delivered at least once and in order, also after hours without it; states
    are sent newest only, on change, on each connection and at every heartbeat."""

    host: str = Field(
        default="localhost",
        min_length=1,
        max_length=270,
        description="name or address of the broker, or mqtt://NAME:PORT, encrypted mqtts://NAME:PORT",
    )
    port: int | None = Field(default=None, ge=1, le=65_535, description="its port; null: 1883, with TLS 8883")
    protocol: Literal["auto", 5, "3.1.1"] = Field(
        default="auto", description="version of MQTT; auto: 5, and 3.1.1 where the broker does not speak 5"
    )
    tls: TlsSettings = Field(default_factory=TlsSettings, description="encryption")
    username: str | None = Field(
        default=None, min_length=1, max_length=65_535, description="login; null: none"
    )
    password_file: str | None = Field(
        default=None,
        min_length=1,
        description="file whose first line is the password, mode 0600; null: the systemd credential "
        "mqtt-password if there is one, else no password",
    )
    base: str = Field(
        default="edge", min_length=1, max_length=200, description="what topics begin with: <base>/<device>/…"
    )
    client_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="how the broker tells clients apart, unique; null: edge-<device>",
    )
    keepalive: int = Field(
        default=15, ge=5, le=17, description="a silent broker is noticed within twice this time, seconds"
    )
    late_after: float = Field(
        default=30.0,
        ge=1,
        le=86_400,
        description="events delivered later than this say so (late: true), seconds",
    )
    heartbeat: float = Field(
        default=60.0,
        ge=5,
        le=86_400,
        description="states are sent again after so long without change, seconds",
    )
    reconnect_first: float = Field(
        default=1.0, ge=0.1, le=60, description="shortest wait before a new connection, seconds"
    )
    reconnect_most: float = Field(
        default=30.0, ge=1, le=3600, description="longest wait before a new connection, seconds"
    )
    in_flight: int = Field(
        default=10,
        ge=1,
        le=100,
        description="messages sent and not yet confirmed at the same time at most, count",
    )
    max_payload: int = Field(
        default=131_072,
        ge=1024,
        le=16_777_216,
        description="larger messages, sent or arriving, are refused and counted, bytes",
    )
    outbox: OutboxSettings = Field(default_factory=OutboxSettings, description="events that wait")

    @field_validator("host")
    @classmethod
    def _an_address(cls, host: str) -> str:
        parse(host)
        return host

    @field_validator("base")
    @classmethod
    def _plain_base(cls, base: str) -> str:
        if re.search(r"[+#\x00-\x1f\x7f]", base) or base[0] in "$/" or base[-1] == "/" or "//" in base:
            raise ValueError(
                "allowed: levels with / between them; no + or #, no control characters, no $ in front"
            )
        return base

    @field_validator("username", "client_id")
    @classmethod
    def _printable(cls, text: str | None) -> str | None:
        if text is not None and not text.isprintable():
            raise ValueError("allowed: printable characters")
        return text

    @model_validator(mode="after")
    def _consistent(self) -> MqttSettings:
        if self.reconnect_most < self.reconnect_first:
            raise ValueError("allowed: reconnect_most of at least reconnect_first")
        return self

    @model_validator(mode="after")
    def _agreed(self) -> MqttSettings:
        """A connection that is meant to be encrypted must never quietly be another."""
        said = parse(self.host)
        if None not in (said.encrypted, self.tls.enabled) and said.encrypted != self.tls.enabled:
            enabled = str(self.tls.enabled).lower()
            raise ValueError(
                f"{self.host} and tls.enabled: {enabled}; allowed: one of them, or both the same"
            )
        if said.port is not None and self.port is not None and said.port != self.port:
            raise ValueError(f"port {said.port} in host and {self.port} in port; allowed: one of them")
        if not self.encrypted and (self.tls.ca or self.tls.certificate):
            raise ValueError("allowed: tls.ca, certificate and key only with mqtts:// or tls.enabled: true")
        if self.encrypted and self.address[1] == PLAIN:
            raise ValueError(
                f"TLS on port {PLAIN}, where brokers speak without; allowed: {ENCRYPTED}, or none"
            )
        if not self.encrypted and self.address[1] == ENCRYPTED:
            raise ValueError(
                f"port {ENCRYPTED} without TLS, where brokers speak with it; allowed: mqtts:// in host"
            )
        return self

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken: ``mqtts://`` in ``host``, or ``tls.enabled``."""
        return bool(self.tls.enabled or parse(self.host).encrypted)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the port by TLS where none is set."""
        said = parse(self.host)
        return said.name, said.port or self.port or (ENCRYPTED if self.encrypted else PLAIN)


class HomeAssistantSettings(Section):
    """Home Assistant finds this device by itself: a retained description at <prefix>/device/<device>/config
    (MQTT discovery). Where there is no Home Assistant, nobody reads it; false takes it back."""

    enabled: bool = Field(default=True, description="whether the device is announced")
    prefix: str = Field(
        default="homeassistant",
        min_length=1,
        max_length=200,
        description="what topics of discovery begin with, as set in Home Assistant",
    )
    birth_topic: str = Field(
        default="homeassistant/status",
        min_length=1,
        max_length=200,
        description="where Home Assistant says that it has started, its birth message",
    )
    birth_payload: str = Field(
        default="online", min_length=1, max_length=200, description="what it says there"
    )
    delay: float = Field(
        default=10.0,
        ge=0,
        le=300,
        description="after that the device announces itself again at a random time within so long, so that "
        "a fleet does not do it at once, seconds",
    )
    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="what the device is called there at first; null: made of the device's name",
    )
    area: str | None = Field(
        default=None, min_length=1, max_length=100, description="the area that it is put into at first"
    )
    snapshot: bool = Field(
        default=False,
        description="whether pictures are shown there, with a button that takes one; needs snapshot.enabled",
    )
    late_events: bool = Field(
        default=False,
        description="whether events delivered late count there; an automation may take them for news",
    )

    @field_validator("prefix", "birth_topic")
    @classmethod
    def _plain_topic(cls, topic: str) -> str:
        if re.search(r"[+#\x00-\x1f\x7f]", topic) or topic[0] in "$/" or topic[-1] == "/" or "//" in topic:
            raise ValueError(
                "allowed: levels with / between them; no + or #, no control characters, no $ in front"
            )
        return topic

    @field_validator("name", "area")
    @classmethod
    def _one_line(cls, text: str | None) -> str | None:
        if text is not None and not (text.isprintable() and text.strip() == text):
            raise ValueError("allowed: printable characters, no blanks at the ends")
        return text
