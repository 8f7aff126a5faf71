"""``edge COMMAND …``: finds the command, and turns errors into one line and an exit code.

A command is a module of this package with ``add_arguments(parser)`` and ``main(args) -> int``;
only the one that is called is imported, so that ``edge --version`` needs no OpenCV.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from edge import __version__
from edge.errors import EdgeError, FaultError

COMMANDS = {
    "run": "read the camera, recognise, publish: the service itself",
    "demo": "play a drawn scene through the whole service and show what a subscriber receives",
    "recognize": "read pictures: digits, and faces where they are looked for",
    "check": "look at configuration, state, models, camera and broker, a line each",
    "status": "show how the running service is",
    "models": "list the models with their figures, and verify them",
    "outbox": "show events that wait for the broker or were refused; try these again, or drop them",
    "enroll": "get to know people, from pictures and videos of each",
    "people": "show who is known, or write that to a file and read it back",
    "deny": "say that who is in view is not the person that it was taken for",
    "forget": "forget people for good",
    "watch": "follow what a broker receives from this or any device, or a whole fleet",
    "discovery": "show what Home Assistant is told of this device, or take it back",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line; gives its exit code. Prints errors as one line on standard error."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    verbose = not {"-v", "--verbose"}.isdisjoint(arguments)
    try:
        args = _parser(arguments).parse_args(arguments)
        code = int(import_module(f"edge.cli.{args.command}").main(args))
        print(end="", flush=True)  # here, where a reader that has gone is known
        return code
    except EdgeError as error:
        if verbose:
            traceback.print_exc()
        print(f"edge: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (`| head`) has seen enough; nothing more can be written, not even by the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  (the last border: a person gets one line)
        if verbose:
            traceback.print_exc()
        print(f"edge: internal fault: {type(error).__name__}: {error}; -v shows where", file=sys.stderr)
        return FaultError.exit_code


def run() -> None:
    """Runs the command line of this process, and ends the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name of a file may be no text at all
            stream.reconfigure(errors="backslashreplace")
    code = main()
    if threading.active_count() > 1:
        # A driver holds its thread; the interpreter's own end would abort the process under it.
        sys.stdout.flush()
        logging.shutdown()
        os._exit(code)
    sys.exit(code)


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge", description="Unattended recognition: from the camera to the broker."
    )
    parser.add_argument("--version", action="version", version=f"edge {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_CommandParser
    )
    chosen = next((word for word in arguments if word in COMMANDS), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        command.add_argument(
            "-c",
            "--config",
            type=Path,
            metavar="FILE",
            help="settings (default: /etc/edge/edge.yaml, if there)",
        )
        command.add_argument("-v", "--verbose", action="store_true", help="more words; tracebacks of faults")
        if name == chosen:
            import_module(f"edge.cli.{name}").add_arguments(command)
    return parser


class _CommandParser(argparse.ArgumentParser):
    """Takes options anywhere, also between names of files; argparse alone does not, before Python 3.13."""

    _within = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._within:
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False
