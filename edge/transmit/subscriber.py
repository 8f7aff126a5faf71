"""A small subscriber, for ``edge watch`` and ``edge demo``; messages come on its own thread."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge.errors import UnavailableError
from edge.transmit.client import Introduction, OnMessage
from edge.transmit.credentials import password, tls_context
from edge.transmit.link import Link
from edge.transmit.notices import Ended, Subscribed

if TYPE_CHECKING:
    from edge.transmit.settings import MqttSettings

ROOM = 10_000
"""Messages that wait for ``on_message`` at most; further ones, and those larger than ``mqtt.max_payload``,
are dropped and counted."""

TURN = 0.25
"""Seconds between two turns when nothing wakes the thread."""


class Subscriber:
    """Subscribes with QoS 1 on every connection anew. Use ``start`` once, then ``stop``."""

    def __init__(self, settings: MqttSettings, topics: Sequence[str], on_message: OnMessage) -> None:
        """``topics``: full filters. ``on_message(topic, payload, retained)`` may take its time.

        Raises ``ConfigError`` where the password's file or a certificate cannot be used.
        """
        password(settings)
        tls_context(settings)
        self._on_message = on_message
        self._largest = settings.max_payload
        self._waiting: deque[tuple[str, bytes, bool]] = deque()
        self._counts = {"received": 0, "dropped": 0}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._subscribed = threading.Event()
        self._refused: tuple[str, ...] = ()
        self.fault: Exception | None = None
        """What ``on_message`` raised; it ended the subscription."""
        name = f"edge-watch-{secrets.token_hex(6)}"
        introduction = Introduction("subscriber-network", name, None, tuple(topics), self._receive)
        self._link = Link(settings, introduction, self._wake.set, time.monotonic())
        self._thread = threading.Thread(target=self._run, name="subscriber", daemon=True)

    def start(self) -> None:
        """Begins to connect, and goes on until it succeeds."""
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """Ends; False where a thread did not end in time."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def connected(self) -> bool:
        """Whether the subscription holds now."""
        return self._subscribed.is_set()

    def wait_connected(self, timeout: float) -> bool:
        """Waits for the subscription; whatever is published from then on arrives.

        Raises ``UnavailableError`` where the broker denies it.
        """
        held = self._subscribed.wait(timeout)
        if self._refused:
            reasons = ", ".join(self._refused)
            raise UnavailableError(
                f"the broker denies the subscription: {reasons}", "its ACL decides who may read"
            )
        return held

    def describe(self) -> str:
        """One phrase: the broker, or why there is none."""
        return self._link.describe(time.monotonic())

    def counters(self) -> dict[str, int]:
        """Messages ``received``, and ``dropped`` because too many waited or they were too large."""
        return dict(self._counts)

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:  # noqa: BLE001  (the top of a thread: the caller's function may raise anything)
            self.fault = error
        finally:
            self._subscribed.clear()
            self._link.close(time.monotonic(), 1.0)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            for notice in self._link.turn(time.monotonic()):
                if isinstance(notice, Subscribed):
                    self._refused = notice.refused
                    self._subscribed.set()
                elif isinstance(notice, Ended):
                    self._subscribed.clear()
            while self._waiting:
                self._on_message(*self._waiting.popleft())
            self._wake.wait(TURN)
            self._wake.clear()

    def _receive(self, topic: str, payload: bytes, retained: bool) -> None:
        """On the network thread."""
        self._counts["received"] += 1
        if len(self._waiting) >= ROOM or len(payload) > self._largest:
            self._counts["dropped"] += 1
            return
        self._waiting.append((topic, payload, retained))
        self._wake.set()
