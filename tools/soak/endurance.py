"""Trial ``endurance``: hours in real time on a looping clip; memory does not creep, latency stays flat."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.soak import clip
from tools.soak.footprint import footprint, slope
from tools.soak.mosquitto import Mosquitto
from tools.soak.plots import Panel, lines
from tools.soak.service import BUSY, Service
from tools.soak.subscriber import Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

FRAMES = 300
"""Of the clip: half a minute, so that it begins anew a hundred times an hour."""

CREEP = 1.0
"""MiB an hour that the memory may grow by after warm-up; over less than ``HOURS``, MiB in all."""

HOURS = 0.25
"""After warm-up, from which on a slope says something."""

FLAT = 1.5
"""The p99 of the latency in the last third may be so many times that of the first third after warm-up."""

KEPT_UP = 0.9
"""Share of the clip's frames that must be looked at for latencies to say anything of the service: a machine
that has no time for it makes every frame wait. Then the processor time of a frame is judged instead."""

WARM = 0.25
"""Share of the time, and at most ``WARM_MOST`` seconds, until rings, caches and arenas are full."""

WARM_MOST = 900.0

START = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """At ``at`` seconds since the begin: MiB, threads, descriptors, frames a second, and milliseconds from
    light to outbox, ``p99`` of the newest 1024 frames; processor seconds and frames since the start."""

    at: float
    memory: float
    threads: int
    descriptors: int
    fps: float
    p50: float
    p99: float
    processor: float
    frames: int


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon on a file, at the file's own pace, with a real broker and a subscriber."""
    seconds = max(3600 * scale.factor, 25.0)
    video = clip.write_clip(folder / "clip.avi", FRAMES)
    camera = {"source": str(video), "on_end": "loop", "fps": clip.FPS}
    every = max(1.0, seconds / 3600)
    with (
        Mosquitto(folder / "mosquitto") as broker,
        Subscriber(broker.port) as subscriber,
        Service(folder, broker.port, **BUSY, camera=camera, stats={"interval": max(1.0, every)}) as service,
    ):
        if not eventually(lambda: service.count("delivered") > 0, START * scale.slack):
            raise RuntimeError(f"nothing is delivered: {service.log[-2000:]}")
        samples = _watch(service, seconds, every)
        counts = dict(service.newest()["outbox"])
        faults, dropped = service.newest()["loop"]["faults"], service.newest()["camera"]["dropped"]
        alive = service.running
        code, took = service.terminate()
        eventually(lambda: len(subscriber.firsts()) >= counts["committed"], 5)
        heard = len(subscriber.firsts())
    _write(folder / "samples.csv", samples)
    plot(folder / "plots" / "endurance.png", samples)
    report.say(f"`edge run` for {seconds / 60:.0f} min in real time on a clip of {FRAMES} frames, in a loop")
    judge(report, samples, seconds, scale.slack)
    report.measured |= {"events": heard, "frames_dropped": dropped, "plot": "plots/endurance.png"}
    report.claim("it never ended by itself, and no frame failed", alive and faults == 0, f"{faults} faults")
    report.claim("every event arrived", heard >= counts["committed"] > 0, f"{heard} events")
    ended = code == 0 and took < 5 * scale.slack
    report.claim("it ends in order within 5 s", ended, f"exit {code}, {took:.1f} s")


def _watch(service: Service, seconds: float, every: float) -> list[Sample]:
    samples: list[Sample] = []
    begun = time.monotonic()
    while (at := time.monotonic() - begun) < seconds and service.running:
        samples.append(_sample(at, service.pid, service.newest()))
        time.sleep(max(0.0, len(samples) * every - (time.monotonic() - begun)))
    return samples


def _sample(at: float, pid: int, stats: dict[str, Any]) -> Sample:
    held = footprint(pid)
    total = stats["latency_ms"].get("total", {"p50": 0.0, "p99": 0.0})
    return Sample(
        at, held.memory, held.threads, held.descriptors, stats["loop"]["fps"], total["p50"], total["p99"],
        held.processor, stats["loop"]["frames"],
    )  # fmt: skip


