"""``python -m tools.evaluate WHAT …``: one command for each kind of judgement."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from edge.errors import EdgeError
from tools.evaluate import digits, digits_scenes
from tools.evaluate.faces import calibrate, detect, groups, identify, verify

COMMANDS = {
    "digits": digits,
    "digits-scenes": digits_scenes,
    "faces-calibrate": calibrate,
    "faces-detect": detect,
    "faces-groups": groups,
    "faces-identify": identify,
    "faces-verify": verify,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one evaluation: 0, or the exit code of the error, which is told in a line on standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.evaluate", description="Judges models on labelled data."
    )
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        command.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
        module.add_arguments(command)
        command.set_defaults(run=module.main)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except EdgeError as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
