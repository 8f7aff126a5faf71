"""Trial ``clock``: the wall clock steps by a day, both ways; nothing but the shown times changes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools.soak.listener import Heard, Listener
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import BUSY, Service
from tools.soak.trial import Report, Scale, Trial, eventually

DAY = 86_400

STEPS = (DAY, 0, -DAY, 0)
"""Seconds by which the clock is off, one after the other: two steps by a day forwards, two backwards."""

LATE = 3.0
"""``mqtt.late_after``."""

BRIEF, LONG = 1.0, 7.0
"""Seconds for which the broker stands still across a step: events that then are not late, and that are."""

ROUNDING = 1.0
"""Seconds between a picture and its commit, and between two looks."""

START = 60.0


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon with a clock of the trial's."""
    calm = scale.seconds(20, 3)
    folder.mkdir(parents=True, exist_ok=True)
    fifo = folder / "steps"
    os.mkfifo(fifo)
    mqtt = {"late_after": LATE, "heartbeat": 10}
    with Mosquitto(folder / "mosquitto", keeps=False) as broker, Listener(broker.port) as listener:
        service = Service(folder, broker.port, **BUSY, mqtt=mqtt, sinks=["mqtt"])
        service.command = [sys.executable, "-m", "tools.soak.stepped", str(service.config), str(fifo)]
        with service:
            steps = fifo.open("w", buffering=1)
            if not eventually(lambda: len(listener.of("/event")) > 5 and listener.of("/stats"), START):
                raise RuntimeError(f"no events: {service.log[-2000:]}")
            begun = time.monotonic()
            time.sleep(calm)
            waits: list[tuple[float, float]] = []
            for number, off in enumerate(STEPS):
                pause = LONG if number == 2 else BRIEF
                broker.freeze()
                frozen = time.monotonic()
                time.sleep(pause / 2)
                print(off, file=steps)
                time.sleep(pause / 2)
                broker.thaw()
                waits.append((frozen, time.monotonic()))
                time.sleep(calm)
            _judge(report, listener, begun, waits)
            alive = service.running
            code, seconds = service.terminate()
            steps.close()
    report.say(
        f"the wall clock stepped {len(STEPS)} times by a day, the broker standing still across each step"
    )
    calm_log = "Traceback" not in service.log and "stalled" not in service.log
    report.claim("it went on, and ends in order within 5 s", alive and code == 0 and calm_log
                 and seconds < 5 * scale.slack, f"exit {code}, {seconds:.1f} s")  # fmt: skip


def _judge(report: Report, listener: Listener, begun: float, waits: list[tuple[float, float]]) -> None:
    states = {(one.fields()["state"], one.fields()["reason"]) for one in listener.of("/camera/status", begun)}
    report.claim("no false alarm: the camera is ok throughout", states <= {("ok", None)}, states or "no news")
    events = listener.of("/event", begun)
    ids = [str(one.fields()["id"]) for one in events]
    report.claim(
        "order kept: ids rise as they arrive", ids == sorted(set(ids)) and bool(ids), f"{len(ids)} ids"
    )
    (early, _), (begin, end) = waits[0], waits[2]
    late = [one for one in events if one.fields().get("late")]
    false = [one for one in late if not begin <= one.at <= end + LATE]
    report.claim("none is called late for a step", not false, f"{len(false)} of {len(events)}")
    delays = [int(one.fields()["delay_ms"]) / 1000 for one in late]
    # At a step backwards a day, and after a wait of seconds: told is the wait.
    most = end - begin + LATE
    right = bool(delays) and all(LATE <= delay <= most for delay in delays)
    told = f"{min(delays, default=0):.1f} to {max(delays, default=0):.1f} s" if delays else "none"
    report.claim(f"what waited {LONG:g} s across a step is called late by those seconds", right, told)
    stats = [one.fields() for one in listener.of("/stats", begun)]
    broken = [name for one in stats for name in _negative(one)] + [
        name for one in events for name in _negative(_durations(one))
    ]
    report.claim("no negative duration", not broken, broken[:5] or f"{len(stats)} statistics")
    uptimes = [one["uptime_s"] for one in stats]
    rising = all(before < after < before + 60 for before, after in pairwise(uptimes))
    report.claim("uptime goes on as before", rising and len(uptimes) > 3, uptimes[-1:])
    connects = stats[-1]["outbox"]["connects"]
    report.claim("no connection was given up", connects == 1, f"{connects} connection")
    shown = sorted({one.fields()["time"][:10] for one in events})
    report.claim("events show the stepped time", len(shown) >= 3, shown)
    report.measured |= {"events": len(events), "late": len(late), "statistics": len(stats), "days": shown}
    report.measured["seconds"] = round(time.monotonic() - early, 1)


def _durations(event: Heard) -> dict[str, Any]:
    return {name: value for name, value in event.fields().items() if name.endswith("_ms")}


def _negative(fields: dict[str, Any], above: str = "") -> Iterator[str]:
    """Names of numbers below 0, but for temperatures."""
    for name, value in fields.items():
        if isinstance(value, dict):
            if not name.startswith("temperatures"):
                yield from _negative(value, f"{above}{name}.")
        elif isinstance(value, (int, float)) and value < 0:
            yield f"{above}{name} {value}"


TRIAL = Trial(
    "clock", "the wall clock steps by a day, both ways (the daemon with an injected clock)", run, grows=False
)
