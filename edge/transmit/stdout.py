"""The sink ``stdout``: events and states as JSON lines, ``{"topic": …, "payload": …}``, in the words of
MQTT.

Lines are written at once by whoever calls, all of them: a reader that stalls stalls the loop, whose
frames are then dropped at the slot and counted, but never an event. A reader that goes away (``| head``)
ends the daemon in one line: ``put`` and ``post`` raise ``UnavailableError`` from then on.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import BinaryIO

from edge.clock import Clock
from edge.errors import UnavailableError
from edge.records import Event, State
from edge.transmit.identity import Identities
from edge.transmit.moment import clock_synced
from edge.transmit.payload import event_payload, state_payload
from edge.transmit.topics import Topics, event_topic


class StdoutSink:
    """JSON lines to a binary stream, by default standard output. Thread-safe."""

    def __init__(self, base: str, device: str, clock: Clock, stream: BinaryIO | None = None) -> None:
        self._topics = Topics(base, device)
        self._clock = clock
        self._identities = Identities(clock)
        self._stream = stream or sys.stdout.buffer
        self._lock = threading.Lock()
        self._closed = False
        self._counts = {"lines": 0}

    def start(self) -> None:
        """Nothing to begin."""

    def put(self, events: Sequence[Event]) -> None:
        """Writes events. Raises ``UnavailableError`` once nobody reads any more."""
        synced = clock_synced()
        now = self._clock.monotonic_ns()
        for event in events:
            payload = event_payload(
                event,
                identity=self._identities.new(),
                committed=now,
                clock_synced=synced,
            )
            self._write(event_topic(event.recognizer), payload)

    def post(self, states: Sequence[State]) -> None:
        """Writes states, each as it comes. Raises ``UnavailableError`` once nobody reads any more."""
        for state in states:
            self._write(state.topic, state_payload(state))

    def stop(self, timeout: float) -> bool:
        """Every line is out already."""
        return not self._closed

    def counters(self) -> dict[str, int]:
        """``lines`` written since the start."""
        return dict(self._counts)

    def _write(self, topic: str, payload: bytes) -> None:
        # Topics have nothing that JSON escapes: base, device and names are checked with the settings.
        line = b'{"topic":"%s","payload":%s}\n' % (self._topics.full(topic).encode(), payload)
        with self._lock:
            if not self._closed:
                try:
                    self._stream.write(line)
                    self._stream.flush()
                except BrokenPipeError:
                    self._closed = True
                    self._hush()
            if self._closed:
                raise UnavailableError(
                    "standard output is closed", "its reader has gone; nothing else was wrong"
                )
            self._counts["lines"] += 1

    def _hush(self) -> None:
        """What is left in the buffer goes nowhere, or the interpreter's last flush would complain again."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
