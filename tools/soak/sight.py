"""What a subscriber hears of the camera of a running service."""

from __future__ import annotations

from typing import Any

from tools.soak.listener import Heard, Listener
from tools.soak.trial import eventually


class Sight:
    """``camera/status`` and ``stats`` as they come; what the broker kept of a life before is no news."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def states(self, since: float = 0.0) -> list[tuple[str, str | None]]:
        """Every state with its reason, without repetitions."""
        found: list[tuple[str, str | None]] = []
        for fields in (one.fields() for one in self._statuses(since)):
            told = str(fields["state"]), fields["reason"]
            if found[-1:] != [told]:
                found.append(told)
        return found

    def at(self, since: float, *states: str, reason: str | None = None) -> float | None:
        """Monotonic second at which one of these states was first told after ``since``, None: never."""
        for one in self._statuses(since):
            fields = one.fields()
            if fields["state"] in states and (reason is None or str(fields["reason"]).startswith(reason)):
                return one.at
        return None

    def seconds(self, since: float, *states: str, reason: str | None = None, within: float) -> float | None:
        """How long after ``since`` it was told, None: not in time."""
        eventually(lambda: self.at(since, *states, reason=reason) is not None, within)
        at = self.at(since, *states, reason=reason)
        return None if at is None else at - since

    def size(self) -> list[int] | None:
        """[width, height] as told last."""
        newest = self._statuses(0.0)[-1:]
        return newest[0].fields()["size"] if newest else None

    def counted(self, name: str) -> int:
        """A counter of the camera in the newest statistics, -1 before there are any."""
        return int(self.stats().get("camera", {}).get(name, -1))

    def stats(self) -> dict[str, Any]:
        """The newest statistics."""
        newest = self._listener.newest("/stats")
        return newest.fields() if newest else {}

    def _statuses(self, since: float) -> list[Heard]:
        return [one for one in self._listener.of("/camera/status", since) if not one.retain]
