"""Trial ``losses``: the camera goes and returns: a stream that stops, an RTSP server that is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tools.soak.cameras import MOVING, Fifo, RtspCamera
from tools.soak.listener import Listener
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import Service
from tools.soak.sight import Sight
from tools.soak.trial import Report, Scale, Trial

NOTICED = 5.0
"""Seconds from the last frame until a subscriber is told."""

BACK = 10.0
"""Seconds from the camera's return until it is ok again, however long it was away."""

START = 60.0


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon with its usual settings; the longer it is away, the longer are the waits between
    attempts, so that the longest pause is what matters."""
    pauses = [2.0, 60.0] if scale.factor >= 0.5 else [6.0]
    with Mosquitto(folder / "mosquitto", keeps=False) as broker:
        for name, make in (("a FIFO", _fifo), ("RTSP", _rtsp)):
            with ExitStack() as stack:
                place = folder / name.split()[-1].lower()
                place.mkdir(parents=True)
                made = make(stack, place)
                listener = stack.enter_context(Listener(broker.port, "edge/+/camera/status", "edge/+/stats"))
                service = stack.enter_context(
                    Service(place, broker.port, camera=made.settings, sinks=["mqtt"])
                )
                sight = Sight(listener)
                if sight.seconds(0.0, "ok", within=START) is None:
                    raise RuntimeError(f"{name}: never ok: {service.log[-2000:]}")
                begun = time.monotonic()
                found = _lose(scale, sight, made, pauses)
                states = [state for state, _ in sight.states(begun) if state != "stalled"]
                code, _ = service.terminate()
            report.measured[name] = {"away_s": pauses, **found}
            _judge(report, scale, name, found, states)
            calm = code == 0 and "Traceback" not in service.log
            report.claim(f"{name}: it ends in order, without a traceback", calm, f"exit {code}")
    report.say(f"a FIFO without its writer and a killed RTSP server, away for {pauses} s, then back")


@dataclass(frozen=True, slots=True)
class _Made:
    """A camera. ``settings``: the section; ``stop`` ends the stream, ``start`` begins it again."""

    settings: dict[str, Any]
    stop: Callable[[], None]
    start: Callable[[], None]


def _lose(scale: Scale, sight: Sight, camera: _Made, pauses: list[float]) -> dict[str, list[float | None]]:
    """Seconds until it was noticed and until it was back, for each pause; None: not in time."""
    noticed, back = [], []
    for pause in pauses:
        time.sleep(2.0)
        camera.stop()
        gone = time.monotonic()
        noticed.append(sight.seconds(gone, "stalled", "lost", within=NOTICED * scale.slack + 10))
        sight.seconds(gone, "lost", within=20 * scale.slack)
        time.sleep(pause)
        camera.start()
        back.append(sight.seconds(time.monotonic(), "ok", within=BACK * scale.slack + 10))
    return {"noticed_s": _rounded(noticed), "back_s": _rounded(back)}


def _judge(
    report: Report, scale: Scale, name: str, found: dict[str, list[float | None]], states: list[str]
) -> None:
    noticed, back = found["noticed_s"], found["back_s"]
    told = all(one is not None and one <= NOTICED * scale.slack for one in noticed)
    report.claim(f"{name}: noticed <= {NOTICED:g} s", told, noticed)
    well = all(one is not None and one <= BACK * scale.slack for one in back)
    report.claim(f"{name}: reopened <= {BACK:g} s after its return", well, back)
    ends = [state for state, _ in groupby(states)]
    wanted = ["lost", "ok"] * len(back)
    report.claim(f"{name}: the right states in order", ends[-len(wanted) :] == wanted, ends)


def _rounded(values: list[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 1) for value in values]


def _fifo(stack: ExitStack, folder: Path) -> _Made:
    fifo = stack.enter_context(Fifo(folder / "camera.mjpeg"))
    fifo.show(MOVING)
    return _Made(fifo.camera, fifo.stop, lambda: fifo.show(MOVING))


def _rtsp(stack: ExitStack, _folder: Path) -> _Made:
    camera = stack.enter_context(RtspCamera())
    return _Made({"source": camera.url}, camera.end, camera.begin)


TRIAL = Trial(
    "losses",
    "a stream that stops, an RTSP server that is killed, and their return (edge run)",
    run,
    grows=False,
)
