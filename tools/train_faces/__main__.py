"""``python -m tools.train_faces``: arguments, and how errors end it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from edge.errors import EdgeError, UnavailableError
from tools.train_faces import command
from tools.train_faces.detector import command as detector_command

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the signal's number."""


def main(argv: Sequence[str] | None = None) -> int:
    """One of the steps; exit codes as the errors have them."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.train_faces", description="Trains the face models."
    )
    steps = parser.add_subparsers(required=True, metavar="STEP")
    command.add(steps)
    detector_command.add(steps)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except EdgeError as error:
        print(f"train_faces: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"train_faces: {error.filename or 'the disk'}: {error.strerror or error}", file=sys.stderr)
        return UnavailableError.exit_code
    except KeyboardInterrupt:
        print("train_faces: interrupted; what was saved stays", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
