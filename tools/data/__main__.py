"""Says which data sets are there, whole and unchanged.

    python -m tools.data --data ../shared/data [--json]

Exit 0 when all are, 1 when a published set is missing or anything is damaged, 78 without a data folder.
Photographs that only reports need, and fonts that a release of Debian lacks, are told and may be missing.
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
from tools.data.files import data_folder
from tools.data.states import COUNT, State, states


def main(argv: Sequence[str] | None = None) -> int:
    """Checks everything and prints what was found."""
    parser = argparse.ArgumentParser(prog="python -m tools.data", description="Checks the data sets.")
    parser.add_argument(
        "--data", default=None, help="the folder that holds digits/ (default: $EDGE_SHARED/data)"
    )
    parser.add_argument("--json", action="store_true", help="one object: file to `state` and `remedy`")
    arguments = parser.parse_args(argv)
    try:
        root = data_folder(arguments.data)
    except EdgeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    console = Console(stderr=True)
    found = dict(track(states(root), "checking", total=COUNT, console=console, transient=True))
    if arguments.json:
        print(
            json.dumps({path: {"state": state.word, "remedy": state.remedy} for path, state in found.items()})
        )
    else:
        Console().print(_table(root, found))
    return InputError.exit_code if any(state.fails for state in found.values()) else 0


def _table(root: Path, found: dict[str, State]) -> Table:
    table = Table(title=str(root))
    for name in ("file", "state", "usually had from"):
        table.add_column(name, overflow="fold", no_wrap=name == "state")
    for path, state in found.items():
        table.add_row(path, state.word, state.remedy)
    return table


if __name__ == "__main__":
    sys.exit(main())
