"""One connection to a broker, from its opening to its end.

A ``Connection`` is used once: after its end a new one is made, so no message is handed over twice. The MQTT
library's network loop runs on a thread of ours, whose name and pulse we know. What happens there comes out
as notices, which the owner fetches on its own thread; so none of the owner's code runs in a callback, and an
acknowledgement that overtakes the owner's bookkeeping waits for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.transmit import reasons
from edge.transmit.driver import Driver, Ears, Message
from edge.transmit.notices import (
    Accepted,
    Answered,
    Arrived,
    Ended,
    Notice,
    Refusal,
    Subscribed,
    Trouble,
    Version,
)
from edge.transmit.properties import MessageProperties

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

ANSWER_WITHIN = 10.0
"""Seconds for the broker's answer to CONNECT."""

TURN = 0.5
"""Seconds for which the network loop waits for traffic at most: its pulse."""

ROOM = 100
"""Arrived messages that wait to be fetched at most; further ones are dropped and counted."""

CORRELATION = 128
"""Bytes of correlation data that an answer gives back; who sends more gets an answer without."""

OnMessage = Callable[[str, bytes, bool], None]
"""Called on the network thread with topic, payload, and whether it was retained; must not block."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this client is gone without a goodbye."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Introduction:
    """How a client presents itself: ``name`` of its network thread, id, will.

    ``subscriptions``: topic filters, subscribed to with QoS 1 on every connection anew. What arrives goes to
    ``on_message``, or comes out as notices where there is none.
    """

    name: str
    client_id: str
    will: Will | None = None
    subscriptions: tuple[str, ...] = ()
    on_message: OnMessage | None = None


class Connection:
    """Opens at once, on a thread of its own. ``wake`` is called whenever a notice is there to be fetched."""

    def __init__(
        self,
        settings: MqttSettings,
        introduction: Introduction,
        version: Version,
        wake: Callable[[], None],
        *,
        patience: float | None = None,
    ) -> None:
        """``patience``: seconds for the answer to CONNECT where that is less than ``ANSWER_WITHIN``."""
        self._settings = settings
        self._introduction = introduction
        self._version = version
        self._wake = wake
        self._patience = min(patience or ANSWER_WITHIN, ANSWER_WITHIN)
        self._driver: Driver | None = None
        """Once it is open."""
        self._notices: deque[Notice] = deque()
        self._arrived = 0
        """Messages among the notices."""
        self._counts = {"arrivals_dropped": 0, "properties_dropped": 0}
        self._lock = threading.Lock()
        """Of notices and counts; held for microseconds."""
        self._accepted = False
        self._subscribed = False
        self._ended: Ended | None = None
        self._abandoned = threading.Event()
        self._pulse = time.monotonic()
        # A daemon thread: a name server that does not answer must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=introduction.name, daemon=True)
        self._thread.start()

    def notices(self) -> list[Notice]:
        """What happened since the last call: answers to what was sent, and the turns of the connection."""
        with self._lock:
            fetched = list(self._notices)
            self._notices.clear()
            self._arrived = 0
        return fetched

    def counters(self) -> dict[str, int]:
        """``arrivals_dropped``: messages that came faster than they were fetched, or on a topic that is no
        text. ``properties_dropped``: messages whose properties were too large to be read."""
        with self._lock:
            return dict(self._counts)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        properties: MessageProperties | None = None,
    ) -> int | None:
        """Hands over one message, and gives its number; None where the connection is already over."""
        driver = self._driver
        if driver is None:
            return None
        return driver.publish(topic, payload, qos, retain=retain, properties=properties)

    def say_goodbye(self) -> None:
        """Ends in order: the broker drops the will."""
        driver = self._driver
        if driver is None:
            self._abandoned.set()
        else:
            driver.disconnect()

    def abandon(self) -> None:
        """Ends without a goodbye: the broker publishes the will. Does not wait."""
        self._abandoned.set()

    def join(self, timeout: float) -> bool:
        """Waits for the end of the network thread; False where it has not come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def silence(self, now: float) -> float:
        """Seconds since the network loop turned last; 0 while it opens the connection: that may take long."""
        return now - self._pulse if self._driver is not None else 0.0

    # -- the network thread ------------------------------------------------------------------

    def _run(self) -> None:
        driver: Driver | None = None
        try:
            driver = self._dialled()
            self._serve(driver)
        except Exception as error:  # noqa: BLE001  (the top of a thread: whatever it is ends the connection, no more)
            self._ended = reasons.of_error(error, self._settings, accepted=self._accepted)
        finally:
            self._driver = None
            if driver is not None:
                driver.close()
            self._tell(self._ended or Ended(Trouble.LOST, "the connection was given up"))

    def _dialled(self) -> Driver:
        ears = Ears(
            connected=self._on_connected,
            answered=lambda mid, refusal: self._tell(Answered(mid, refusal)),
            subscribed=self._on_subscribed,
            arrived=self._on_arrived,
            trimmed=lambda: self._count("properties_dropped"),
            dismissed=self._on_dismissed,
        )
        me = self._introduction
        will = (me.will.topic, me.will.payload) if me.will else None
        driver = Driver(self._settings, me.client_id, self._version, will, ears)
        driver.open()
        return driver

    def _serve(self, driver: Driver) -> None:
        answer_by = time.monotonic() + self._patience
        self._pulse = time.monotonic()
        self._driver = driver
        while not self._abandoned.is_set():
            going = driver.turn(TURN)
            self._pulse = time.monotonic()
            if not going:
                break
            if not self._accepted and self._pulse > answer_by:
                self._ended = Ended(
                    Trouble.SILENT,
                    f"no answer to CONNECT within {self._patience:g} s",
                    "is it an MQTT broker, and not hung?",
                )
                return
        if self._ended is None and not self._abandoned.is_set():
            self._ended = reasons.of_end(
                driver.failure, driver.sounds, self._settings, accepted=self._accepted
            )

    def _tell(self, notice: Notice) -> None:
        with self._lock:
            if isinstance(notice, Arrived):
                if self._arrived >= ROOM:
                    self._counts["arrivals_dropped"] += 1
                    return
                self._arrived += 1
            self._notices.append(notice)
        self._wake()

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def _on_connected(self, refusal: Refusal | None, window: int | None, largest: int | None) -> None:
        if refusal:
            self._ended = reasons.of_code(refusal, self._settings)
            return
        self._accepted = True
        most = self._settings.in_flight
        self._tell(Accepted(min(most, window or most), largest))
        if self._introduction.subscriptions and self._driver:
            self._driver.subscribe(self._introduction.subscriptions)

    def _on_subscribed(self, answers: list[Refusal | None]) -> None:
        if self._subscribed:  # one is asked for in each connection
            return
        self._subscribed = True
        named = zip(self._introduction.subscriptions, answers, strict=False)
        self._tell(Subscribed(tuple(f"{name}: {refusal.text}" for name, refusal in named if refusal)))

    def _on_dismissed(self, reason: Refusal) -> None:
        if self._accepted and self._ended is None:
            self._ended = reasons.of_dismissal(reason)

    def _on_arrived(self, message: Message) -> None:
        topic, payload = message.topic, message.payload
        if topic is None:
            self._count("arrivals_dropped")
            return
        if self._introduction.on_message:
            self._introduction.on_message(topic, payload, message.retain)
            return
        oversize = len(payload) > self._settings.max_payload
        asked = message.correlation
        self._tell(
            Arrived(
                topic,
                b"" if oversize else payload,
                message.retain,
                message.response_topic,
                asked if asked and len(asked) <= CORRELATION else None,
                len(payload),
                oversize,
            )
        )
