"""``edge run`` that counts what lives in it: ``python -m tools.soak.counted CONFIG EVERY FRAMES``.

It is the whole daemon, in its own main thread. After every ``EVERY`` frames it prints a line of JSON: frames,
the objects that Python's garbage collector knows once it has collected, those of the commonest types,
threads, descriptors, MiB; after ``FRAMES`` frames it ends in order.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from edge.daemon import Daemon
from edge.settings.load import load
from tools.soak.footprint import footprint

TYPES = 40
"""Types that are told by name, the commonest first."""


class Counted(Daemon):
    """Looks between two turns of its main thread, which other threads go on meanwhile."""

    def __init__(self, config: Path, every: int, frames: int) -> None:
        super().__init__(load(config), file=config)
        self._every, self._most = every, frames
        self._due = every

    def _turn(self) -> None:
        super()._turn()
        frames = self._parts.loop.frames
        if frames >= self._due:
            self._due = frames - frames % self._every + self._every
            print(json.dumps({"frames": frames, **look()}), flush=True)
        if frames >= self._most:
            self.stop()


def look() -> dict[str, Any]:
    """What lives in this process now."""
    gc.collect()
    kinds = Counter(type(one).__qualname__ for one in gc.get_objects())
    held = footprint(os.getpid())
    return {
        "objects": kinds.total(), "types": dict(kinds.most_common(TYPES)),
        "threads": held.threads, "descriptors": held.descriptors, "memory": round(held.memory, 2),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(Counted(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])).run())
