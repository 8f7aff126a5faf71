"""What commands have changed, kept over restarts in ``changes.json`` of the state's folder.

Written only when it differs, whole, under another name that is then renamed over it (rename(2)), so that a
power cut leaves the one or the other. The loop decides, the main thread writes: a card may take seconds.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge import atomic
from edge.transmit.legible import legible

log = logging.getLogger("edge.control")

FILE = "changes.json"
SCHEMA = 1

MOST_BYTES = 65_536
"""Of the file; a few hundred are usual."""

RETRY = 30.0
"""Seconds until a disk that failed is written again."""

ASKERS = 64
"""Who waits to hear that it is on disk, at most; the others hear at once that it is not yet."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the settings file. ``detect``: None: as there; ``thresholds`` by recognizer, also of
    those that do not run at present."""

    detect: bool | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.detect is not None or bool(self.thresholds)

    def names(self) -> list[str]:
        """What is changed: ``detect``, ``thresholds.digits``."""
        detect = ["detect"] if self.detect is not None else []
        return detect + [f"thresholds.{name}" for name in sorted(self.thresholds)]

    def describe(self) -> str:
        """In words for a person: ``detect off, threshold of digits 0.9``."""
        words = [] if self.detect is None else ["detect " + ("on" if self.detect else "off")]
        changed = sorted(self.thresholds.items())
        words += [f"threshold of {legible(name)} {value:g}" for name, value in changed]
        return ", ".join(words) or "nothing"


class UnusableError(ValueError):
    """The file is not one of changes: why, in words."""


def read(path: Path) -> Changes:
    """What the file says; no changes where there is none. Raises ``UnusableError`` and ``OSError``."""
    try:
        # Not blocking, and no link followed: whatever lies there under this name must not hold us up.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return Changes()
    with open(handle, "rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UnusableError(f"more than {MOST_BYTES} bytes")
    try:
        return _changes(json.loads(content.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise UnusableError(str(error).partition("\n")[0] or "no JSON") from None


def _changes(told: Any) -> Changes:
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise UnusableError(f"not an object with schema {SCHEMA}")
    detect, thresholds = told.get("detect"), told.get("thresholds", {})
    if detect is not None and not isinstance(detect, bool):
        raise UnusableError("detect is neither true nor false")
    if not isinstance(thresholds, dict):
        raise UnusableError("thresholds is no object")
    for value in thresholds.values():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise UnusableError("a threshold is not a number 0 to 1")
    return Changes(detect, {str(name): float(value) for name, value in thresholds.items()})


class ChangesFile:
    """``want`` from the loop's thread, ``tend`` from the main thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._wanted: Changes | None = None
        """What is to be written; None: nothing is."""
        self._stored: Changes | None = None
        """What is on disk; None: not known."""
        self._askers: list[Callable[[bool], None]] = []
        self._retry_at = float("-inf")
        self._ailing = False
        self._counts = {"changes_written": 0, "changes_failures": 0}

    def load(self) -> Changes:
        """What an earlier process was told. A file that cannot be used is set aside and told of."""
        try:
            self._stored = read(self._path)
            return self._stored
        except UnusableError as error:
            self._set_aside(str(error))
        except OSError as error:
            log.error("%s cannot be read: %s; the settings file alone holds", self._path, error.strerror)
        return Changes()

    def want(self, changes: Changes, kept: Callable[[bool], None]) -> None:
        """Has ``changes`` written soon; ``kept`` is told, on the main thread, whether they are on disk.

        Where that is clear already it is told at once.
        """
        with self._lock:
            done = self._wanted is None and changes == self._stored
            full = len(self._askers) >= ASKERS
            if not done:
                self._wanted = changes
                if not full:
                    self._askers.append(kept)
        if done or full:
            kept(done)

    def tend(self, now: float) -> None:
        """Writes what waits. ``now``: monotonic seconds. A disk in trouble is no error: it is tried again."""
        with self._lock:
            wanted = self._wanted
            askers, self._askers = self._askers, []
        if wanted is None or (now < self._retry_at and not askers):
            return
        done = self._try(wanted, now)
        with self._lock:
            self._stored = wanted if done else self._stored
            if done and self._wanted is wanted:
                self._wanted = None
        for kept in askers:
            kept(done)

    def counters(self) -> dict[str, int]:
        """``changes_written`` and ``changes_failures``: times that the disk did not take them."""
        return dict(self._counts)

    def _try(self, changes: Changes, now: float) -> bool:
        try:
            if changes:
                self._write(changes)
            else:
                self._path.unlink(missing_ok=True)
        except OSError as error:
            self._counts["changes_failures"] += 1
            self._retry_at = now + RETRY
            if not self._ailing:
                self._ailing = True
                log.warning("%s cannot be written: %s; a restart forgets it", self._path, error.strerror)
            return False
        self._counts["changes_written"] += 1
        self._ailing = False
        return True

    def _write(self, changes: Changes) -> None:
        told = {"schema": SCHEMA, "detect": changes.detect, "thresholds": dict(changes.thresholds)}
        content = (json.dumps(told, sort_keys=True) + "\n").encode()
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write(self._path, content)

    def _set_aside(self, why: str) -> None:
        """Under one name, which the next one takes: there is nothing in it worth keeping two of."""
        aside = self._path.with_name(f"{self._path.name}.unusable")
        try:
            self._path.replace(aside)
        except OSError as error:
            log.error("%s cannot be used (%s) nor set aside: %s", self._path, why, error.strerror)
            return
        log.error(
            "%s cannot be used (%s): set aside as %s; the settings file alone holds",
            self._path, why, aside.name,
        )  # fmt: skip
