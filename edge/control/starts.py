"""How often the service was started again by itself: the only sign of crashes that nobody saw."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from edge import atomic

log = logging.getLogger("edge.daemon")

FILE = "starts.json"
"""In the run-time directory, which is memory: no card is worn by it. systemd keeps that directory over a
restart with ``RuntimeDirectoryPreserve=restart``, and clears it when a person stops the service. Without
systemd it lies with the state, and is written once for each start."""

MOST_BYTES = 1000


def count_start(folder: Path, boot: str) -> int:
    """Counts this start in ``folder``; gives the number of starts of this ``boot``, at least 1.

    A file that cannot be read, or is of another boot, counts as none; never raises.
    """
    file = folder / FILE
    starts = _before(file, boot) + 1
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write(file, json.dumps({"boot": boot, "starts": starts}).encode(), synced=False)
    except OSError as error:
        log.debug("the start was not counted: %s", error)
    return starts


def _before(file: Path, boot: str) -> int:
    try:
        if not file.is_file():
            return 0
        with file.open("rb") as stream:
            told = json.loads(stream.read(MOST_BYTES))
        starts = told["starts"] if told["boot"] == boot else 0
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
    return starts if type(starts) is int and starts > 0 else 0
