"""Trial ``reloads``: SIGHUP again and again, with good settings and bad ones; nothing piles up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from edge.control.client import ask
from tools.soak.footprint import Footprint, footprint
from tools.soak.life import change
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import DEVICE, Service
from tools.soak.trial import Report, Scale, Trial, eventually

APPLIED = 2.0
"""Seconds from SIGHUP until the new settings are in force."""

GROWTH = 10.0
"""MiB from the second quarter of a hundred to the last; a leaked model or camera would be more."""

WARM = 5
"""Reloads until each library has its threads: every kind of change once."""

START = 60.0
LIMIT = 30.0
"""Seconds after which a SIGHUP counts as not heard."""

GOOD = "settings read again"
BAD = "were not read again"


@dataclass(frozen=True, slots=True)
class _Turn:
    """One SIGHUP. ``done``: it was told as it should be."""

    good: bool
    done: bool
    seconds: float
    held: Footprint


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon; three good files of every kind of change, then two bad ones, and again."""
    times = max(10, scale.count(100, 10) // 5 * 5)
    with (
        Mosquitto(folder / "mosquitto", keeps=False) as broker,
        Service(folder, broker.port, sinks=["mqtt"]) as service,
    ):
        if not eventually(lambda: f"runs as {DEVICE}" in service.log, START):
            raise RuntimeError(f"it does not run: {service.log[-2000:]}")
        turns = [_turn(service, number) for number in range(times)]
        settled = eventually(partial(_settled, service, turns), 15)
        held = footprint(service.pid)
        in_force = dict(ask("status", config=service.config).data)
        code, seconds = service.terminate()
    _judge(report, scale, turns)
    first = turns[WARM - 1].held
    report.say(f"SIGHUP {times} times: good settings of every kind, and bad ones")
    report.claim("no leak of threads and descriptors", settled,
                 f"{first.threads} -> {held.threads}, {first.descriptors} -> {held.descriptors}")  # fmt: skip
    asked = in_force["stats"]["governor"]["asked_fps"]
    report.claim("the newest good settings are in force", asked == _fps((times - 1) // 5 * 5), f"{asked} fps")
    ended = code == 0 and seconds < 5 * scale.slack and "Traceback" not in service.log
    report.claim("it ends in order within 5 s", ended, f"exit {code}, {seconds:.1f} s")


def _judge(report: Report, scale: Scale, turns: list[_Turn]) -> None:
    good, bad = ([turn for turn in turns if turn.good is kind] for kind in (True, False))
    took = sorted(turn.seconds for turn in good)
    report.measured |= {"good": len(good), "bad": len(bad)}
    report.measured["applied_s"] = {"median": round(median(took), 2), "most": round(took[-1], 2)}
    applied = all(turn.done for turn in good) and took[-1] <= APPLIED * scale.slack
    report.claim(
        f"good settings applied <= {APPLIED:g} s",
        applied,
        f"{took[-1]:.2f} s at most, {median(took):.2f} in half",
    )
    report.claim(
        "of bad ones the reason is told, the old are kept",
        all(turn.done for turn in bad),
        f"{len(bad)} times",
    )
    quarter = len(turns) // 4
    if quarter >= 20:
        memory = [turn.held.memory for turn in turns]
        grown = median(memory[-quarter:]) - median(memory[quarter : 2 * quarter])
        report.measured["memory_growth_mib"] = round(grown, 2)
        report.claim(f"memory grows by <= {GROWTH:g} MiB", grown <= GROWTH, f"{grown:+.1f} MiB")


def _turn(service: Service, number: int) -> _Turn:
    """Writes the next settings, sends SIGHUP, and waits for what the log says of it."""
    kind = number % 5
    change(service.config, **_sections(number))
    before = service.log.count(GOOD), service.log.count(BAD)
    begun = time.monotonic()
    service.hang_up()
    eventually(lambda: (service.log.count(GOOD), service.log.count(BAD)) != before, LIMIT)
    seconds = time.monotonic() - begun
    after = service.log.count(GOOD) - before[0], service.log.count(BAD) - before[1]
    good = kind < 3
    return _Turn(good, after == ((1, 0) if good else (0, 1)), seconds, footprint(service.pid))


def _sections(number: int) -> dict[str, Any]:
    """Every kind of change: the camera, models and trackers, the broker; a wrong type, no such model."""
    sound = {"model": "digits-cnn"}
    return (
        {"camera": {"fps": _fps(number)}, "digits": {**sound, "threshold": 0.5}},
        {"digits": {**sound, "threshold": 0.5 + number / 1000}, "tracking": {"patience": 2.0}},
        {"mqtt": {"heartbeat": 20 + number % 7}},
        {"digits": {"threshold": "high"}, "camera": {"fps": 14}},
        {"digits": {"threshold": 0.5, "model": "no-such"}, "camera": {"fps": 13}},
    )[number % 5]


def _fps(number: int) -> int:
    return 5 + number // 5 % 3


def _settled(service: Service, turns: list[_Turn]) -> bool:
    """What is just ending, or a file that is just open, may be there for a moment."""
    held, first = footprint(service.pid), turns[WARM - 1].held
    return held.threads <= first.threads and held.descriptors <= first.descriptors + 1


TRIAL = Trial("reloads", "SIGHUP with good and bad settings (edge run)", run, grows=False)
