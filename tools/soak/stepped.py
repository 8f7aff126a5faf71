"""``edge run`` whose wall clock is stepped from outside: ``python -m tools.soak.stepped CONFIG FIFO``.

It is the whole daemon with another clock: each line that is written into ``FIFO`` is a number of seconds by
which the wall clock is off from then on. The monotonic clock is the machine's. SIGTERM ends it in order.
"""

from __future__ import annotations

import logging
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

from edge.clock import SystemClock
from edge.control.signals import Signals
from edge.daemon import Daemon
from edge.settings.load import load


class Stepped(SystemClock):
    """``off``: seconds."""

    off = 0.0

    def wall(self) -> datetime:
        """UTC, and ``off``."""
        return super().wall() + timedelta(seconds=self.off)


def main() -> int:
    """Runs until SIGTERM."""
    signals = Signals()
    config, fifo = map(Path, sys.argv[1:])
    clock = Stepped()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")

    def listen() -> None:
        with fifo.open() as lines:
            for line in lines:
                clock.off = float(line)

    threading.Thread(target=listen, name="steps", daemon=True).start()
    return Daemon(load(config), file=config, clock=clock, signals=signals).run()


if __name__ == "__main__":
    sys.exit(main())
