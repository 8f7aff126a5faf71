"""``edge forget NAME …``: forgets people for good."""

from __future__ import annotations

import argparse
import json
import sys

from rich.text import Text

from edge.capture.chatter import held_back
from edge.cli.terminal import Terminal, shown
from edge.errors import InputError
from edge.people.door import door
from edge.settings.load import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="people, as edge people shows them")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def main(args: argparse.Namespace) -> int:
    """1 where somebody is not known."""
    with held_back():  # the runtime tells standard error how it begins
        way = door(args.config, load(args.config))
    failed = 0
    console = Terminal(highlight=False)
    for name in dict.fromkeys(args.names):
        reply = way.forget(name)
        failed += not reply.ok
        if args.json:
            print(json.dumps({"name": name, "ok": reply.ok, "message": reply.message}))
        elif reply.ok:
            console.print(Text(shown(reply.message)), soft_wrap=True)
        if not reply.ok:
            print(f"edge: {shown(reply.message)}", file=sys.stderr)
    return InputError.exit_code if failed else 0