def judge(report: Report, samples: Sequence[Sample], seconds: float, slack: float) -> None:
    """Memory, latency, threads and descriptors after warm-up."""
    warm = min(WARM * seconds, WARM_MOST)
    after = [sample for sample in samples if sample.at >= warm]
    if len(after) < 6:
        report.claim("it ran long enough to be judged", held=False, seen=f"{len(after)} samples")
        return
    hours = (after[-1].at - after[0].at) / 3600
    times = [sample.at / 3600 for sample in after]
    creep = slope(times, [sample.memory for sample in after])
    grown, span = (creep, "an hour") if hours >= HOURS else (creep * hours, "in all")
    third = len(after) // 3
    parts = after[:third], after[-third:]
    p99 = [float(np.median([sample.p99 for sample in part])) for part in parts]
    fps = [_rate([sample.at for sample in part], part) for part in parts]
    spent = [1000 / max(_rate([sample.processor for sample in part], part), 1e-6) for part in parts]
    report.measured |= {
        "hours": round(seconds / 3600, 3), "warm_up_s": round(warm), "samples": len(samples),
        "memory_slope_mib_h": round(creep, 3), "memory_mib": [samples[0].memory, samples[-1].memory],
        "p99_ms": p99, "p99_slope_ms_h": round(slope(times, [sample.p99 for sample in after]), 2),
        "p50_ms": round(float(np.median([sample.p50 for sample in after])), 2),
        "fps": [round(value, 2) for value in fps],
        "processor_ms_a_frame": [round(value, 1) for value in spent],
    }  # fmt: skip
    seen = f"{creep:+.2f} MiB/h over {hours:.2f} h, {after[-1].memory:.1f} MiB at the end"
    report.claim(f"memory after warm-up grows by <= {CREEP:g} MiB {span}", grown <= CREEP * slack, seen)
    kept_up = min(fps) >= KEPT_UP * clip.FPS
    if kept_up:
        flat = p99[1] <= FLAT * slack * max(p99[0], 1.0)
        report.claim(f"p99 latency flat, within {FLAT:g} times", flat, f"{p99[0]:.1f} -> {p99[1]:.1f} ms")
    else:
        what = "processor time of a frame flat (the machine had no time for all frames, so p99 tells nothing)"
        seen = f"{spent[0]:.1f} -> {spent[1]:.1f} ms at {fps[0]:.1f} -> {fps[1]:.1f} fps"
        report.claim(what, spent[1] <= FLAT * slack * spent[0], seen)
    # Whoever reads the clip has threads, and is made anew whenever it ends.
    most = [max(sample.threads for sample in part) for part in parts]
    report.claim("threads constant", most[1] <= most[0], f"{most[0]} -> {most[1]} at most")
    first, last = after[0].descriptors, after[-1].descriptors
    # A file that is opened anew at the end of the clip, or read for statistics, is there for a moment.
    held = abs(last - first) <= 2
    report.claim("descriptors constant", held, f"{first} -> {last}")


def _rate(values: Sequence[float], part: Sequence[Sample]) -> float:
    """Frames in ``part`` for each one of ``values`` over it."""
    over = values[-1] - values[0]
    return (part[-1].frames - part[0].frames) / over if over > 0 else 0.0


def plot(file: Path, samples: Sequence[Sample]) -> None:
    """Memory, frames a second and latency over the minutes."""
    minutes = [sample.at / 60 for sample in samples]
    lines(
        file, "minutes", minutes, "edge run on a looping clip",
        Panel("memory, MiB", {"resident": [sample.memory for sample in samples]}),
        Panel("frames a second", {"fps": [sample.fps for sample in samples]}, zero=True),
        Panel(
            "latency, ms",
            {"p99": [sample.p99 for sample in samples], "p50": [sample.p50 for sample in samples]},
            zero=True,
        ),
    )  # fmt: skip


def _write(file: Path, samples: Sequence[Sample]) -> None:
    with file.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(Sample.__slots__)
        table.writerows([getattr(sample, name) for name in Sample.__slots__] for sample in samples)


TRIAL = Trial("endurance", "in real time on a looping clip: memory, frames a second, latency (edge run)", run)
