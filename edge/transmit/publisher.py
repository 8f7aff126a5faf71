"""What goes over the connection that is: availability, letters, states and events out, the broker's answers
in.

At most ``window`` messages are unconfirmed at the same time. What the connection takes with it when it
ends goes back to where it came from: rows to the outbox, letters to the board, in their order; states are
sent again on the next one anyway.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from edge.transmit.board import Board, Letter, Posted
from edge.transmit.journal import Row
from edge.transmit.legible import legible
from edge.transmit.link import Link
from edge.transmit.moment import Moment, delay
from edge.transmit.notices import Accepted, Answered
from edge.transmit.outbox import Outbox
from edge.transmit.payload import LateStamp, stamped
from edge.transmit.suspicion import AFTER_QOS_0, ALONE, Suspicion
from edge.transmit.topics import AVAILABILITY, OFFLINE, ONLINE, Rule, Topics, rule, said

log = logging.getLogger("edge.transmit")

PASSING = {0x91, 0x97}
"""Refusals of MQTT 5 that pass: packet identifier in use, quota exceeded. Any other parks the row."""

PAUSE = 1.0
"""Seconds without events after a refusal that passes."""

TOLD = 100
"""Topics whose refusal is told at most."""

TRIES = 3
"""Connections that may end with a letter in flight; then it goes. Askers choose where some letters go, and
some brokers hang up on whoever writes where he may not."""

OVERHEAD = 256
"""Bytes that a packet may have besides topic and payload."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of messages: ``payload`` in bytes; ``late_after``, and ``heartbeat`` of states, in seconds."""

    payload: int
    late_after: float
    heartbeat: float


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
        """Topics of states in flight, by message number."""
        self._letters: dict[int, Letter] = {}
        """In flight, by message number, in the order of sending."""
        self._tries: dict[Letter, int] = {}
        """Connections that ended with a letter in flight."""
        self._suspicion = Suspicion()
        self._now = self._row_sent = self._unconfirmable_sent = float("-inf")
        """When ``send`` was called last, and what was sent last: an event, a message of QoS 0."""
        self._resume_at = float("-inf")
        self._told: set[str] = set()
        self._counts = {
            "states_sent": 0,
            "states_refused": 0,
            "letters_sent": 0,
            "letters_refused": 0,
            "sent_late": 0,
            "sent_again": 0,
            "refusals_passed": 0,
        }

    def change(self, limits: Limits) -> None:
        """Other limits from here on."""
        self._limits = limits

    def begin(self, accepted: Accepted) -> None:
        """A new connection: says ``online`` and has all states sent again."""
        self._window, self._largest = accepted.window, accepted.largest
        self._announce(ONLINE)
        self._board.again()

    def end(self) -> None:
        """The connection is gone, and what was in flight with it."""
        rows = list(self._rows.values())
        alone = len(rows) == 1 and not (
            self._others or self._letters or self._row_sent <= self._unconfirmable_sent
        )
        if self._suspicion.ended([row.id for row in rows], alone=alone, after=self._now - self._row_sent):
            self._park(rows.pop(0), f"the broker hung up {ALONE} times when it was sent this alone")
        self._counts["sent_again"] += len(rows)
        self._outbox.recall(rows)
        self._recall_letters()
        self._rows.clear()
        self._letters.clear()
        self._others.clear()
        self._window = 0

    def take_in(self, answer: Answered, now: float) -> None:
        """The broker's answer to one message."""
        row = self._rows.pop(answer.mid, None)
        if row is None:
            if answer.refusal:
                self._refused(answer.mid, f"refused by the broker: {answer.refusal.text}")
            if letter := self._letters.pop(answer.mid, None):
                self._tries.pop(letter, None)
            self._others.pop(answer.mid, None)
            return
        self._suspicion.settled(row.id)
        if answer.refusal is None:
            self._outbox.settle(row)
        elif answer.refusal.code in PASSING:
            self._counts["refusals_passed"] += 1
            self._resume_at = now + PAUSE
            self._outbox.recall([row])
        else:
            self._park(row, f"refused by the broker: {answer.refusal.text}")

    def send(self, now: float, moment: Moment) -> None:
        """Letters, states that are due, then events in order, as far as the window goes."""
        self._now = now
        # After a hang-up one at a time, so that only one of them is to blame.
        while self._room() > 0 and not (self._tries and self._letters) and (letter := self._board.fetch()):
            if not self._send_letter(letter):
                return
        for posted in self._board.due(now):
            if self._room() <= 0:
                return
            self._send_state(posted, now)
        while now >= self._resume_at and self._room() > 0 and self._may_send_row(now):
            row = self._outbox.take()
            if row is None or not self._try_row(row, moment):
                return
            self._row_sent = now

    def say_offline(self) -> None:
        """The last message of an orderly end; only answers are waited for after it."""
        self._announce(OFFLINE)
        self._window = 0

    def idle(self) -> bool:
        """Whether nothing is unconfirmed."""
        return not (self._rows or self._letters or self._others)

    def counters(self) -> dict[str, int]:
        """Totals since the start.

        sent_late: events that carried ``late``. sent_again: events in flight when a connection ended.
        refusals_passed: events that the broker refused for a moment. states_refused, letters_refused: by
        size or by the broker.
        """
        return dict(self._counts)

    def _may_send_row(self, now: float) -> bool:
        """Where an event is under suspicion, only when it is alone with the broker."""
        return not self._suspicion.careful or (self.idle() and now - self._unconfirmable_sent >= AFTER_QOS_0)

    def _recall_letters(self) -> None:
        for letter in self._letters.values():
            self._tries[letter] = self._tries.get(letter, 0) + 1
        gone = [letter for letter in self._letters.values() if self._tries[letter] >= TRIES]
        for letter in gone:
            del self._tries[letter]
            self._refuse("letters_refused", letter.topic, f"the broker hung up {TRIES} times after it")
        self._board.recall([letter for letter in self._letters.values() if letter not in gone])

    def _room(self) -> int:
        return self._window - len(self._rows) - len(self._letters) - len(self._others)

    def _announce(self, payload: bytes) -> None:
        how = rule(AVAILABILITY)
        mid = self._publish(self._topics.full(AVAILABILITY), payload, how)
        if mid is not None:
            self._others[mid] = self._topics.full(AVAILABILITY)

    def _send_letter(self, letter: Letter) -> bool:
        """False where the connection is over, which its last notice will tell."""
        if why := self._too_large(letter.topic, letter.payload):
            self._refuse("letters_refused", letter.topic, why)
            return True
        mid = self._publish(letter.topic, letter.payload, letter.how, letter.correlation)
        if mid is None:
            self._board.recall([letter])
            return False
        self._counts["letters_sent"] += 1
        if letter.how.qos:
            self._letters[mid] = letter
        else:
            self._unconfirmable_sent = self._now
        return True

    def _send_state(self, posted: Posted, now: float) -> None:
        how = posted.outside or rule(posted.topic)
        topic = posted.topic if posted.outside else self._topics.full(posted.topic)
        self._board.sent(posted, now)
        if why := self._too_large(topic, posted.payload):
            self._refuse("states_refused", topic, why)
            return
        mid = self._publish(topic, posted.payload, how)
        if mid is not None:
            self._counts["states_sent"] += 1
            if how.qos:
                self._others[mid] = topic
            else:
                self._unconfirmable_sent = now

    def _try_row(self, row: Row, moment: Moment) -> bool:
        """A row that a fault of ours cannot send must not stop those behind it, at every start again."""
        try:
            return self._send_row(row, moment)
        except Exception as error:  # noqa: BLE001  (whatever it is, the row stays, and its reason is told)
            self._park(row, f"a fault of ours: {type(error).__name__}: {error}")
            return True

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
        mid = self._publish(topic, payload, how)
        if mid is None:
            self._outbox.recall([row])
            return False
        self._rows[mid] = row
        return True

    def _publish(self, topic: str, payload: bytes, how: Rule, correlation: bytes | None = None) -> int | None:
        properties = said(how, self._limits.heartbeat)
        if correlation is not None:
            properties = replace(properties, correlation=correlation)
        return self._link.publish(topic, payload, qos=how.qos, retain=how.retain, properties=properties)

    def _too_large(self, topic: str, payload: bytes) -> str:
        if len(payload) > self._limits.payload:
            return f"{len(payload)} bytes are more than mqtt.max_payload"
        if self._largest is not None and len(topic.encode()) + len(payload) + OVERHEAD > self._largest:
            return f"{len(payload)} bytes are more than the broker takes"
        return ""

    def _park(self, row: Row, reason: str) -> None:
        self._outbox.park(row, reason)
        self._tell_once(self._topics.full(row.topic), reason)

    def _refused(self, mid: int, reason: str) -> None:
        """What was sent, and is no row, the broker does not take."""
        letter, topic = self._letters.get(mid), self._others.get(mid)
        if letter:
            self._refuse("letters_refused", letter.topic, reason)
        elif topic:
            self._refuse("states_refused", topic, reason)

    def _refuse(self, counter: str, topic: str, reason: str) -> None:
        self._counts[counter] += 1
        self._tell_once(topic, reason)

    def _tell_once(self, topic: str, reason: str) -> None:
        """The first refusal of a topic aloud; the counters tell of the others. Askers choose the topics of
        some letters, so they are shown with care, and not without end."""
        if topic not in self._told and len(self._told) < TOLD:
            self._told.add(topic)
            log.warning("%s is not delivered: %s; counted from now on", legible(topic), reason)
