"""Says which data sets are there, whole and unchanged.

    python -m tools.data --data ../shared/data [--json]

Exit 0 when all are, 1 when something is missing or damaged, 78 when there is no data folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.errors import EdgeError, InputError
from tools.data.files import Source, data_folder, verified
from tools.data.sets import SOURCES


def main(argv: Sequence[str] | None = None) -> int:
    """Checks all files and prints what was found."""
    parser = argparse.ArgumentParser(prog="python -m tools.data", description="Checks the data sets.")
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    parser.add_argument("--json", action="store_true", help="one object, file to state")
    arguments = parser.parse_args(argv)
    try:
        root = data_folder(arguments.data)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    bar = track(SOURCES, description="checking", console=Console(stderr=True), transient=True)
    states = {source.path: _state(root, source) for source in bar}
    if arguments.json:
        print(json.dumps(states))
    else:
        table = Table("file", "state", title=str(root))
        for path, state in states.items():
            table.add_row(path, state)
        Console().print(table)
    return 0 if set(states.values()) == {"ok"} else InputError.exit_code


def _state(root: Path, source: Source) -> str:
    try:
        verified(root, source)
    except InputError as error:
        return str(error)
    return "ok"


if __name__ == "__main__":
    sys.exit(main())
