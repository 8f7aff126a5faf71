"""``edge outbox [list|retry|drop]``: events that the broker has not confirmed yet, and those it refused."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import timedelta
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.cli.terminal import Terminal, shown
from edge.clock import SystemClock, unix_milliseconds
from edge.errors import InputError, UsageError
from edge.settings.folder import state_folder
from edge.settings.load import load
from edge.transmit.identity import boot_id
from edge.transmit.inspection import Answer, Entry, Inspection
from edge.transmit.legible import legible
from edge.transmit.moment import Moment, clock_synced, delay

MOST = 50
"""Rows in the table without ``--all``; ``--json`` shows them all."""

PAYLOAD = 2000
"""Characters that are shown of a payload."""

NAME = 40
"""Characters that are shown of a topic."""

DONE = {"retry": "tried again", "drop": "dropped"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which events."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("list", "retry", "drop"),
        default="list",
        help="list (the default); retry: those refused are tried again; drop: they are lost for good",
    )
    parser.add_argument("ids", nargs="*", metavar="ID", help="events, as the list shows them")
    parser.add_argument(
        "--all", action="store_true", help="list: every row; retry, drop: all that the broker refused"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line; payloads with -v")


def main(args: argparse.Namespace) -> int:
    """Beside a running service too. Exit 1 where some of the events are not there or are under way."""
    settings = load(args.config)
    path = settings.mqtt.outbox.file(state_folder(args.config, settings))
    inspection = Inspection(path)
    if args.action == "list":
        if args.ids:
            raise UsageError("list takes no ids", "allowed: edge outbox list, edge outbox drop ID …")
        _list(args, inspection, str(path))
        return 0
    if bool(args.ids) == args.all:
        raise UsageError(f"{args.action} what?", "allowed: ids, as edge outbox shows them, or --all")
    ids = list(dict.fromkeys(args.ids)) or [each.id for each in inspection.entries() if each.refused]
    answer = inspection.ask(args.action, ids)
    _tell(args, answer)
    return InputError.exit_code if answer.unknown or answer.left else 0


def _list(args: argparse.Namespace, inspection: Inspection, path: str) -> None:
    clock = SystemClock()
    wall = unix_milliseconds(clock.wall())
    now = Moment(boot_id(), clock.monotonic_ns(), wall, clock_synced())
    table = Table("id", "topic", "age", "bytes", "state", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    waiting = parked = size = 0
    payloads: list[Entry] = []
    for entry in inspection.entries(payloads=args.verbose):
        if args.json:
            print(json.dumps(_record(entry, now)))
            continue
        waiting, parked, size = waiting + (not entry.refused), parked + bool(entry.refused), size + entry.size
        if args.all or waiting + parked <= MOST:
            table.add_row(*_cells(entry, now))
            payloads += [entry] if args.verbose else []
    if args.json:
        return
    console = Terminal(highlight=False)
    count = waiting + parked
    if count:
        console.print(table)
    for entry in payloads:
        console.print(
            Text(f"\n{shown(entry.id)}", "cyan").append(f"\n{_payload(entry)}", "default"), soft_wrap=True
        )
    if count > MOST and not args.all:
        console.print(Text(f"and {count - MOST} more; --all shows them", "dim"))
    console.print(
        Text(f"{waiting} wait, {parked} parked, {size / 1024:.1f} KiB, in {shown(path)}"), soft_wrap=True
    )


def _cells(entry: Entry, now: Moment) -> tuple[Text, ...]:
    age = delay(entry.happened, now)
    words = str(timedelta(seconds=age.milliseconds // 1000))
    state = Text(f"parked: {legible(entry.refused)}", "yellow") if entry.refused else Text("waiting")
    topic, size = legible(entry.topic, NAME), str(entry.size)
    return (
        Text(legible(entry.id)),
        Text(topic),
        Text(words if age.exact else f"> {words}"),
        Text(size),
        state,
    )


def _record(entry: Entry, now: Moment) -> dict[str, Any]:
    age = delay(entry.happened, now)
    record = {
        "id": entry.id,
        "topic": entry.topic,
        "state": "parked" if entry.refused else "waiting",
        "reason": entry.refused,
        "age_s": age.milliseconds / 1000,
        "age_exact": age.exact,
        "bytes": entry.size,
    }
    return record if entry.payload is None else {**record, "payload": _decoded(entry.payload)}


def _payload(entry: Entry) -> str:
    return legible(entry.payload or b"", PAYLOAD)


def _decoded(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")


def _tell(args: argparse.Namespace, answer: Answer) -> None:
    if args.json:
        print(
            json.dumps(
                {"action": args.action, "done": answer.done, "unknown": answer.unknown, "left": answer.left}
            )
        )
    else:
        count = len(answer.done)
        print(f"{count} event{'' if count == 1 else 's'} {DONE[args.action]}")
    for one in answer.unknown:
        print(
            f"edge: {legible(one)}: no such event in the outbox; it may have been delivered", file=sys.stderr
        )
    for one in answer.left:
        print(f"edge: {legible(one)}: under way to the broker at this moment, not dropped", file=sys.stderr)
