"""``edge people [--export FILE | --import FILE]``: who is known, and that as a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from edge import atomic
from edge.capture.chatter import held_back
from edge.cli.terminal import Terminal, shown
from edge.errors import InputError
from edge.people.door import FileDoor, door
from edge.recognize.faces.transfer import MAX_BYTES, exported, imported
from edge.settings.folder import state_folder
from edge.settings.load import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A table, or a file."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--export",
        type=Path,
        metavar="FILE",
        help="write everybody to FILE, with what makes them known",
    )
    way.add_argument("--import", type=Path, metavar="FILE", dest="take_in", help="add who is in such a FILE")


def main(args: argparse.Namespace) -> int:
    """Beside a running service too."""
    settings = load(args.config)
    if args.export or args.take_in:
        # The gallery's file is safe with several processes, and the service takes up what changes in it.
        with held_back():
            gallery = FileDoor(settings, state_folder(args.config, settings))
        return _export(args, gallery) if args.export else _import(args, gallery)
    with held_back():  # the runtime tells standard error how it begins
        way = door(args.config, settings)
    told = way.people().data
    for remark in told.get("remarks", ()):
        print(f"edge: {shown(str(remark))}", file=sys.stderr)
    if args.json:
        print(json.dumps({"people": told.get("people", [])}))
    else:
        _print(told, way.where)
    return 0


def _print(told: Mapping[str, Any], where: str) -> None:
    people = told.get("people") or []
    table = Table("person", box=None, pad_edge=False)
    for heading in ("pictures", "spread", "denied"):
        table.add_column(heading, justify="right")
    table.add_column("enrolled")
    table.add_column("")
    for person in people:
        spread = "" if person["spread"] is None else f"{person['spread']:.2f}"
        since = str(person["enrolled"])[:16].replace("T", " ")
        again = "" if person["usable"] else Text("enrol again", "yellow")
        counts = str(person["count"]), spread, str(person["negatives"])
        table.add_row(Text(shown(person["name"])), *counts, since, again)
    console = Terminal(highlight=False)
    if people:
        console.print(table)
    words = f"{len(people)} known" if people else "nobody is known"
    console.print(Text(f"{words}, in {shown(where)}", "dim"), soft_wrap=True)


def _export(args: argparse.Namespace, way: FileDoor) -> int:
    gallery = way.recognizer.gallery
    content = exported(gallery)
    try:
        atomic.write(args.export, content)  # what makes people recognisable is nobody else's to read
    except (OSError, ValueError) as error:
        raise InputError(f"{args.export}: cannot be written: {_reason(error)}") from None
    known = sum(person.usable for person in gallery.people())
    _say(args, {"people": known, "bytes": len(content)}, f"wrote {known} people to {args.export}")
    return 0


def _import(args: argparse.Namespace, way: FileDoor) -> int:
    """1 where somebody has found no room."""
    try:
        done = imported(way.recognizer.gallery, _read(args.take_in))
    except InputError as error:
        raise InputError(f"{args.take_in}: {error.message}", error.hint) from None
    words = f"{done.people} people and {done.added} pictures of people added, {done.left} known already"
    _say(args, asdict(done), words)
    if done.refused:
        print(f"edge: {done.refused} people have found no room; see faces.max_people", file=sys.stderr)
    return InputError.exit_code if done.refused else 0


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read: {_reason(error)}", "check the path") from None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _say(args: argparse.Namespace, told: Mapping[str, Any], words: str) -> None:
    if args.json:
        print(json.dumps(told))
    else:
        Terminal(highlight=False).print(Text(words), soft_wrap=True)
