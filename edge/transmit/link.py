"""The connection to the broker over time. ``transition`` decides and does nothing; ``Link`` does and decides
nothing."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import UnavailableError
from edge.transmit.client import Connection, Introduction
from edge.transmit.notices import Accepted, Ended, Notice, Subscribed, Trouble
from edge.transmit.properties import MessageProperties
from edge.transmit.standing import Phase, Policy, Standing, Step, has_lasted, transition

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

log = logging.getLogger("edge.transmit")

UNPROVEN = 3.0
"""Seconds for the answer to the first CONNECT of MQTT 5 where 3.1.1 can be tried instead: brokers that speak
3.1.1 only may never answer."""

TOLD = 16
"""Kinds of trouble that are told aloud until a connection lasts: a hostile broker could invent more."""

HUNG = 15.0
"""Seconds without a turn of the network loop, which turns twice a second, after which it is given up."""

STUCK = 2
"""Network threads given up that still hang, before it is no accident."""


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
        self._hung: list[Connection] = []
        self._told: set[str] = set()
        self._told_denials: set[str] = set()
        self._counts = {
            "connects": 0,
            "connection_failures": 0,
            "subscriptions_refused": 0,
            "arrivals_dropped": 0,
            "properties_dropped": 0,
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

    def subscribe(self, topic_filter: str) -> None:
        """Adds a filter to those that every connection from the next one on subscribes to."""
        filters = tuple(dict.fromkeys((*self._introduction.subscriptions, topic_filter)))
        self._introduction = replace(self._introduction, subscriptions=filters)

    @property
    def stuck(self) -> bool:
        """Whether connection after connection hung: threads pile up, and a new process is the remedy."""
        return len(self._hung) >= STUCK and sum(not hung.join(0) for hung in self._hung) >= STUCK

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
            first = self._policy.version == "auto" and self.standing.proven is None
            self._connection = Connection(
                self._settings,
                self._introduction,
                self.standing.version,
                self._wake,
                patience=UNPROVEN if first and self.standing.version == 5 else None,
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

    def change(self, settings: MqttSettings, client_id: str, now: float, timeout: float) -> None:
        """Ends the connection, if it can be had within ``timeout`` seconds, and begins anew."""
        self._counts = self.counters()
        self.close(now, timeout)
        self._settings = settings
        self._introduction = replace(self._introduction, client_id=client_id)
        wanted = settings.protocol
        self._policy = Policy(wanted, settings.reconnect_first, settings.reconnect_most)
        self._told.clear()
        self._told_denials.clear()
        self.standing = Standing(version=5 if wanted == "auto" else wanted, since=now, retry_at=now)

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
        on each connection anew), and those of the connections."""
        now = self._connection.counters() if self._connection else {}
        return {name: count + now.get(name, 0) for name, count in self._counts.items()}

    def _fetch(self, now: float) -> list[Notice]:
        if self._connection is None:
            return []
        notices = self._connection.notices()
        if self._connection.silence(now) > HUNG and not any(isinstance(notice, Ended) for notice in notices):
            self._connection.abandon()
            self._hung = [hung for hung in self._hung if not hung.join(0)] + [self._connection]
            notices.append(Ended(Trouble.LOST, f"the network loop has not turned for {HUNG:g} s"))
        return notices

    def _move(self, happened: Accepted | Ended, now: float) -> None:
        before = self.standing
        self.standing = transition(before, happened, now, self._policy, random.random())  # noqa: S311  (jitter)
        if isinstance(happened, Ended):
            self._counts = self.counters()
            self._connection = None
            self._counts["connection_failures"] += 1
            self._tell_trouble(happened, before, now)
        else:
            self._counts["connects"] += 1
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

    def _tell_trouble(self, ended: Ended, before: Standing, now: float) -> None:
        """The first of each kind aloud, then quietly until a connection has lasted."""
        if has_lasted(before, now, self._policy):
            self._told.clear()
        # The other version is tried at once, and tells whether that was all.
        falls_back = (before.version, self.standing.version) == (5, "3.1.1")
        aloud = not (self._quiet or falls_back or ended.reason in self._told) and len(self._told) < TOLD
        if not falls_back:
            self._told.add(ended.reason)
        host, port = self._settings.address
        words = f"{ended.reason}; {ended.hint}" if ended.hint else ended.reason
        log.log(
            logging.WARNING if aloud else logging.DEBUG,
            "broker %s:%d, MQTT %s: %s", host, port, before.version, words,
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
    trouble = link.standing.trouble or Ended(Trouble.SILENT, f"no answer within {timeout:g} s")
    hint = trouble.hint or "are mqtt.host, port, tls and login right, and does it run?"
    raise UnavailableError(f"broker {host}:{port}: {trouble.reason}", hint)
