"""``edge deny NAME --track N``: who is in view as track N is not that person."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.text import Text

from edge.cli.terminal import Terminal, shown
from edge.errors import InputError, UnavailableError
from edge.people.door import ServiceDoor, runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who is not whom."""
    parser.add_argument("name", metavar="NAME", help="the name that is wrong")
    parser.add_argument(
        "--track", type=int, required=True, metavar="N", help="the number in faces/event and faces/state"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def main(args: argparse.Namespace) -> int:
    """Only a running service has anybody in view."""
    config: Path | None = args.config
    if not runs(config):
        raise UnavailableError("no service runs, so that nobody is in view", "start it")
    reply = ServiceDoor(config).deny(args.name, args.track)
    if not reply.ok:
        raise InputError(shown(reply.message))
    if args.json:
        print(json.dumps(dict(reply.data)))
    else:
        Terminal(highlight=False).print(Text(shown(reply.message)), soft_wrap=True)
    return 0
