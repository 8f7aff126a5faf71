"""Who hears what comes in from the broker, and who is told of each new connection."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge.transmit.notices import Arrived

log = logging.getLogger("edge.transmit")

Handler = Callable[[Arrived], None]
"""Called on the delivery thread; must not wait. What it raises is told once and counted."""


class Listeners:
    """Filled before the start, called on the delivery thread."""

    def __init__(self) -> None:
        self._handlers: list[tuple[str, Handler]] = []
        self._greeters: list[Callable[[], None]] = []
        self._told: set[str] = set()
        self._counts = {"arrived": 0, "listener_faults": 0}

    def listen(self, topic_filter: str, handler: Handler) -> None:
        """Has ``handler`` called with each message whose topic fits the filter."""
        self._handlers.append((topic_filter, handler))

    def on_connect(self, greeter: Callable[[], None]) -> None:
        """Has ``greeter`` called after each new connection."""
        self._greeters.append(greeter)

    def arrived(self, message: Arrived) -> None:
        """Hands a message to all whom it concerns."""
        self._counts["arrived"] += 1
        for topic_filter, handler in self._handlers:
            if matches(topic_filter, message.topic):
                self._shield(topic_filter, lambda handler=handler: handler(message))  # type: ignore[misc]

    def connected(self) -> None:
        """There is a new connection."""
        for greeter in self._greeters:
            self._shield("a new connection", greeter)

    def counters(self) -> dict[str, int]:
        """``arrived``: messages since the start. ``listener_faults``: faults of ours in hearing them."""
        return dict(self._counts)

    def _shield(self, what: str, call: Callable[[], None]) -> None:
        """A fault with one message must not end the delivery of events."""
        try:
            call()
        except Exception:
            self._counts["listener_faults"] += 1
            if what not in self._told:
                self._told.add(what)
                log.exception("%s could not be heard; such faults are counted from now on", what)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic fits a filter (MQTT 5, section 4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(wanted) == len(levels)
