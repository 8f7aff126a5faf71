"""Commands as they arrive from the broker: judged, turned into requests, and answered.

Everything that comes is somebody else's text. ``parse`` is pure and its work is bounded by the size of the
payload; what it refuses never goes further. Names from the wire are matched against a narrow pattern before
they become part of a topic, a log line or anything else.
"""

from __future__ import annotations

import json
import logging
import math
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from edge.clock import Clock
from edge.records import Reply, Request
from edge.refusals import refusal
from edge.transmit.board import Letter
from edge.transmit.bucket import Bucket
from edge.transmit.legible import legible
from edge.transmit.notices import Arrived
from edge.transmit.payload import result_payload
from edge.transmit.topics import Topics, rule

log = logging.getLogger("edge.transmit")

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""What a command's name looks like."""

BRACKETS = 64
"""Opening brackets in a payload at most, so nothing nests deeper. No command needs more than a few."""

DIGITS = 15
"""Figures of a whole number at most: as many as JSON carries without loss (RFC 8259, section 6)."""

IDENTITY = 64
"""Characters of what an asker calls a request at most."""

RESPONSE_TOPIC = 256
"""Characters of a response topic at most."""

RESULT = rule("cmd/any/result")

TOLD = 100
"""Topics of retained commands that are told at most."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """``size``: bytes of a payload. ``per_minute``: commands taken in the long run, ``burst`` at once."""

    size: int
    per_minute: float
    burst: int


def parse(command: str, payload: bytes, limits: WireLimits) -> Request | Reply:
    """The request that a payload makes, or the reply that refuses it. Raises nothing, changes nothing.

    ``command``: the last level of the topic. An empty payload is an object without members. The request's
    answers go nowhere yet: who knows the asker puts that in.
    """
    if not NAME.fullmatch(command):
        return refusal("unknown-command", f"there is no command {legible(command, 40)!r}")
    if len(payload) > limits.size:
        return refusal("too-large", f"{len(payload)} bytes; at most {limits.size} are taken")
    try:
        fields = _object(payload)
        identity = _identity(fields.pop("request", None))
    except _PayloadError as error:
        return refusal("bad-payload", str(error))
    return Request(command, fields, identity, _nowhere)


def _nowhere(_reply: Reply) -> None:
    """Nobody waits for this answer."""


class _PayloadError(ValueError):
    """What is wrong with a payload, in words for its sender."""


def _object(payload: bytes) -> dict[str, Any]:
    if not payload.strip(b" \t\r\n"):
        return {}
    if payload.count(b"{") + payload.count(b"[") > BRACKETS:
        raise _PayloadError(f"more than {BRACKETS} opening brackets")
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise _PayloadError("not UTF-8") from None
    try:
        found = json.loads(
            text,
            object_pairs_hook=_members,
            parse_int=_whole,
            parse_float=_real,
            parse_constant=_no_number,
        )
    except json.JSONDecodeError as error:
        raise _PayloadError(f"not JSON: {error.msg.lower()} at character {error.pos + 1}") from None
    if not isinstance(found, dict):
        raise _PayloadError("not a JSON object")
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _PayloadError("a member stands twice")
    for text in (*members, *(value for value in members.values() if isinstance(value, str))):
        # Halves of surrogate pairs are text nowhere else: not in UTF-8, a file name or the database.
        if not text.isascii() and re.search("[\ud800-\udfff]", text):
            raise _PayloadError("half a character (a lone surrogate)")
    return members


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > DIGITS:
        raise _PayloadError(f"a whole number with more than {DIGITS} figures")
    return int(text)


def _real(text: str) -> float:
    # The longest that is written for a reason is far shorter; the conversion takes time by length.
    value = float(text[:100])
    if len(text) > 100 or not math.isfinite(value):
        raise _PayloadError("a number that is too long or too large")
    return value


def _no_number(text: str) -> NoReturn:
    raise _PayloadError(f"{text} is no number of JSON")


def _identity(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and len(value) <= IDENTITY and value.isprintable():
        return value
    raise _PayloadError(f"request: a text of at most {IDENTITY} printable characters, or a whole number")


@dataclass(frozen=True, slots=True)
class _Address:
    """Where an answer goes; ``correlation`` as the asker gave it."""

    topic: str
    correlation: bytes | None = None


class Wire:
    """Takes messages on the delivery thread; answers come from any thread."""

    def __init__(
        self,
        topics: Topics,
        limits: WireLimits,
        clock: Clock,
        take: Callable[[Request], Reply | None],
        send: Callable[[Letter], None],
    ) -> None:
        """``take`` keeps a request to answer it later, or refuses it at once. ``send``: see ``MqttSink``."""
        self._topics = topics
        self._limits = limits
        self._clock = clock
        self._take = take
        self._send = send
        self._bucket = Bucket(limits.per_minute, limits.burst)
        self._flooded = self._answered_flood = False
        self._told: set[str] = set()
        self._lock = threading.Lock()
        """Of the counts: answers come from other threads."""
        self._counts = dict.fromkeys(
            (
                "commands",
                "commands_refused",
                "commands_retained",
                "commands_limited",
                "commands_too_large",
                "response_topics_refused",
                "replies",
            ),
            0,
        )

    @property
    def topic_filter(self) -> str:
        """What to subscribe to."""
        return self._topics.full("cmd/+")

    def arrived(self, message: Arrived) -> None:
        """Takes one message: it becomes a request, or is refused."""
        command = message.topic.rpartition("/")[2]
        now = self._clock.monotonic_ns() / 1e9
        if self._flooded and self._bucket.full(now):
            self._flooded = False
        if not self._bucket.take(now):
            # First of all, and with little work: a flood must not take the processor from the camera.
            self._refuse_flood(command, message)
            return
        self._answered_flood = False
        address = self._address(command, message)
        answer = partial(self._answer, address, command, None)
        if message.retain:
            self._count("commands_retained")
            self._tell_retained(message.topic)
            answer(refusal("retained", "retained commands are not obeyed; send it without the retain flag"))
        elif message.oversize:
            self._count("commands_too_large")
            answer(refusal("too-large", f"{message.size} bytes; at most {self._limits.size} are taken"))
        else:
            self._obey(command, message.payload, address)

    def counters(self) -> dict[str, int]:
        """Totals since the start: commands taken, and those refused: ``limited`` by rate, ``retained``,
        ``too_large``, ``refused`` for what they say or because too many wait; answers sent; response topics
        that were not honoured."""
        with self._lock:
            return dict(self._counts)

    def _obey(self, command: str, payload: bytes, address: _Address | None) -> None:
        found = parse(command, payload, self._limits)
        identity = found.identity if isinstance(found, Request) else None
        answer = partial(self._answer, address, command, identity)
        refused = self._take(replace(found, answer=answer)) if isinstance(found, Request) else found
        if refused is not None:
            self._count("commands_too_large" if refused.error == "too-large" else "commands_refused")
            answer(refused)
        else:
            self._count("commands")

    def _refuse_flood(self, command: str, message: Arrived) -> None:
        """An answer to each would double it: only the first after one that was taken is answered; and the log
        hears of it once, until it has been calm."""
        self._count("commands_limited")
        if not self._flooded:
            self._flooded = True
            log.warning("commands come faster than commands.per_minute allows; those too many are counted")
        if not self._answered_flood:
            self._answered_flood = True
            words = f"at most {self._limits.per_minute:g} commands a minute are taken"
            self._answer(self._address(command, message), command, None, refusal("too-often", words))

    def _tell_retained(self, topic: str) -> None:
        """Once each, since it comes again with every connection until somebody removes it."""
        if topic not in self._told and len(self._told) < TOLD:
            self._told.add(topic)
            log.warning("a retained command was refused, remove it from the broker: %s", legible(topic))

    def _address(self, command: str, message: Arrived) -> _Address | None:
        """Where the asker wants the answer, else the command's own topic.

        A name that is none gets an answer on a response topic only: it must not become part of a topic.
        """
        if message.response_topic is not None:
            if self._may_answer_to(message.response_topic):
                return _Address(message.response_topic, message.correlation)
            self._count("response_topics_refused")
        return _Address(self._topics.full(f"cmd/{command}/result")) if NAME.fullmatch(command) else None

    def _answer(self, address: _Address | None, command: str, identity: str | None, reply: Reply) -> None:
        """Sends the one reply; it never waits."""
        if address is not None:
            self._count("replies")
            payload = self._encoded(reply, command, identity)
            if len(payload) > self._limits.size:
                words = f"the answer has {len(payload)} bytes; mqtt.max_payload allows {self._limits.size}"
                payload = self._encoded(refusal("too-large", words), command, identity)
            self._send(Letter(address.topic, payload, RESULT, address.correlation))

    def _encoded(self, reply: Reply, command: str, identity: str | None) -> bytes:
        return result_payload(reply, legible(command, 40), identity, self._clock.wall())

    def _may_answer_to(self, topic: str) -> bool:
        """Whether an answer may go there: nowhere below our base, where it would look like something that a
        device says or is told; nowhere that the broker keeps for itself."""
        return (
            0 < len(topic) <= RESPONSE_TOPIC
            and topic.isprintable()
            and not re.search(r"[+#]|^\$", topic)
            and topic != self._topics.base
            and not topic.startswith(f"{self._topics.base}/")
        )

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1
