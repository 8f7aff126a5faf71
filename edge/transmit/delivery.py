"""The sink ``mqtt``: takes events and states from the loop, and delivers them on a thread of its own.

The loop commits events to the outbox and posts states to the board; neither waits for the network. The thread
``delivery`` turns whenever there is something to do, and at least four times a second, so that its progress
is seen also while the broker is away.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge.clock import Clock, unix_milliseconds
from edge.records import Event, Reply, Request, State
from edge.transmit.board import Board, Letter, Posted
from edge.transmit.client import Introduction, Will
from edge.transmit.credentials import password, tls_context
from edge.transmit.identity import Identities, boot_id
from edge.transmit.journal import Row
from edge.transmit.link import Link, probe
from edge.transmit.listeners import Handler, Listeners
from edge.transmit.moment import Moment, clock_synced
from edge.transmit.notices import Accepted, Answered, Arrived, Ended
from edge.transmit.outbox import Outbox
from edge.transmit.payload import event_payload, state_payload
from edge.transmit.publisher import Limits, Publisher
from edge.transmit.topics import AVAILABILITY, OFFLINE, Rule, Topics, event_topic, rule
from edge.transmit.wire import Wire, WireLimits

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

log = logging.getLogger("edge.transmit")

TURN = 0.25
"""Seconds between two turns of the thread when nothing wakes it."""

GOODBYE = 1.0
"""Seconds of the time for stopping that are kept for ``offline`` and the goodbye itself."""


class MqttSink:
    """Events at least once and in order, states newest only, to an MQTT broker.

    ``put`` and ``post`` may be called from any thread, before ``start`` too.
    """

    def __init__(self, settings: MqttSettings, device: str, state: Path, clock: Clock) -> None:
        """``state``: the folder of the outbox, where the settings name none. Opens nothing.

        Raises ``ConfigError`` where the password's file or a certificate cannot be used.
        """
        password(settings)
        tls_context(settings)
        self._settings = settings
        self._clock = clock
        self._boot = boot_id()
        self._identities = Identities(clock)
        self._topics = Topics(settings.base, device)
        self._device = device
        self._client_id = settings.client_id or f"edge-{device}"
        bounds = settings.outbox
        self._outbox = Outbox(bounds.file(state), rows=bounds.rows, size=bounds.bytes, sync=bounds.sync)
        self._board = Board(settings.heartbeat)
        self._listeners = Listeners()
        self._wire: Wire | None = None
        self._wake = threading.Event()
        will = Will(self._topics.full(AVAILABILITY), OFFLINE)
        introduction = Introduction("network", self._client_id, will)
        self._link = Link(settings, introduction, self._wake.set, self._now())
        limits = Limits(settings.max_payload, settings.late_after, settings.heartbeat)
        self._publisher = Publisher(limits, self._topics, self._outbox, self._board, self._link)
        self._changed: MqttSettings | None = None
        self._stop_by: float | None = None
        self._clean = False
        self._progress = clock.monotonic_ns()
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    def start(self) -> None:
        """Takes up what an earlier process left in the outbox, and begins to deliver."""
        self._outbox.open(self._now())
        self._progress = self._clock.monotonic_ns()
        self._thread.start()

    def put(self, events: Sequence[Event]) -> None:
        """Commits events: on return they are on disk, or in memory where the disk is in trouble."""
        now = self._moment()
        self._outbox.put([self._row(event, now) for event in events], now.monotonic_ns / 1e9)
        self._wake.set()

    def post(self, states: Sequence[State]) -> None:
        """Replaces the states of their topics. Raises ``FaultError`` for a topic that there is not."""
        for state in states:
            rule(state.topic)
            self._board.post(Posted(state.topic, state_payload(state)))
        self._wake.set()

    def listen(self, topic_filter: str, handler: Handler) -> None:
        """Subscribes on every connection, and calls ``handler`` on the delivery thread with what comes.

        Before ``start``. What the handler raises is told once and counted.
        """
        self._listeners.listen(topic_filter, handler)
        self._link.subscribe(topic_filter)

    def on_connect(self, greeter: Callable[[], None]) -> None:
        """Has ``greeter`` called on the delivery thread after each new connection. Before ``start``."""
        self._listeners.on_connect(greeter)

    def announce(self, topic: str, payload: bytes, retain: bool) -> None:
        """Replaces what a topic outside ``<base>/<device>/`` says, with QoS 1, also on every new connection.

        Any thread. ``topic`` is whole; an empty payload removes what the broker retains. At most
        ``board.OUTSIDE`` topics; further ones are dropped and counted.
        """
        self._board.post(Posted(topic, payload, Rule(retain=retain, qos=1)))
        self._wake.set()

    def answer(self, letter: Letter) -> None:
        """Sends something once. Any thread; at the bound the oldest is dropped and counted."""
        self._board.write(letter)
        self._wake.set()

    def obey(self, limits: WireLimits, take: Callable[[Request], Reply | None]) -> None:
        """Takes commands from the broker; ``take`` keeps a request to answer it, or refuses it. Before
        ``start``."""
        wire = Wire(self._topics, limits, self._clock, take, self.answer)
        self.listen(wire.topic_filter, wire.arrived)
        self._wire = wire

    def show(self, topic: str, payload: bytes) -> None:
        """Sends a picture once, on a topic of this device. Any thread."""
        self.answer(Letter(self._topics.full(topic), payload, rule(topic)))

    def change(self, settings: MqttSettings) -> None:
        """Connects anew, with other settings but the same topics and outbox file; what waits keeps waiting.
        Comes back at once; the old connection gets its goodbye. Any thread.

        Raises ``ConfigError`` where the password's file or a certificate cannot be used.
        """
        password(settings)
        tls_context(settings)
        self._changed = settings
        self._wake.set()

    def stop(self, timeout: float) -> bool:
        """Delivers what it can within ``timeout`` seconds, the last states too, says ``offline`` and ends.

        Without a broker it ends at once. True when nothing is left and everything ended in order; events
        that are left stay in the outbox for the next start.
        """
        if self._thread.ident is None:
            return True
        self._board.hurry()
        self._stop_by = self._now() + timeout
        self._wake.set()
        self._thread.join(timeout + GOODBYE)
        return self._clean and not self._thread.is_alive()

    def check(self, timeout: float) -> str:
        """Whether the broker takes us: a phrase, or ``UnavailableError`` with its reason in words."""
        return probe(self._settings, Introduction("network", f"{self._client_id}-check"), timeout)

    def progress(self) -> int:
        """Monotonic nanoseconds of the delivery thread's last turn with a network thread that can be had."""
        return self._progress

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._link.connected

    def depth(self) -> int:
        """Events that the broker has not confirmed yet."""
        return self._outbox.depth()

    def describe(self) -> str:
        """One phrase: the broker, and what waits for it."""
        return f"{self._link.describe(self._now())}, {self.depth()} events waiting"

    def counters(self) -> dict[str, int]:
        """Of outbox, board, publisher, listeners and link: totals since the start and, of the outbox, what it
        holds."""
        wire = (self._wire,) if self._wire else ()
        parts = (self._outbox, self._board, self._publisher, self._listeners, *wire, self._link)
        return {name: count for part in parts for name, count in part.counters().items()}

    def parked(self) -> dict[str, int]:
        """Why the broker has refused events for good, and how many for each of the commonest reasons."""
        return self._outbox.reasons()

    # -- the delivery thread ---------------------------------------------------------------------

    def _run(self) -> None:
        while self._stop_by is None or self._may_finish(self._stop_by):
            self._turn()
            self._wake.wait(TURN)
            self._wake.clear()
            settings, self._changed = self._changed, None
            if settings is not None and self._stop_by is None:
                self._connect_anew(settings)
        self._say_goodbye(self._stop_by)

    def _connect_anew(self, settings: MqttSettings) -> None:
        stop_by = self._now() + GOODBYE
        self._say_offline(stop_by)
        self._publisher.end()
        self._settings = settings
        self._client_id = settings.client_id or f"edge-{self._device}"
        bounds = settings.outbox
        self._outbox.change(rows=bounds.rows, size=bounds.bytes, sync=bounds.sync)
        self._board.change(settings.heartbeat)
        self._publisher.change(Limits(settings.max_payload, settings.late_after, settings.heartbeat))
        self._link.change(settings, self._client_id, self._now(), max(stop_by - self._now(), 0.1))

    def _turn(self) -> None:
        now = self._now()
        if not self._link.stuck:
            self._progress = self._clock.monotonic_ns()
        for notice in self._link.turn(now):
            if isinstance(notice, Answered):
                self._publisher.take_in(notice, now)
            elif isinstance(notice, Accepted):
                self._publisher.begin(notice)
                self._listeners.connected()
            elif isinstance(notice, Arrived):
                self._listeners.arrived(notice)
            elif isinstance(notice, Ended):
                self._publisher.end()
        if self._link.connected:
            self._publisher.send(now, self._moment())
        self._outbox.tend(now)

    def _may_finish(self, stop_by: float) -> bool:
        """Whether there is something left to say, someone to say it to, and time."""
        left = self._outbox.depth() > 0 or not (self._board.idle() and self._publisher.idle())
        return left and self._link.hopeful and self._now() < stop_by - GOODBYE

    def _say_offline(self, stop_by: float) -> None:
        if self._link.connected:
            self._publisher.say_offline()
            while self._link.connected and not self._publisher.idle() and self._now() < stop_by - GOODBYE / 2:
                self._wake.wait(TURN)
                self._wake.clear()
                self._turn()

    def _say_goodbye(self, stop_by: float) -> None:
        self._say_offline(stop_by)
        ended = self._link.close(self._now(), max(stop_by - self._now(), 0.1))
        self._outbox.close(self._now())
        self._clean = ended and self._outbox.depth() == 0

    # -- making rows -------------------------------------------------------------------------------

    def _row(self, event: Event, now: Moment) -> Row:
        identity = self._identities.new()
        payload = event_payload(event, identity=identity, committed=now.monotonic_ns, clock_synced=now.synced)
        happened = Moment(self._boot, event.captured, unix_milliseconds(event.wall), now.synced)
        return Row(identity, event_topic(event.recognizer), payload, happened)

    def _moment(self) -> Moment:
        wall = unix_milliseconds(self._clock.wall())
        return Moment(self._boot, self._clock.monotonic_ns(), wall, clock_synced())

    def _now(self) -> float:
        return self._clock.monotonic_ns() / 1e9
