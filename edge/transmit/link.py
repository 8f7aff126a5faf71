"""The connection to the broker over time: its phases, one function that changes them, and who acts on it.

``transition`` decides and does nothing; ``Link`` does and decides nothing. ::

    WAITING --dialled--> CONNECTING --accepted--> CONNECTED
       ^                     |                        |
       +------- ended -------+-------- ended ---------+         closed: CLOSED, from any
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Literal

from edge.errors import UnavailableError
from edge.transmit.client import Connection, Introduction
from edge.transmit.notices import Accepted, Ended, Notice, Subscribed, Trouble, Version
from edge.transmit.properties import MessageProperties

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

log = logging.getLogger("edge.transmit")

HUNG = 15.0
"""Seconds without a turn of the network loop, which turns twice a second, after which it is given up."""


class Phase(Enum):
    """Where the link is."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What ``transition`` goes by: ``version`` wanted, shortest and longest wait in seconds."""

    version: Version | Literal["auto"]
    first: float
    most: float


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything that is known of the link. Times in monotonic seconds.

    ``version``: of the connection that is, or comes next. ``proven``: the one that worked last.
    ``since``: since when there is a connection, or none. ``failures``: in a row, reset by a connection that
    lasted. ``trouble``: why the last one ended.
    """

    version: Version
    phase: Phase = Phase.WAITING
    since: float = 0.0
    retry_at: float = 0.0
    failures: int = 0
    proven: Version | None = None
    trouble: Ended | None = None


class Step(Enum):
    """What the link itself does."""

    DIALLED = "dialled"
    CLOSED = "closed"


def transition(
    standing: Standing, happened: Step | Accepted | Ended, now: float, policy: Policy, chance: float
) -> Standing:
    """The next standing. ``chance``: 0..1, spreads the waits of a fleet that lost its broker at once."""
    if standing.phase is Phase.CLOSED or happened is Step.CLOSED:
        return replace(standing, phase=Phase.CLOSED)
    if happened is Step.DIALLED:
        return replace(standing, phase=Phase.CONNECTING)
    if isinstance(happened, Accepted):
        return replace(standing, phase=Phase.CONNECTED, since=now, proven=standing.version, trouble=None)
    assert isinstance(happened, Ended)
    lasted = standing.phase is Phase.CONNECTED and now - standing.since >= policy.most
    failures = 1 if lasted else standing.failures + 1
    waiting = replace(
        standing,
        phase=Phase.WAITING,
        since=now if standing.phase is Phase.CONNECTED else standing.since,
        failures=failures,
        trouble=happened,
        version=_next_version(standing, happened, policy),
    )
    if (standing.version, waiting.version) == (5, "3.1.1"):
        # At once, so that a broker that merely restarts is not taken for one that speaks 3.1.1 only.
        return replace(waiting, retry_at=now)
    return replace(waiting, retry_at=now + _wait(happened.trouble, failures, policy, chance))


def _next_version(standing: Standing, ended: Ended, policy: Policy) -> Version:
    if policy.version != "auto":
        return policy.version
    # Some brokers answer to a version that they do not speak with silence, waiting for the rest of it.
    silent_from_the_first = ended.trouble is Trouble.SILENT and standing.proven is None
    if ended.trouble is Trouble.VERSION or silent_from_the_first:
        return "3.1.1" if standing.version == 5 else 5
    return standing.proven or 5


def _wait(trouble: Trouble, failures: int, policy: Policy, chance: float) -> float:
    """Doubles with each failure; a refused login waits longest, for only a person can help."""
    if trouble is Trouble.LOGIN:
        return policy.most
    longest = min(policy.first * 2.0 ** min(failures, 30), policy.most)
    return policy.first + chance * (longest - policy.first)


class Link:
    """Keeps one connection open. Owned by the thread that calls ``turn``; any may ask how it is."""

    def __init__(
        self,
        settings: MqttSettings,
        introduction: Introduction,
        wake: Callable[[], None],
        now: float,
        *,
        quiet: bool = False,
    ) -> None:
        """``wake`` is called, on another thread, when ``turn`` has work. ``quiet``: the caller tells."""
        self._settings = settings
        self._introduction = introduction
        self._wake = wake
        self._quiet = quiet
        wanted = settings.protocol
        self._policy = Policy(wanted, settings.reconnect_first, settings.reconnect_most)
        self._connection: Connection | None = None
        self._told: set[Trouble] = set()
        self._told_denials: set[str] = set()
        self._counts = {
            "connects": 0,
            "connection_failures": 0,
            "subscriptions_refused": 0,
            "arrivals_dropped": 0,
        }
        self.standing = Standing(version=5 if wanted == "auto" else wanted, since=now, retry_at=now)

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""
        return self.standing.phase is Phase.CONNECTED

    @property
    def hopeful(self) -> bool:
        """Whether there is a connection, or one is being opened right now, or none was tried yet."""
        return self.standing.phase in (Phase.CONNECTING, Phase.CONNECTED) or self.standing.trouble is None

    def turn(self, now: float) -> list[Notice]:
        """Takes in what happened, gives it on, and opens a connection where one is due."""
        notices = self._fetch(now)
        for notice in notices:
            if isinstance(notice, (Accepted, Ended)):
                self._move(notice, now)
            elif isinstance(notice, Subscribed):
                self._tell_denials(notice)
        if self.standing.phase is Phase.WAITING and now >= self.standing.retry_at:
            self.standing = transition(self.standing, Step.DIALLED, now, self._policy, 0.0)
            self._connection = Connection(
                self._settings, self._introduction, self.standing.version, self._wake
            )
        return notices

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        properties: MessageProperties | None = None,
    ) -> int | None:
        """Hands over one message and gives its number in this connection; None where that is over.

        ``properties`` are left out where 3.1.1 is spoken.
        """
        if self._connection is None:
            return None
        return self._connection.publish(topic, payload, qos=qos, retain=retain, properties=properties)

    def close(self, now: float, timeout: float) -> bool:
        """Ends for good, with a goodbye where there is a connection; False where that took too long."""
        connection, self._connection = self._connection, None
        was_connected = self.connected
        self.standing = transition(self.standing, Step.CLOSED, now, self._policy, 0.0)
        if connection is None:
            return True
        if was_connected:
            connection.say_goodbye()
            if connection.join(timeout):
                return True
        connection.abandon()
        # Where it was still opening, the name server or the network decides when; the thread holds up nobody.
        return not was_connected

    def describe(self, now: float) -> str:
        """One phrase for a person."""
        host, port = self._settings.address
        standing = self.standing
        if standing.phase is Phase.CONNECTED:
            return f"connected to {host}:{port} (MQTT {standing.version})"
        reason = f": {standing.trouble.reason}" if standing.trouble else ""
        return f"no broker at {host}:{port} for {now - standing.since:.0f} s{reason}"

    def counters(self) -> dict[str, int]:
        """``connects``, ``connection_failures``, ``subscriptions_refused`` (filters that the broker denied,
        on each connection anew) and ``arrivals_dropped`` (they came faster than they were fetched)."""
        dropped = self._connection.arrivals_dropped if self._connection else 0
        return self._counts | {"arrivals_dropped": self._counts["arrivals_dropped"] + dropped}

    def _fetch(self, now: float) -> list[Notice]:
        if self._connection is None:
            return []
        notices = self._connection.notices()
        if self._connection.silence(now) > HUNG and not any(isinstance(notice, Ended) for notice in notices):
            self._connection.abandon()
            notices.append(Ended(Trouble.LOST, f"the network loop has not turned for {HUNG:g} s"))
        return notices

    def _move(self, happened: Accepted | Ended, now: float) -> None:
        before = self.standing
        self.standing = transition(before, happened, now, self._policy, random.random())  # noqa: S311  (jitter)
        if isinstance(happened, Ended):
            self._counts["arrivals_dropped"] += self._connection.arrivals_dropped if self._connection else 0
            self._connection = None
            self._counts["connection_failures"] += 1
            self._tell_trouble(happened, before)
        else:
            self._counts["connects"] += 1
            self._told.clear()
            log.log(logging.DEBUG if self._quiet else logging.INFO, "%s", self.describe(now))

    def _tell_denials(self, answer: Subscribed) -> None:
        """Each once: it is the same on every connection until somebody changes the broker's ACL."""
        self._counts["subscriptions_refused"] += len(answer.refused)
        for denial in answer.refused:
            aloud = not (self._quiet or denial in self._told_denials)
            self._told_denials.add(denial)
            log.log(
                logging.WARNING if aloud else logging.DEBUG,
                "the broker denies the subscription to %s; nothing will arrive there: let the ACL of this "
                "user read it",
                denial,
            )

    def _tell_trouble(self, ended: Ended, before: Standing) -> None:
        """The first of each kind aloud, then quietly until there is a connection again."""
        falls_back = self.standing.version != before.version
        aloud = not (self._quiet or falls_back or ended.trouble in self._told)
        self._told.add(ended.trouble)
        host, port = self._settings.address
        log.log(
            logging.WARNING if aloud else logging.DEBUG,
            "broker %s:%d, MQTT %s: %s", host, port, before.version, ended.reason,
        )  # fmt: skip


def probe(settings: MqttSettings, introduction: Introduction, timeout: float) -> str:
    """Connects once, says goodbye, gives one phrase. Raises ``UnavailableError`` with the reason in words."""
    woken = threading.Event()
    link = Link(settings, introduction, woken.set, time.monotonic(), quiet=True)
    until = time.monotonic() + timeout
    try:
        while (now := time.monotonic()) < until:
            link.turn(now)
            if link.connected:
                return link.describe(now)
            if link.standing.phase is Phase.WAITING and link.standing.retry_at > now:
                break
            woken.wait(0.1)
            woken.clear()
    finally:
        link.close(time.monotonic(), 1.0)
    host, port = settings.address
    reason = link.standing.trouble.reason if link.standing.trouble else f"no answer within {timeout:g} s"
    raise UnavailableError(
        f"broker {host}:{port}: {reason}", "are mqtt.host, port, tls and login right, and does it run?"
    )
