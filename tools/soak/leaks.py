"""Trial ``leaks``: frame after frame in lock-step on a looping clip; what lives stays constant."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.soak import clip
from tools.soak.footprint import slope
from tools.soak.mosquitto import Mosquitto
from tools.soak.plots import Panel, lines
from tools.soak.service import BUSY, Service
from tools.soak.trial import Report, Scale, Trial

FIRST = 500
"""Frames until rings and caches are full."""

EVERY = 250
"""Frames between two looks."""

CLIP = 60
"""Frames of the clip, which is opened anew after each."""

OBJECTS = 100.0
"""Live objects that may come with a thousand frames. One leaked for every tenth frame would be as many."""

TIMEOUT = 600.0


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon with a broker, as fast as it can."""
    frames = scale.count(30_000, 3000)
    video = clip.write_clip(folder / "clip.avi", CLIP, (160, 120), blink=10)
    camera = {"source": str(video), "realtime": False, "on_end": "loop"}
    with Mosquitto(folder / "mosquitto", keeps=False) as broker:
        config = Service(folder, broker.port, **BUSY, camera=camera, sinks=["mqtt"]).config
        done = subprocess.run(
            [sys.executable, "-m", "tools.soak.counted", str(config), str(EVERY), str(frames)],
            capture_output=True, text=True, timeout=TIMEOUT * max(1.0, frames / 3000), check=False,
        )  # fmt: skip
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    report.say(f"{frames} frames in lock-step on a clip of {CLIP} frames, looked at after every {EVERY}")
    report.claim("it ends in order", done.returncode == 0, f"exit {done.returncode} {done.stderr[-500:]}")
    judge(report, looks)
    if looks:
        _plot(folder / "plots" / "leaks.png", looks)


def judge(report: Report, looks: Sequence[dict[str, Any]]) -> None:
    """From frame ``FIRST`` on nothing grows."""
    after = [look for look in looks if look["frames"] >= FIRST]
    if len(after) < 10:
        report.claim("it ran long enough to be judged", held=False, seen=f"{len(after)} looks")
        return
    first, last = after[0], after[-1]
    thousands = [look["frames"] / 1000 for look in after]
    objects = slope(thousands, [look["objects"] for look in after])
    report.measured |= {
        "frames": [first["frames"], last["frames"]], "objects": [first["objects"], last["objects"]],
        "objects_per_1000_frames": round(objects, 1), "memory_mib": [first["memory"], last["memory"]],
        "memory_mib_per_1000_frames": round(slope(thousands, [look["memory"] for look in after]), 2),
    }  # fmt: skip
    grown = {name: count - first["types"].get(name, 0) for name, count in last["types"].items()}
    most = dict(sorted(grown.items(), key=lambda item: -item[1])[:3])
    seen = f"{first['objects']} -> {last['objects']}, {objects:+.1f} for 1000 frames; most: {most}"
    report.claim("live objects constant", objects <= OBJECTS, seen)
    for name in ("threads", "descriptors"):
        counts = sorted({look[name] for look in after})
        # A connection or file that is just being opened or closed is there for a moment.
        held = after[-1][name] <= counts[0] + 1 and slope(thousands, [look[name] for look in after]) <= 0
        report.claim(f"{name} constant", held, counts)


def _plot(file: Path, looks: Sequence[dict[str, Any]]) -> None:
    lines(
        file, "frames", [look["frames"] for look in looks], "edge run in lock-step on a looping clip",
        Panel("live objects", {"objects": [look["objects"] for look in looks]}),
        Panel("memory, MiB", {"resident": [look["memory"] for look in looks]}),
        Panel(
            "held",
            {name: [look[name] for look in looks] for name in ("threads", "descriptors")},
            zero=True,
        ),
    )  # fmt: skip


TRIAL = Trial(
    "leaks", "threads, descriptors and live objects over thousands of frames (edge run)", run, grows=False
)
