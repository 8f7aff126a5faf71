"""Trial ``freeze``: the broker stands still, and the frame loop does not.

A second daemon without any broker runs beside it. Whatever else the machine does takes frames from both; what
only the first one lacks, the broker took.
"""

from __future__ import annotations

import time
from pathlib import Path

from tools.soak.mosquitto import Mosquitto
from tools.soak.service import Service, rate
from tools.soak.subscriber import Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

WITHIN = 35.0
"""Seconds after the broker goes on until everything is delivered: the longest wait for a connection is 30."""

DEVIATION = 0.05
"""Of the frame rate while and after the broker stands still, against before; see the other daemon."""

BUSY_DEVIATION = 0.5
"""The same, where the machine does other work at the same time."""

FPS = 5
"""Frames a second, which two daemons manage beside other work."""

SETTLE = 3.0
"""Seconds that the rate is not looked at: the start, and the way of the newest statistics."""


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon on the drawn scene, with a real mosquitto that gets SIGSTOP."""
    frozen, calm = scale.seconds(60, 6), scale.seconds(20, 5)
    with (
        Mosquitto(folder / "mosquitto") as broker,
        Subscriber(broker.port) as subscriber,
        Service(folder, broker.port, camera={"fps": FPS}) as service,
        Service(folder / "other", broker.port, camera={"fps": FPS}, sinks=["stdout"]) as other,
    ):
        if not eventually(lambda: service.count("delivered") > 0, 30 * scale.slack):
            raise RuntimeError(f"nothing is delivered: {service.log}")
        time.sleep(SETTLE)
        begun = time.monotonic()
        time.sleep(calm)
        broker.freeze()
        stopped = time.monotonic()
        time.sleep(frozen)
        deepest = service.count("waiting")
        broker.thaw()
        thawed = time.monotonic()
        eventually(lambda: service.newest()["at"] > thawed + 1, 10)
        committed = service.count("committed")
        delivered = eventually(lambda: len(subscriber.firsts()) >= committed, WITHIN * scale.slack)
        took = time.monotonic() - thawed
        time.sleep(calm)
        ended = time.monotonic()
        code, seconds = service.terminate()
        spans = {"before": (begun, stopped), "frozen": (stopped, thawed), "after": (thawed, ended)}
        rates = {name: rate(service, *span) for name, span in spans.items()}
        others = {name: rate(other, *span) for name, span in spans.items()}
        counts = service.newest()["outbox"]
    report.say(f"mosquitto SIGSTOPped for {frozen:.0f} s under `edge run` on the drawn scene")
    report.measured |= {
        "fps": {name: round(each, 2) for name, each in rates.items()},
        "fps_without_a_broker": {name: round(each, 2) for name, each in others.items()},
        "waiting_at_most": deepest,
        "delivered_after_s": round(took, 1),
        "end_s": round(seconds, 2),
    }
    # A loop that waits for the broker stands still: also a busy machine's windows of seconds show that.
    most = DEVIATION if scale.slack == 1 else BUSY_DEVIATION
    for name in ("frozen", "after"):
        lost = _lost(rates, others, name)
        seen = f"{rates[name]:.2f} of {rates['before']:.2f} fps, {lost:.1%} lost to the broker"
        report.claim(f"frames per second {name} within {most:.0%}", lost <= most, seen)
    report.claim("events waited meanwhile", deepest > 0, f"{deepest} waited")
    report.claim(
        f"everything delivered <= {WITHIN:g} s after SIGCONT", delivered, f"{committed} after {took:.1f} s"
    )
    firsts = [arrival.id for arrival in subscriber.firsts()]
    report.claim("first arrivals in order", firsts == sorted(firsts), f"{len(firsts)} ids")
    balance = counts["committed"] == counts["delivered"] + counts["waiting"] and counts["dropped"] == 0
    report.claim("every event accounted for", balance, {k: counts[k] for k in ("committed", "delivered")})
    report.claim("the process ends within 5 s", code == 0 and seconds < 5 * scale.slack, f"{seconds:.1f} s")


def _lost(rates: dict[str, float], others: dict[str, float], name: str) -> float:
    """The share of frames that is lost against before, as far as the other daemon has not lost it too."""
    if not (rates["before"] and others["before"] and others[name]):
        return 1.0
    change, usual = rates[name] / rates["before"], others[name] / others["before"]
    return max(0.0, 1 - change / min(usual, 1.0))


TRIAL = Trial("freeze", "mosquitto SIGSTOPped; the loop never waits for the broker (edge run)", run)
