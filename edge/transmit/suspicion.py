"""Which event makes the broker hang up, where it does not say so.

MQTT 3.1.1 has no word for "no" to a message, and some brokers of MQTT 5 use none: a message that is too large
or not allowed ends the connection. Sent again on the next one, it would hold up everything behind it for
ever. So the event that was in flight each time is sent alone, and set aside when that ends a connection that
had just proved to work, several times in a row.
"""

from __future__ import annotations

from collections.abc import Sequence

CUTS = 2
"""Connections in a row that end with the same event in front, after which events are sent one at a time."""

ALONE = 4
"""Connections in a row that end with that event alone in flight, after which it is set aside."""

PROMPT = 5.0
"""Seconds after its sending within which such an end counts: a network that breaks takes no such care."""

CAREFUL = 20
"""Events that are sent one at a time then: as many as were in flight together, and some more."""

AFTER_QOS_0 = 0.2
"""Seconds between a message of QoS 0, which nobody confirms, and an event that is sent alone."""


class Suspicion:
    """Owned by the delivery thread; events by their ids."""

    def __init__(self) -> None:
        self._suspect: str | None = None
        self._cuts = 0
        self._alone = 0
        self._careful = 0

    @property
    def careful(self) -> bool:
        """Whether events are to be sent one at a time, with nothing else in flight."""
        return self._careful > 0

    def settled(self, identity: str) -> None:
        """The broker answered to an event."""
        self._careful = max(self._careful - 1, 0)
        if identity == self._suspect:
            self._suspect = None

    def ended(self, in_flight: Sequence[str], *, alone: bool, after: float) -> bool:
        """The connection is over; True: the oldest event that was in flight is to be set aside.

        ``alone``: it was the only message that was not confirmed. ``after``: seconds since it was sent.
        """
        if not in_flight:
            return False
        if in_flight[0] != self._suspect:
            self._suspect, self._cuts, self._alone = in_flight[0], 0, 0
        self._cuts += 1
        self._alone += alone and after <= PROMPT
        if self._cuts >= CUTS:
            self._careful = CAREFUL
        if self._alone < ALONE:
            return False
        self._suspect = None
        return True
