"""Trial ``pictures``: in mid-stream the camera freezes, goes black, breaks its frames, changes their size."""

from __future__ import annotations

import time
from pathlib import Path

from tools.soak.cameras import MOVING, Fifo
from tools.soak.listener import Listener
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import Service
from tools.soak.sight import Sight
from tools.soak.trial import Report, Scale, Trial, eventually

NOTICED = 5.0
"""Seconds from the first such frame until a subscriber is told, with the usual settings."""

BACK = 5.0
"""Seconds from the first good frame until it is ok again."""

GAP = 1.5
"""Seconds without frames while one ffmpeg follows another, on a machine that has time for it."""

STILLED = {
    "frozen": "color=c=gray:size=320x240:rate=15",
    "black": "color=c=black:size=320x240:rate=15,noise=alls=4:allf=t",
}

LARGER = (640, 360)

BROKEN = ("-bsf:v", "noise=amount=-10")
"""ffmpeg breaks bytes of the JPEGs at random."""

START = 60.0


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon on a FIFO into which one ffmpeg after the other writes."""
    rounds = scale.count(3, 1)
    with (
        Mosquitto(folder / "mosquitto", keeps=False) as broker,
        Listener(broker.port, "edge/+/camera/status", "edge/+/stats") as listener,
        Fifo(folder / "camera.mjpeg") as fifo,
        Service(folder, broker.port, camera=fifo.camera, sinks=["mqtt"]) as service,
    ):
        sight = Sight(listener)
        fifo.show(MOVING)
        if sight.seconds(0.0, "ok", within=START) is None:
            raise RuntimeError(f"never ok: {service.log[-2000:]}")
        for _ in range(rounds):
            for reason in STILLED:
                _stilled(report, scale, sight, fifo, reason)
            _corrupt(report, scale, sight, fifo)
            _resized(report, scale, sight, fifo)
        faults = int(sight.stats()["loop"]["faults"])
        alive = service.running
        code, seconds = service.terminate()
    report.say(f"frozen, black, larger and broken pictures in mid-stream, {rounds} times")
    calm = alive and faults == 0 and "Traceback" not in service.log
    report.claim("no crash, no frame that fails", calm, f"{faults} faults")
    ended = code == 0 and seconds < 5 * scale.slack
    report.claim("it ends in order within 5 s", ended, f"exit {code}, {seconds:.1f} s")


def _stilled(report: Report, scale: Scale, sight: Sight, fifo: Fifo, reason: str) -> None:
    fifo.show(STILLED[reason])
    shown = time.monotonic()
    told = sight.seconds(shown, "stalled", reason=reason, within=30)
    back = _recover(sight, fifo)
    report.measured.setdefault(f"{reason}_s", []).append([_round(told), _round(back)])
    held = told is not None and told <= (NOTICED + GAP) * scale.slack
    what = f"{reason}: told by name <= {NOTICED:g} s after the first such frame"
    report.claim(what, held, f"{_round(told)} s after ffmpeg's start, which takes up to {GAP:g} s")
    well = back is not None and back <= (BACK + GAP) * scale.slack
    report.claim(f"{reason}: ok again after it", well, f"{_round(back)} s")


def _resized(report: Report, scale: Scale, sight: Sight, fifo: Fifo) -> None:
    shown = time.monotonic()
    fifo.show(MOVING.replace("320x240", "{}x{}".format(*LARGER)))
    told = sight.seconds(shown, "ok", reason="resized", within=NOTICED * scale.slack)
    size = eventually(lambda: sight.size() == list(LARGER), 5 * scale.slack)
    back = _recover(sight, fifo)
    report.claim("resized: told by name, with the new size, while it goes on", told is not None and size,
                 f"{_round(told)} s")  # fmt: skip
    report.claim("resized: ok again after it", back is not None, f"{_round(back)} s")


def _corrupt(report: Report, scale: Scale, sight: Sight, fifo: Fifo) -> None:
    before, shown = sight.counted("corrupt"), time.monotonic()
    fifo.show(MOVING, *BROKEN)
    counted = eventually(lambda: sight.counted("corrupt") > before + 3, 10 * scale.slack)
    named = sight.seconds(shown, "ok", "stalled", reason="corrupt", within=10 * scale.slack)
    broken = sight.counted("corrupt") - before
    back = _recover(sight, fifo)
    report.claim("corrupt: counted and told by name", counted and named is not None,
                 f"{broken} frames, {_round(named)} s")  # fmt: skip
    report.claim("corrupt: ok again after it", back is not None, f"{_round(back)} s")


def _recover(sight: Sight, fifo: Fifo) -> float | None:
    """Shows a good picture; gives the seconds until it is ok and frames come.

    What broke a frame, or made it larger, is told for a while yet.
    """
    fifo.show(MOVING)
    shown = time.monotonic()
    frames = sight.counted("frames")

    def well() -> bool:
        return sight.states()[-1][0] == "ok" and sight.counted("frames") > frames + 5

    return time.monotonic() - shown if eventually(well, 30) else None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


TRIAL = Trial(
    "pictures", "frozen, black, resized and corrupt frames in mid-stream (edge run)", run, grows=False
)
