"""What a connection tells its owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Version = Literal[5, "3.1.1"]
"""Versions of MQTT that are spoken."""


class Trouble(Enum):
    """Why a connection failed or ended, by remedy."""

    UNREACHABLE = "unreachable"
    """No way to the broker, or it has no room."""
    SILENT = "silent"
    """It takes the connection and does not answer: hung, or waiting for what this version does not send."""
    TLS = "tls"
    """It is there, but the encryption cannot be agreed on."""
    VERSION = "version"
    """It does not speak this version of MQTT: it said so, or closed instead of answering."""
    LOGIN = "login"
    """It refuses this client."""
    SETUP = "setup"
    """Something on this side: the password's file, a certificate, a fault."""
    LOST = "lost"
    """The connection had been established."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The connection is established. ``window``: messages that may be unconfirmed at the same time;
    ``largest``: bytes of the largest packet that the broker takes, None for any."""

    window: int
    largest: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason code of MQTT 5, and its name."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The broker answered to message ``mid``: it has taken it, or ``refusal`` says why not."""

    mid: int
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered to the subscriptions; ``refused``: filter and reason of each that it denied."""

    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message on a topic that was subscribed to. All of it is somebody else's text: hostile until checked.

    ``retain``: it was kept by the broker, nobody sent it just now. ``response_topic``, ``correlation``: where
    and with what an answer is wanted, MQTT 5 only. ``size``: of the payload in bytes; where it is above
    ``mqtt.max_payload``, ``oversize`` is set and the payload is empty.
    """

    topic: str
    payload: bytes
    retain: bool = False
    response_topic: str | None = None
    correlation: bytes | None = None
    size: int = 0
    oversize: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over, or never was: why, and what to do. The last notice of a connection."""

    trouble: Trouble
    reason: str
    hint: str = ""


Notice = Accepted | Answered | Subscribed | Arrived | Ended
