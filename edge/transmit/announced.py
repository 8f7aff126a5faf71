"""What Home Assistant has been told of this device, kept in a file: what is no more can then be taken back,
also after a change of the configuration, a new name, or a power cut in between."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge import atomic

log = logging.getLogger("edge.transmit")

MAX_BYTES = 262_144
"""A larger file is none of ours: 16 topics with 250 components each take less."""

MAX_TOPICS = 16
"""Topics remembered; a device that is renamed more often before it can tell forgets the oldest."""

Platforms = dict[str, str]
"""Platforms of components by their key."""


class Announced:
    """``topics``: the components that may be known, by topic of discovery, the newest topic last."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ailing = False
        self.failures = 0
        """How often the file could not be written."""
        self.topics: dict[str, Platforms] = {}
        self._saved: dict[str, Platforms] = {}

    def load(self) -> None:
        """Reads the file, where there is one. What cannot be read is set aside under another name."""
        try:
            found = self._file.stat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
                raise ValueError("no file of ours")  # a pipe would have us wait for somebody to write
            self.topics = _checked(json.loads(self._file.read_text("utf-8")))
            self._saved = self.topics
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            aside = self._file.with_name(f"{self._file.name}.broken")
            log.warning("%s cannot be read (%s): set aside as %s", self._file, error, aside.name)
            try:
                self._file.replace(aside)
            except OSError:
                self.failures += 1

    def keep(self, topics: Mapping[str, Platforms]) -> None:
        """Remembers this, if it is something else. A disk that refuses costs the memory, nothing more."""
        newest = list(topics.items())[-MAX_TOPICS:]
        self.topics = {topic: dict(platforms) for topic, platforms in newest}
        if self.topics == self._saved:
            return
        try:
            self._write()
        except OSError as error:
            self.failures += 1
            if not self._ailing:
                log.warning("%s cannot be written: %s; counted from now on", self._file, error.strerror)
            self._ailing = True
        else:
            self._ailing = False
            self._saved = self.topics

    def _write(self) -> None:
        if not self.topics:
            self._file.unlink(missing_ok=True)
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(self._file, json.dumps(self.topics).encode())


def _checked(document: Any) -> dict[str, Platforms]:
    """The document, if it is what was written. Raises ``ValueError``."""
    if not isinstance(document, dict) or len(document) > MAX_TOPICS:
        raise ValueError("not as it was written")
    for topic, platforms in document.items():
        if not (topic.endswith("/config") and isinstance(platforms, dict)) or {"+", "#"} & set(topic):
            raise ValueError("not as it was written")
        if not all(isinstance(platform, str) for platform in platforms.values()):
            raise ValueError("not as it was written")
    return document
