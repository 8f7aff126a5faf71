"""``edge run``: the service."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from edge.control.signals import Signals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``edge run`` needs nothing but ``-c``."""


def main(args: argparse.Namespace) -> int:
    """Runs until SIGTERM or the end of a source that ends."""
    signals = Signals()
    from edge.capture.chatter import divert  # noqa: PLC0415
    from edge.daemon import Daemon  # noqa: PLC0415  (a signal may also come while OpenCV is imported)
    from edge.settings.load import load, named_or_system  # noqa: PLC0415

    # Once it is known which file it is, that one is read again, also where it has gone meanwhile.
    file = named_or_system(args.config)
    settings = load(file)
    if not args.verbose:
        divert()
    _log_to_stderr("debug" if args.verbose else settings.log.level)
    return Daemon(settings, file=file, signals=signals).run()


def _log_to_stderr(level: str) -> None:
    """One line a record; for the journal with its priority in front (sd-daemon(3)), else with the time."""
    handler = logging.StreamHandler(sys.stderr)
    if os.environ.get("JOURNAL_STREAM"):
        handler.setFormatter(_JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logger = logging.getLogger("edge")
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False


class _JournalFormatter(logging.Formatter):
    """``<4>edge.capture: …``: syslog's priorities, which journald reads from the line."""

    _PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.NOTSET, 7))

    def format(self, record: logging.LogRecord) -> str:
        priority = next(number for level, number in self._PRIORITIES if record.levelno >= level)
        return f"<{priority}>" + super().format(record).replace("\n", " | ")
