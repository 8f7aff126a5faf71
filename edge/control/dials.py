"""What commands may change while the service runs: whether it looks at all, and from which score it tells.

Owned by the loop's thread once that runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from edge.clock import Clock
from edge.control.changes import Changes, ChangesFile
from edge.records import Reply, Request, State
from edge.refusals import refusal

log = logging.getLogger("edge.control")

TOPIC = "settings"


class Tunable(Protocol):
    """A recognizer, or the tracker of its detections."""

    threshold: float


class Tick(Protocol):
    """The pipeline."""

    @property
    def resting(self) -> bool:
        """Whether recognizers are shown nothing."""
        ...

    def rest(self, resting: bool, now: float) -> None:
        """Has them rest, or look again; what was in view ends."""
        ...


class Dials:
    """Turns them, tells the topic ``settings``, and has it kept."""

    def __init__(
        self,
        tick: Tick,
        recognizers: Mapping[str, Tunable],
        trackers: Mapping[str, Tunable],
        *,
        file: ChangesFile,
        post: Callable[[State], None],
        clock: Clock,
    ) -> None:
        """Takes up what an earlier process was told. ``post`` gives a state to all sinks."""
        self._tick = tick
        self._recognizers = recognizers
        self._trackers = trackers
        self._file = file
        self._post = post
        self._clock = clock
        self._own = {name: part.threshold for name, part in recognizers.items()}
        """As the settings file has them."""
        self._changes = file.load()
        self._apply(0.0)

    @property
    def changes(self) -> Changes:
        """What differs from the settings file."""
        return self._changes

    def tell(self) -> None:
        """Posts what is in force."""
        fields = {
            "detect": not self._tick.resting,
            "thresholds": {name: part.threshold for name, part in self._recognizers.items()},
            "changed": [name for name in self._changes.names() if self._runs(name)],
        }
        self._post(State(TOPIC, fields, self._clock.wall()))

    def take_up(
        self, recognizers: Mapping[str, Tunable], trackers: Mapping[str, Tunable], now: float
    ) -> None:
        """Others run from here on, as new settings have them; what commands have changed holds for them."""
        self._recognizers, self._trackers = recognizers, trackers
        self._own = {name: part.threshold for name, part in recognizers.items()}
        self._apply(now)
        self.tell()

    def reset(self, now: float) -> None:
        """Drops what commands have changed."""
        self._changes = Changes()
        self._apply(now)
        self.tell()
        self._file.want(self._changes, lambda _done: None)

    def detect(self, fields: Mapping[str, Any], request: Request, now: float) -> Reply | None:
        """``{"on": bool}``: off, capture goes on and recognizers rest; what was in view ends in order."""
        on = bool(fields["on"])
        words = "the recognizers look at pictures" if on else "the recognizers rest"
        changes = replace(self._changes, detect=None if on else False)
        self._change(changes, now, request, words, {"detect": on})
        return None

    def threshold(self, fields: Mapping[str, Any], request: Request, now: float) -> Reply | None:
        """``{"recognizer", "value"}``: the lowest score that is told, in force from the next frame on."""
        name, value = fields["recognizer"], float(fields["value"])
        if name not in self._recognizers:
            there = ", ".join(self._recognizers)
            return refusal("no-such-recognizer", f"no recognizer of this name runs here; there are: {there}")
        thresholds = {**self._changes.thresholds, name: value}
        if value == self._own[name]:
            del thresholds[name]
        words = f"{name} tells what has a score of {value:g} or more"
        changes = replace(self._changes, thresholds=thresholds)
        self._change(changes, now, request, words, {"recognizer": name, "value": value})
        return None

    def _change(
        self, changes: Changes, now: float, request: Request, words: str, data: dict[str, Any]
    ) -> None:
        """In force at once; the reply waits until it is on disk, and says so where it is not."""
        if changes != self._changes:
            log.info("by command: %s", words)
            self._changes = changes
            self._apply(now)
            self.tell()

        def kept(done: bool) -> None:
            message = words if done else f"{words}; the disk does not take it now, so a restart may forget it"
            request.answer(Reply(ok=True, message=message, data={**data, "kept": done}))

        self._file.want(changes, kept)

    def _apply(self, now: float) -> None:
        resting = self._changes.detect is False
        if resting != self._tick.resting:
            self._tick.rest(resting, now)
        for name, own in self._own.items():
            value = self._changes.thresholds.get(name, own)
            self._recognizers[name].threshold = self._trackers[name].threshold = value

    def _runs(self, change: str) -> bool:
        kind, _, name = change.partition(".")
        return kind == "detect" or name in self._recognizers
