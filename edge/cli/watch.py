"""``edge watch``: what a broker receives from this device, or from any; and a fleet at a glance."""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.cli import connection
from edge.cli.fleet import MOST, TOPICS, Fleet, Line, as_json
from edge.cli.terminal import Terminal, shown
from edge.errors import UnavailableError, UsageError
from edge.settings.load import load
from edge.transmit.subscriber import Subscriber

CONNECT_WITHIN = 10.0

QUIET = 1.0
"""Seconds without a further retained message after which ``--once`` has seen them all."""

ONCE_WITHIN = 10.0
"""Seconds that ``--once`` takes at most."""

TURN = 0.25
"""Seconds between two looks at what has changed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which broker, which device, which topics."""
    parser.add_argument("--device", help="one device (default: all)")
    parser.add_argument(
        "--topic",
        action="append",
        metavar="FILTER",
        help="filter below the device, such as digits/event; may stand several times (default: all)",
    )
    parser.add_argument(
        "--filter",
        action="append",
        metavar="FILTER",
        help="whole filter, such as homeassistant/#; may stand several times",
    )
    parser.add_argument("--fleet", action="store_true", help="a line for each device instead of its messages")
    parser.add_argument("--once", action="store_true", help="with --fleet: what is known now, and no more")
    parser.add_argument("--seconds", type=float, help="end after so long (default: never)")
    parser.add_argument(
        "--json",
        action="store_true",
        help='one {"topic", "payload", "retained"} a line; with --fleet one object a change',
    )
    connection.add_arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Prints until Ctrl-C; 69 when the broker cannot be reached."""
    settings = connection.chosen(load(args.config).mqtt, args)
    if args.once and not args.fleet:
        raise UsageError("--once", "allowed: together with --fleet")
    if args.fleet and (args.topic or args.filter):
        raise UsageError(
            "--fleet with --topic or --filter", "allowed: one of them; --fleet has topics of its own"
        )
    filters = _filters(settings.base, args)
    shows = _FleetView(settings.base, args) if args.fleet else _MessageView(args.json)
    subscriber = Subscriber(settings, filters, shows.take)
    subscriber.start()
    try:
        _wait_connected(subscriber)
        with shows.drawing():
            _follow(subscriber, shows, args)
    except KeyboardInterrupt:
        pass
    finally:
        subscriber.stop()
    if subscriber.fault is not None:  # the reader of the output has gone, for one
        raise subscriber.fault
    shows.end()
    dropped = subscriber.counters()["dropped"]
    if dropped:
        print(
            f"edge: {dropped} messages came too fast or were too large, and were left out",
            file=sys.stderr,
        )
    return 0


def _filters(base: str, args: argparse.Namespace) -> list[str]:
    """What to subscribe to. Raises ``UsageError``: a broker answers a wrong filter by hanging up."""
    device = args.device or "+"
    below = TOPICS if args.fleet else args.topic or (() if args.filter else ("#",))
    filters = [f"{base}/{device}/{topic}" for topic in below] + (args.filter or [])
    for each in filters:
        # Halves of pairs are how Python takes arguments that are no text.
        wrong = re.search(r"#(?!$)|[^/][+#]|\+[^/]|[\x00-\x1f\x7f\ud800-\udfff]", each)
        if wrong or not each or len(each.encode("utf-8", "replace")) > 65_535:
            raise UsageError(shown(each), "allowed: + as a whole level, # as the last one")
    return filters


def _wait_connected(subscriber: Subscriber) -> None:
    if not subscriber.wait_connected(CONNECT_WITHIN):
        raise UnavailableError(
            f"no connection within {CONNECT_WITHIN:g} s: {subscriber.describe()}",
            "is it running, and are mqtt.host, mqtt.port and the login right?",
        )


def _follow(subscriber: Subscriber, shows: _MessageView | _FleetView, args: argparse.Namespace) -> None:
    begun = time.monotonic()
    until = begun + args.seconds if args.seconds else float("inf")
    if args.once:
        until = min(until, begun + ONCE_WITHIN)
    while (now := time.monotonic()) < until and subscriber.fault is None:
        if args.once and now - max(shows.retained_at, begun) > QUIET:
            break
        time.sleep(TURN)
        shows.draw()


class _MessageView:
    """A line for each message."""

    def __init__(self, as_objects: bool) -> None:
        self.retained_at = 0.0
        self._as_objects = as_objects
        self._console = Terminal(highlight=False, soft_wrap=True)

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        """On the subscriber's thread."""
        if self._as_objects:
            print(_as_json(topic, payload, retained), flush=True)
        else:
            self._console.print(_line(topic, payload))

    def drawing(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def draw(self) -> None:
        """Lines stand where they were printed."""

    def end(self) -> None:
        """Nothing is left to say."""


class _FleetView:
    """A line for each device: drawn anew on a terminal, printed at each change elsewhere."""

    def __init__(self, base: str, args: argparse.Namespace) -> None:
        self.retained_at = 0.0
        self._fleet = Fleet(base)
        self._as_objects, self._once = args.json, args.once
        self._console = Terminal(highlight=False, soft_wrap=not sys.stdout.isatty())
        self._is_live = self._console.is_terminal and not (args.json or args.once)
        self._live = Live(self._table(), console=self._console, auto_refresh=False, transient=False)
        self._changed = threading.Event()

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        """On the subscriber's thread."""
        if retained:
            self.retained_at = time.monotonic()
        line = self._fleet.take(topic, payload)
        if line is None:
            return
        self._changed.set()
        if self._as_objects and not self._once:
            print(as_json(line), flush=True)
        elif not (self._is_live or self._once):
            self._console.print(Text("  ").join(Text(cell.plain) for cell in _cells(line)))

    def drawing(self) -> AbstractContextManager[Any]:
        """The screen, while it is drawn on."""
        return self._live if self._is_live else nullcontext()

    def draw(self) -> None:
        """Draws what has changed."""
        if self._is_live and self._changed.is_set():
            self._changed.clear()
            self._live.update(self._table(), refresh=True)

    def end(self) -> None:
        """Says what ``--once`` has seen, and what was left out."""
        if self._once and self._as_objects:
            for line in self._fleet.lines():
                print(as_json(line))
        elif self._once:
            self._console.print(self._table() if self._fleet.lines() else "no device on this broker")
        left = {name: count for name, count in self._fleet.counters().items() if count}
        if left.get("no_room"):
            print(f"edge: there is room for {MOST} devices; others were left out", file=sys.stderr)
        odd = left.get("not_a_device", 0) + left.get("not_understood", 0)
        if odd:
            print(f"edge: {odd} messages were not from a device of ours, and were left out", file=sys.stderr)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        # Where a terminal is narrow, only the long words give way.
        for name in ("device", ""):
            table.add_column(name, no_wrap=True)
        table.add_column("camera")
        for name in ("fps", "waiting"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("version", no_wrap=True)
        table.add_column("last event")
        for line in self._fleet.lines():
            table.add_row(*_cells(line))
        return table


def _cells(line: Line) -> Sequence[Text]:
    online = {True: ("online", "green"), False: ("offline", "bold red"), None: ("?", "dim")}[line.online]
    camera = line.camera or "-"
    reason = f": {line.reason}" if line.reason else ""
    # Of a device that is away it was so once.
    style = "dim" if not (line.camera and line.online) else "green" if camera == "ok" else "yellow"
    event = Text(line.event or "-").append(f"  {line.event_time}" if line.event_time else "", "dim")
    return (
        Text(line.device, "cyan"),
        Text(*online),
        Text(f"{camera}{reason}", style),
        Text("-" if line.fps is None else f"{line.fps:.1f}"),
        Text("-" if line.outbox is None else str(line.outbox), "yellow" if line.outbox else ""),
        Text(line.version or "-"),
        event,
    )


def _as_json(topic: str, payload: bytes, retained: bool) -> str:
    """One object; a payload that is no JSON, or that Python alone takes for it (NaN), stands as text."""
    said = {"topic": topic, "retained": retained}
    try:
        return json.dumps({**said, "payload": json.loads(payload)}, allow_nan=False)
    except (ValueError, RecursionError):
        return json.dumps({**said, "payload": payload.decode("utf-8", "replace")})


def _line(topic: str, payload: bytes) -> Text:
    """One line; control characters of the wire never reach the terminal."""
    text = shown(payload.decode("utf-8", "replace"))
    return Text(f"{time.strftime('%H:%M:%S')} ", "dim").append(f"{shown(topic)} ", "cyan").append(text)
