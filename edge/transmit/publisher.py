"""What goes over the connection that is: availability, states and events out, the broker's answers in.

At most ``window`` messages are unconfirmed at the same time. What the connection takes with it when it
ends goes back to where it came from: rows to the outbox, in their order; states are sent again on the
next one anyway.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from edge.transmit.board import Board, Posted
from edge.transmit.journal import Row
from edge.transmit.link import Link
from edge.transmit.moment import Moment, delay
from edge.transmit.notices import Accepted, Answered
from edge.transmit.outbox import Outbox
from edge.transmit.payload import LateStamp, stamped
from edge.transmit.topics import AVAILABILITY, OFFLINE, ONLINE, Topics, rule

log = logging.getLogger("edge.transmit")

PASSING = {0x91, 0x97}
"""Refusals of MQTT 5 that pass: packet identifier in use, quota exceeded. Any other parks the row."""

PAUSE = 1.0
"""Seconds without events after a refusal that passes."""

OVERHEAD = 256
"""Bytes that a packet may have besides topic and payload."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of messages: ``payload`` in bytes; ``late_after`` in seconds."""

    payload: int
    late_after: float


class Publisher:
    """Owned by the delivery thread."""

    def __init__(self, limits: Limits, topics: Topics, outbox: Outbox, board: Board, link: Link) -> None:
        self._limits = limits
        self._topics = topics
        self._outbox = outbox
        self._board = board
        self._link = link
        self._window = 0
        self._largest: int | None = None
        self._rows: dict[int, Row] = {}
        """In flight, by message number, in the order of sending."""
        self._others: dict[int, str] = {}
        """Relative topics of states in flight, by message number."""
        self._resume_at = float("-inf")
        self._told: set[str] = set()
        self._counts = {
            "states_sent": 0,
            "states_refused": 0,
            "sent_late": 0,
            "sent_again": 0,
            "refusals_passed": 0,
        }

    def begin(self, accepted: Accepted) -> None:
        """A new connection: says ``online`` and has all states sent again."""
        self._window, self._largest = accepted.window, accepted.largest
        self._announce(ONLINE)
        self._board.again()

    def end(self) -> None:
        """The connection is gone, and what was in flight with it."""
        self._counts["sent_again"] += len(self._rows)
        self._outbox.recall(list(self._rows.values()))
        self._rows.clear()
        self._others.clear()
        self._window = 0

    def take_in(self, answer: Answered, now: float) -> None:
        """The broker's answer to one message."""
        row = self._rows.pop(answer.mid, None)
        if row is None:
            topic = self._others.pop(answer.mid, None)
            if topic and answer.refusal:
                self._refused_state(topic, f"refused by the broker: {answer.refusal.text}")
        elif answer.refusal is None:
            self._outbox.settle(row)
        elif answer.refusal.code in PASSING:
            self._counts["refusals_passed"] += 1
            self._resume_at = now + PAUSE
            self._outbox.recall([row])
        else:
            self._park(row, f"refused by the broker: {answer.refusal.text}")

    def send(self, now: float, moment: Moment) -> None:
        """States that are due, then events in order, as far as the window goes."""
        for posted in self._board.due(now):
            if self._room() <= 0:
                return
            self._send_state(posted, now)
        while now >= self._resume_at and self._room() > 0:
            row = self._outbox.take()
            if row is None or not self._send_row(row, moment):
                return

    def say_offline(self) -> None:
        """The last message of an orderly end; only answers are waited for after it."""
        self._announce(OFFLINE)
        self._window = 0

    def idle(self) -> bool:
        """Whether nothing is unconfirmed."""
        return not self._rows and not self._others

    def counters(self) -> dict[str, int]:
        """Totals since the start.

        sent_late: events that carried ``late``. sent_again: events in flight when a connection ended.
        refusals_passed: events that the broker refused for a moment. states_refused: by size or by the
        broker.
        """
        return dict(self._counts)

    def _room(self) -> int:
        return self._window - len(self._rows) - len(self._others)

    def _announce(self, payload: bytes) -> None:
        how = rule(AVAILABILITY)
        mid = self._link.publish(self._topics.full(AVAILABILITY), payload, qos=how.qos, retain=how.retain)
        if mid is not None:
            self._others[mid] = AVAILABILITY

    def _send_state(self, posted: Posted, now: float) -> None:
        topic, how = self._topics.full(posted.topic), rule(posted.topic)
        self._board.sent(posted, now)
        if why := self._too_large(topic, posted.payload):
            self._refused_state(posted.topic, why)
            return
        mid = self._link.publish(topic, posted.payload, qos=how.qos, retain=how.retain)
        if mid is not None:
            self._counts["states_sent"] += 1
            if how.qos:
                self._others[mid] = posted.topic

    def _send_row(self, row: Row, moment: Moment) -> bool:
        """False where the connection is over, which its last notice will tell."""
        topic, how = self._topics.full(row.topic), rule(row.topic)
        if why := self._too_large(topic, row.payload):
            self._park(row, why)
            return True
        age = delay(row.happened, moment)
        payload = row.payload
        if not age.exact or age.milliseconds > self._limits.late_after * 1000:
            payload = stamped(payload, LateStamp(late=True, delay_ms=age.milliseconds))
            self._counts["sent_late"] += 1
        mid = self._link.publish(topic, payload, qos=how.qos, retain=how.retain)
        if mid is None:
            self._outbox.recall([row])
            return False
        self._rows[mid] = row
        return True

    def _too_large(self, topic: str, payload: bytes) -> str:
        if len(payload) > self._limits.payload:
            return f"{len(payload)} bytes are more than mqtt.max_payload"
        if self._largest is not None and len(topic.encode()) + len(payload) + OVERHEAD > self._largest:
            return f"{len(payload)} bytes are more than the broker takes"
        return ""

    def _park(self, row: Row, reason: str) -> None:
        self._outbox.park(row, reason)
        self._tell_once(row.topic, reason)

    def _refused_state(self, topic: str, reason: str) -> None:
        self._counts["states_refused"] += 1
        self._tell_once(topic, reason)

    def _tell_once(self, topic: str, reason: str) -> None:
        """The first refusal of a topic aloud; the counters tell of the others."""
        if topic not in self._told:
            self._told.add(topic)
            log.warning("%s is not delivered: %s; counted from now on", self._topics.full(topic), reason)
