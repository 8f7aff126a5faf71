"""``edge status``: how the running service is, as it says itself over its run socket."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.cli.terminal import Terminal, shown
from edge.control.client import ask
from edge.errors import UnavailableError

WITHIN = 5.0
"""Seconds for the answer: the service answers four times a second, or something is wrong with it."""

GOOD, BAD = "green", "yellow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``edge status [--json]``."""
    parser.add_argument("--json", action="store_true", help="one JSON object, all that it tells")


def main(args: argparse.Namespace) -> int:
    """Prints the sentence of ``systemctl status`` and more. Raises ``UnavailableError`` where none runs."""
    reply = ask("status", config=args.config, timeout=WITHIN)
    if not reply.ok:
        raise UnavailableError(f"the service does not say how it is: {shown(reply.message)}")
    if args.json:
        print(json.dumps(dict(reply.data), ensure_ascii=False))
    else:
        Terminal(file=sys.stdout).print(panel(reply.data))
    return 0


def panel(told: Mapping[str, Any]) -> Panel:
    """What it tells, for people. Whatever is not there is left out: the service may be of another version."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, words, good in rows(told):
        table.add_row(name, Text(shown(words), style="" if good is None else GOOD if good else BAD))
    heading = Text(shown(f"edge {told.get('device', '')}".strip()))
    sentence = Text(shown(str(told.get("sentence", ""))), style="bold")
    return Panel(Group(sentence, table), title=heading, title_align="left")


def rows(told: Mapping[str, Any]) -> list[tuple[str, str, bool | None]]:
    """Name, words, and whether that is good; None: neither."""
    stats = _object(told, "stats")
    camera, governor = _object(told, "camera"), _object(stats, "governor")
    device, outbox = _object(stats, "device"), _object(stats, "outbox")
    latency = _object(_object(stats, "latency_ms"), "total")
    versions = _object(stats, "versions")
    reason = f" ({camera['reason']})" if camera.get("reason") else ""
    found: list[tuple[str, str | None, bool | None]] = [
        (
            "camera",
            f"{camera.get('state')}{reason}, {camera.get('fps')} fps from {told.get('source')}",
            camera.get("state") == "ok",
        ),
        ("frames", _frames(_object(stats, "loop"), latency), None),
        ("slowed", told.get("slowed"), False),
        ("recognizers", _recognizers(stats, versions), None),
        ("broker", told.get("broker"), bool(told.get("connected"))),
        ("outbox", _outbox(outbox, _object(stats, "parked")), not outbox.get("dropped")),
        ("settings", told.get("remark"), False),
        ("changed", ", ".join(told.get("changed") or ()) or None, None),
        ("device", _device(device, stats), None),
        ("throttled", ", ".join(device.get("throttled") or ()) or None, False),
        ("clock", "kept" if device.get("clock_synced") else "not kept by NTP or the like", None),
        ("processor", _share(governor), None),
        ("up", _uptime(stats), None),
        *(("warning", warning, False) for warning in stats.get("warnings") or ()),
    ]
    return [(name, str(words), good) for name, words, good in found if words]


def _frames(loop: Mapping[str, Any], latency: Mapping[str, Any]) -> str:
    words = f"{loop.get('fps')} looked at a second, {loop.get('frames')} so far, {loop.get('events')} events"
    return words + (f"; {latency['p50']} ms each, p99 {latency['p99']}" if latency else "")


def _recognizers(stats: Mapping[str, Any], versions: Mapping[str, Any]) -> str:
    models = [f"{name} {version}" for name, version in versions.items() if name.startswith("model ")]
    return ", ".join(_object(stats, "recognizers")) + (f" with {', '.join(models)}" if models else "")


def _outbox(outbox: Mapping[str, Any], parked: Mapping[str, Any]) -> str | None:
    if not outbox:
        return None
    words = ", ".join(f"{outbox.get(name)} {name}" for name in ("waiting", "delivered", "dropped"))
    return words + "".join(f"; {count} refused for good: {why}" for why, count in parked.items())


def _device(device: Mapping[str, Any], stats: Mapping[str, Any]) -> str:
    parts = [
        device.get("model"),
        _with_unit(stats.get("temperature_c"), " \N{DEGREE SIGN}C"),
        _with_unit(stats.get("memory_mb"), " MiB of memory taken"),
        _with_unit(device.get("memory_available_mb"), " MiB left"),
        _with_unit(device.get("disk_free_mb"), " MiB of disk free"),
    ]
    return ", ".join(str(part) for part in parts if part)


def _share(governor: Mapping[str, Any]) -> str | None:
    share = governor.get("cpu_share")
    return None if share is None else f"{share * 100:.0f} % of one core"


def _uptime(stats: Mapping[str, Any]) -> str:
    seconds = int(stats.get("uptime_s") or 0)
    hours = f"{seconds // 3600} h " if seconds >= 3600 else ""
    words = f"{hours}{seconds % 3600 // 60} min {seconds % 60} s"
    return f"{words}, {stats.get('restarts', 0)} restarts"


def _with_unit(value: object, unit: str) -> str | None:
    return None if value is None else f"{value}{unit}"


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}
