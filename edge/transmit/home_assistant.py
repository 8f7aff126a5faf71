"""When Home Assistant is told of this device, and told again, and told that something is no more.

The description is retained, so a Home Assistant that starts finds it with the broker. It goes over each
new connection (the board sees to that), and a random while after each birth message of Home Assistant, for
brokers that keep nothing. States need not follow: they are retained too. Components that are no more are
named once more with nothing but their platform, which makes Home Assistant forget them, and ``SETTLE``
seconds later left out.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.transmit.announced import Announced, Platforms
from edge.transmit.discovery import Discovery

if TYPE_CHECKING:
    from edge.transmit.settings import HomeAssistantSettings

SETTLE = 30.0
"""Seconds of an unbroken connection after which what was taken back is taken for gone. Not sooner: some
releases of Home Assistant (2025.1) ignore a description that follows while they work on the one before."""

SPACING = 5.0
"""Seconds between two announcements at least, however often somebody says that Home Assistant was born."""

NEVER = float("inf")


class HomeAssistant:
    """Owned by the thread that calls ``turn``; ``born`` and ``changed`` may be called from any."""

    def __init__(
        self,
        settings: HomeAssistantSettings,
        announced: Announced,
        describe: Callable[[], Discovery],
        announce: Callable[[str, bytes], None],
    ) -> None:
        """``describe`` gives what is to be told now. ``announce`` has a topic's payload retained, now or with
        the next connection, and on each one after it."""
        self._settings = settings
        self._announced = announced
        self._describe = describe
        self._announce = announce
        self._is_born = False
        self._is_changed = False
        self._due = -NEVER
        """When to tell; at the first turn at once."""
        self._last: float | None = None
        """When it was told last."""
        self._connected_since: float | None = None
        self._current: dict[str, Platforms] = {}
        """What it has been told, by topic, without what is no more."""
        self._counts = {"announcements": 0, "births": 0, "components": 0, "components_dropped": 0}

    def born(self, payload: bytes, retained: bool) -> None:
        """A message on the birth topic. A retained one is old, and each connection is announced on anyway."""
        if payload == self._settings.birth_payload.encode() and not retained:
            self._is_born = True

    def changed(self) -> None:
        """There is something else to describe: a person was enrolled, say."""
        self._is_changed = True

    def turn(self, now: float, connected: bool) -> None:
        """Does what is due at ``now``, monotonic seconds."""
        if not connected:
            self._connected_since = None
        elif self._connected_since is None:
            self._connected_since = now
        if self._last is None:
            self._announced.load()
        if self._is_born:
            self._is_born = False
            self._counts["births"] += 1
            if self._due == NEVER:
                self._due = self._soon(now) + random.uniform(0, self._settings.delay)  # noqa: S311  (spreads a fleet)
        if self._is_changed:
            self._is_changed = False
            self._due = min(self._due, self._soon(now))
        if now >= self._due:
            self._tell(now)
        elif self._is_settled(now):
            self._settle()

    def counters(self) -> dict[str, int]:
        """announcements, births (of Home Assistant): totals since the start. components: told of now;
        components_dropped: left out of the last announcement. memory_failures: failed writes of the file."""
        return {**self._counts, "memory_failures": self._announced.failures}

    def _soon(self, now: float) -> float:
        return now if self._last is None else max(now, self._last + SPACING)

    def _tell(self, now: float) -> None:
        """All there is, and what is no more; remembered first: a power cut in between loses nothing."""
        self._due, self._last = NEVER, now
        known = self._announced.topics
        if self._settings.enabled:
            described = self._describe()
            topic, platforms = described.topic, dict(described.platforms)
            gone = {key: name for key, name in known.get(topic, {}).items() if key not in platforms}
            self._current = {topic: platforms}
            others = {other: told for other, told in known.items() if other != topic}
            self._announced.keep({**others, topic: {**gone, **platforms}})
            self._announce(topic, described.encoded(gone))
            self._counts["announcements"] += 1
            self._counts["components"] = len(platforms)
            self._counts["components_dropped"] = described.dropped
        for topic in self._announced.topics.keys() - self._current.keys():
            self._announce(topic, b"")

    def _is_settled(self, now: float) -> bool:
        """Whether what is no more has been told for long enough."""
        if self._connected_since is None or self._last is None or self._announced.topics == self._current:
            return False
        return now - max(self._connected_since, self._last) >= SETTLE

    def _settle(self) -> None:
        had_gone = any(self._announced.topics.get(topic) != told for topic, told in self._current.items())
        self._announced.keep(self._current)
        if had_gone:
            described = self._describe()
            self._announce(described.topic, described.encoded())
