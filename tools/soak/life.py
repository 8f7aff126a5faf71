"""Trial ``life``: SIGTERM at random moments of a life: on its way up, alive, blind, reading settings."""

from __future__ import annotations

import json
import random
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools.soak.listener import Listener
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import DEVICE, Service
from tools.soak.trial import Report, Scale, Trial, eventually

WITHIN = 5.0
"""Seconds from SIGTERM to the end of the process."""

START = 60.0

SOURCES = ("demo", "demo", "/dev/video97", "rtsp://127.0.0.1:9/none")
"""Half of the lives see something; the others seek their camera all the time."""


def run(report: Report, scale: Scale, folder: Path) -> None:
    """So many lives of the whole daemon, one after the other, with one subscriber."""
    lives = scale.count(50, 4)
    chance = random.Random(scale.seed)
    ends: list[tuple[int, float]] = []
    wrong: list[str] = []
    silent = 0
    with (
        Mosquitto(folder / "mosquitto", keeps=False) as broker,
        Listener(broker.port, "edge/+/availability") as listener,
    ):
        for number in range(lives):
            code, seconds, log, connected = _live(
                folder / str(number), broker, chance, early=bool(number % 2)
            )
            ends.append((code, seconds))
            # Before its first line of Python the interpreter itself dies of the signal: in order, too.
            if not (code == 0 or (code == -signal.SIGTERM and not log)) or "Traceback" in log:
                wrong.append(f"life {number}: exit {code}: {log[-300:]}")
            if connected and not eventually(lambda: _words(listener)[-1:] == ["offline"], 5 * scale.slack):
                silent += 1
        told = _words(listener)
    took = sorted(seconds for _, seconds in ends)
    report.say(f"`edge run` got SIGTERM at {lives} random moments of its life")
    report.measured |= {
        "lives": lives, "announced": told.count("online"), "median_s": round(took[len(took) // 2], 2),
        "longest_s": round(took[-1], 2),
    }  # fmt: skip
    report.claim("every life ends in order, exit 0", not wrong, wrong or f"{lives} times")
    report.claim(f"each within {WITHIN:g} s", took[-1] < WITHIN * scale.slack, f"{took[-1]:.2f} s at most")
    report.claim("each that was connected is seen to go offline", not silent, f"{silent} silent")
    paired = all(after == "offline" for before, after in pairwise(told) if before == "online")
    report.claim("every online is followed by offline", paired and told.count("online") > 0,
                 f"{told.count('online')} announced")  # fmt: skip


def _live(
    folder: Path, broker: Mosquitto, chance: random.Random, *, early: bool
) -> tuple[int, float, str, bool]:
    """One life; gives exit code, seconds to the end, what it said, whether it was connected."""
    service = Service(
        folder, broker.port, camera={"source": chance.choice(SOURCES), "fps": 15}, sinks=["mqtt"]
    )
    with service:
        if early:
            time.sleep(chance.uniform(0.15, 4))
        else:
            eventually(lambda: f"runs as {DEVICE}" in service.log, START)
            time.sleep(chance.uniform(0, 2))
        if chance.random() < 0.5 and f"runs as {DEVICE}" in service.log:
            change(service.config, camera={"source": "demo", "fps": chance.choice([5, 10])})
            service.hang_up()
            time.sleep(chance.uniform(0, 0.8))
        connected = "connected to" in service.log
        code, seconds = service.terminate()
    return code, seconds, service.log, connected


def change(config: Path, **sections: Any) -> None:
    """Changes keys of a settings file as an editor does: whole, in place of the old one."""
    settings = json.loads(config.read_text())
    for name, section in sections.items():
        settings[name] = {**settings.get(name, {}), **section} if isinstance(section, dict) else section
    beside = config.with_suffix(".new")
    beside.write_text(json.dumps(settings))
    beside.replace(config)


def _words(listener: Listener) -> list[str]:
    return [one.payload.decode("utf-8", "replace") for one in listener.of("/availability") if not one.retain]


TRIAL = Trial("life", "SIGTERM at random moments (edge run)", run, grows=False)
