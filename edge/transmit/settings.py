"""The section ``mqtt``: the broker, the way to it, and the bounds of what waits for it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from edge.section import Section


class TlsSettings(Section):
    """Encryption. The broker's certificate and name are always checked; it is TLS 1.2 at least."""

    enabled: bool = Field(default=False, description="whether the connection is encrypted")
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
        if not self.enabled and (self.ca or self.certificate):
            raise ValueError("allowed: ca, certificate and key only where enabled is true")
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


class MqttSettings(Section):
    """The MQTT broker. Events are delivered at least once and in order, also after hours without it; states
    are sent newest only, on change, on each connection and at every heartbeat."""

    host: str = Field(
        default="localhost", min_length=1, max_length=253, description="name or address of the broker"
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
        default=131_072, ge=1024, le=16_777_216, description="larger messages are refused and counted, bytes"
    )
    outbox: OutboxSettings = Field(default_factory=OutboxSettings, description="events that wait")

    @field_validator("host")
    @classmethod
    def _bare_host(cls, host: str) -> str:
        if re.search(r"[\s\x00-\x1f\x7f/@]", host):
            raise ValueError("allowed: a bare name or address, without mqtt://, login, port or path")
        try:
            host.encode("idna")
        except UnicodeError:
            raise ValueError("allowed: a name whose parts have 1 to 63 characters") from None
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

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, the port by TLS where none is set."""
        return self.host, self.port or (8883 if self.tls.enabled else 1883)
