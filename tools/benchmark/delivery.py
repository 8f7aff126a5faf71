"""``delivery``: what an event costs the card and the loop, and how many go through to a broker a second.

Bytes are measured with the kernel's own account (``/proc/self/io``): ``written``, what this process handed to
the kernel (``wchar``), and ``medium``, the pages that the kernel has to bring to the medium for it
(``write_bytes``; 0 on a tmpfs; the file system's own journal comes on top). Rates are played on the outbox's
own clock, which is an argument: an hour at one event a minute takes a moment. A broker that is there
acknowledges after 20 ms; one that is away never does, and the outbox forces its log onto the medium every
five seconds.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from edge.clock import SystemClock
from edge.transmit.delivery import MqttSink
from edge.transmit.identity import Identities
from edge.transmit.journal import Row
from edge.transmit.moment import Moment
from edge.transmit.outbox import Outbox
from edge.transmit.payload import event_payload
from edge.transmit.settings import MqttSettings
from tools.soak.feeder import event
from tools.soak.mosquitto import HOST, Mosquitto
from tools.soak.trial import eventually

SUMMARY = "bytes written for each event, time of a commit, events a second to a real mosquitto"

RATES = (0.1, 1.0, 10.0, 100.0)
"""Events a second."""

ACKNOWLEDGED = 0.02
"""Seconds after its commit that a broker acknowledges an event."""

TURN = 0.25
"""Seconds between two turns of the delivery thread."""

SYNC = 5.0
"""Seconds between flushes while events wait, as by default."""

BOOT = "0" * 36


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How many, and where."""
    parser.add_argument("--events", type=int, default=2000, help="for each figure (default: 2000)")
    parser.add_argument(
        "--folder", type=Path, help="on the medium that is asked about (default: the one for temporary files)"
    )


def main(args: argparse.Namespace) -> int:
    """Measures all of it, and prints it."""
    with tempfile.TemporaryDirectory(prefix="edge-benchmark-", dir=args.folder) as folder:
        place = Path(folder)
        found: dict[str, Any] = {
            "events": args.events,
            "payload_bytes": len(_row(0).payload),
            "bytes_per_event": [
                _bytes(place / f"{rate}-{away}", args.events, rate, away=away)
                for away in (False, True)
                for rate in RATES
            ],
            "commit": _commit(place / "commit", args.events),
            "broker": _broker(place / "broker", args.events),
        }
    if args.json:
        print(json.dumps(found))
    else:
        _show(found)
    return 0


def _row(number: int) -> Row:
    clock = SystemClock()
    told = event(number)
    identity = Identities(clock).new()
    payload = event_payload(told, identity=identity, committed=told.captured, clock_synced=True)
    return Row(identity, "digits/event", payload, Moment(BOOT, number, number, synced=True))


def _io() -> Mapping[str, int]:
    """The kernel's account of this process (proc(5))."""
    lines = (line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return {name: int(value) for name, value in lines}


def _bytes(folder: Path, events: int, rate: float, *, away: bool) -> dict[str, Any]:
    """Bytes for each event, at ``rate`` a second, with a broker or without."""
    box = Outbox(folder / "outbox.db", rows=events + 1, size=2**30, sync=SYNC)
    box.open(0.0)
    rows = [_row(number) for number in range(events)]
    before, turn = _io(), 0.0
    for number, row in enumerate(rows):
        now = number / rate
        # In an hour without events nothing is written: turns beyond the first few are left out.
        turn = max(turn, now - 100 * TURN)
        while turn < now:
            box.tend(turn)
            turn += TURN
        box.put([row], now)
        if not away and (flying := box.take()):
            box.settle(flying)
            box.tend(now + ACKNOWLEDGED)
    box.tend(events / rate + SYNC)
    after = _io()
    box.close(events / rate + SYNC)
    return {
        "rate": rate,
        "broker": "away" if away else "there",
        "written": round((after["wchar"] - before["wchar"]) / events),
        "medium": round((after["write_bytes"] - before["write_bytes"]) / events),
    }


def _commit(folder: Path, events: int) -> dict[str, float]:
    """What ``put`` takes of the loop's time, one event at a time and as fast as it goes."""
    box = Outbox(folder / "outbox.db", rows=events + 1, size=2**30, sync=SYNC)
    box.open(0.0)
    rows = [_row(number) for number in range(events)]
    seconds = np.empty(events)
    for number, row in enumerate(rows):
        begun = time.perf_counter()
        box.put([row], number / 100)
        seconds[number] = time.perf_counter() - begun
    box.close(events / 100)
    p50, p99 = np.percentile(seconds * 1e3, (50, 99))
    return {
        "p50_ms": round(float(p50), 3),
        "p99_ms": round(float(p99), 3),
        "commits_per_second": round(float(events / seconds.sum()), 0),
    }


def _broker(folder: Path, events: int) -> dict[str, float]:
    """All events are put at once; how fast they reach a mosquitto of this machine, at QoS 1."""
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(folder / "mosquitto"))
        sizes = {"rows": max(events, 1000), "bytes": 2**30}
        settings = MqttSettings.model_validate({"host": HOST, "port": broker.port, "outbox": sizes})
        sink = MqttSink(settings, "benchmark", folder / "state", SystemClock())
        sink.start()
        stack.callback(sink.stop, 4.0)
        eventually(lambda: sink.connected, 10)
        told = [event(number) for number in range(events)]
        begun = time.perf_counter()
        for one in told:
            sink.put([one])
        eventually(lambda: sink.depth() == 0, 120)
        seconds = time.perf_counter() - begun
        return {
            "delivered": sink.counters()["delivered"],
            "seconds": round(seconds, 2),
            "events_per_second": round(events / seconds),
            "in_flight": settings.in_flight,
        }


def _show(found: Mapping[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table(
        "events/s",
        "broker",
        "written",
        "medium",
        title="bytes for each event",
        title_justify="left",
        box=None,
    )
    for line in found["bytes_per_event"]:
        table.add_row(f"{line['rate']:g}", line["broker"], str(line["written"]), str(line["medium"]))
    console.print(table)
    commit, broker = found["commit"], found["broker"]
    console.print(
        f"\npayload {found['payload_bytes']} bytes, {found['events']} events for each figure\n"
        f"commit: p50 {commit['p50_ms']} ms, p99 {commit['p99_ms']} ms, "
        f"{commit['commits_per_second']:.0f} a second\n"
        f"to mosquitto: {broker['events_per_second']} events a second, {broker['in_flight']} in flight"
    )
