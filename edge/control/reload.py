"""Settings read again while the service runs: what can change without a restart, and how.

All that may fail, reading the file, loading models, building parts, happens on a thread of its own beside the
running service and changes nothing. Only when all of it is good does the service change over; else the old
settings stay, and the reason is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from edge.capture.worker import CaptureWorker
from edge.clock import Clock
from edge.errors import EdgeError, FaultError
from edge.recognition import Recognition
from edge.recognize.registry import descriptors
from edge.section import Section
from edge.settings.compose import Settings
from edge.transmit.credentials import password, tls_context


class Way(Enum):
    """How a setting takes effect."""

    AT_ONCE = "at once"
    RECOGNITION = "models and recognizers are built beside, and taken between two frames"
    CAMERA = "the camera is opened anew"
    BROKER = "the broker is connected to anew"
    RESTART = "needs a restart"


WAYS: Mapping[str, Way] = {
    "device": Way.AT_ONCE,
    "device.name": Way.RESTART,  # in every topic, and in what others have retained of them
    "camera": Way.CAMERA,
    "infer": Way.RECOGNITION,
    "recognizers": Way.RECOGNITION,
    **dict.fromkeys(descriptors(), Way.RECOGNITION),
    "tracking": Way.RECOGNITION,
    "events": Way.RECOGNITION,
    "mqtt": Way.BROKER,
    "mqtt.base": Way.RESTART,  # as device.name
    "mqtt.outbox.path": Way.RESTART,  # what waits in the old file would be forgotten there
    "sinks": Way.RESTART,
    "home_assistant": Way.RESTART,
    "commands": Way.RESTART,
    "snapshot": Way.RESTART,
    "loop.describe_budget": Way.RECOGNITION,
    "loop.deadline": Way.AT_ONCE,
    "state": Way.RESTART,  # the files in it are in use
    "stats": Way.AT_ONCE,
    "log": Way.AT_ONCE,
}
"""By section or key; the longest name that fits counts. What is not named here needs a restart."""


def way(key: str) -> Way:
    """How the setting ``key`` (``mqtt.outbox.rows``) takes effect."""
    while key not in WAYS and "." in key:
        key = key.rpartition(".")[0]
    return WAYS.get(key, Way.RESTART)


def keys(section: Section, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its dotted name."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from keys(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def differing(old: Settings, new: Settings) -> list[str]:
    """The keys of what is not the same."""
    before = dict(keys(old))
    return [key for key, value in keys(new) if value != before[key]]


def keeping(old: Section, new: Settings, kept: list[str]) -> Settings:
    """``new``, but with what ``old`` says for the keys ``kept``."""
    for key in kept:
        new = _with(new, old, key.split("."))
    return new


def _with(new: Any, old: Any, path: list[str]) -> Any:
    name, *rest = path
    value = _with(getattr(new, name), getattr(old, name), rest) if rest else getattr(old, name)
    return new.model_copy(update={name: value})


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that the new settings need, ready to be taken. ``waiting``: keys that need a restart and keep what
    they were; ``recognition``, ``worker``: None where they stay as they are."""

    settings: Settings
    changed: tuple[str, ...]
    waiting: tuple[str, ...]
    recognition: Recognition | None
    worker: CaptureWorker | None
    broker: bool

    def sentence(self) -> str:
        """What came of it, for a person."""
        applied = [key for key in self.changed if key not in self.waiting]
        words = f"settings read again: {_listed(applied)}" if applied else "settings read again: no change"
        if self.recognition is not None and not applied:
            words = "settings read again: other models"
        if self.waiting:
            words += f"; needs a restart: {_listed(self.waiting)}"
        return words


def prepare(now: Settings, new: Settings, recognition: Recognition, clock: Clock) -> Prepared:
    """Builds what ``new`` needs beside what runs by ``now``. Raises ``ConfigError``, and then nothing has
    happened.

    The models are loaded and verified each time: files that were replaced, well or badly, are found here.
    """
    changed = differing(now, new)
    waiting = [key for key in changed if way(key) is Way.RESTART]
    settings = keeping(now, new, waiting)
    ways = {way(key) for key in changed}
    beside = Recognition(settings, recognition)
    if Way.BROKER in ways:
        password(settings.mqtt)
        tls_context(settings.mqtt)
    same = beside.same(recognition)
    if same:
        beside.close()
    return Prepared(
        settings=settings,
        changed=tuple(changed),
        waiting=tuple(waiting),
        recognition=None if same else beside,
        worker=CaptureWorker(settings.camera, clock) if Way.CAMERA in ways else None,
        broker=Way.BROKER in ways,
    )


class Preparation:
    """One call of ``prepare`` on the thread ``reload``."""

    def __init__(self, work: Callable[[], Prepared]) -> None:
        """Begins at once."""
        self._work = work
        self._prepared: Prepared | None = None
        self._error: EdgeError | None = None
        self._thread = threading.Thread(target=self._run, name="reload", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether ``result`` has one."""
        return not self._thread.is_alive()

    def result(self) -> Prepared:
        """What was prepared. Raises what went wrong."""
        if self._error is not None:
            raise self._error
        assert self._prepared is not None, "it is not done"
        return self._prepared

    def _run(self) -> None:
        try:
            self._prepared = self._work()
        except EdgeError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001  (the top of a thread; the service goes on as it was)
            self._error = FaultError(f"internal fault: {type(error).__name__}: {error}")


MOST_KEYS = 6
"""Keys that a sentence names."""


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - MOST_KEYS
    return ", ".join(names[:MOST_KEYS]) + (f" and {more} more" if more > 0 else "")
