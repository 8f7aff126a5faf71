"""The way in, of ``python -m edge`` and of ``edge``: an interrupt is no fault, from the first import on."""

from __future__ import annotations

import sys
from importlib import import_module


def run() -> None:
    """The console script."""
    try:
        import_module("edge.cli.main").run()
    except KeyboardInterrupt:  # before the command line is up, or while it goes
        sys.exit(130)


if __name__ == "__main__":
    run()
