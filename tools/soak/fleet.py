"""Trial ``fleet``: many devices lose their one broker at once, and come back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tools.soak.feeder import Feeder
from tools.soak.mosquitto import Mosquitto
from tools.soak.plots import bars
from tools.soak.subscriber import Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

PROCESSES = 4
"""That the devices share: an interpreter for each would measure this machine's memory."""

WITHIN = 60.0
"""Seconds after the broker is back until all are online."""

EVERY = 5.0
"""Seconds between two events of a device."""


def run(report: Report, scale: Scale, folder: Path) -> None:
    """Real sinks with the waits of the default settings, straight to a real mosquitto."""
    devices = 200 if scale.factor >= 1 else max(40, round(200 * scale.factor / PROCESSES) * PROCESSES)
    away = scale.seconds(40, 4)
    each = devices // PROCESSES
    many = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
    with (
        Mosquitto(folder / "mosquitto", *many) as broker,
        Subscriber(broker.port) as subscriber,
        ExitStack() as stack,
    ):
        feeders = [
            stack.enter_context(
                Feeder.of(
                    folder / str(number), broker.port, {}, device=f"soak-{number}", devices=each,
                    first=number * 1_000_000, count=900_000, rate=each / EVERY,
                )
            )
            for number in range(PROCESSES)
        ]  # fmt: skip
        online = eventually(lambda: _online(feeders, 0.0) == devices, 60 * scale.slack)
        report.claim("all devices connect at first", online, f"{_online(feeders, 0.0)} of {devices}")
        time.sleep(scale.seconds(10, 2))
        _kill(broker, feeders)
        time.sleep(away)
        broker.start()
        back = time.monotonic()
        again = eventually(lambda: _online(feeders, back) == devices, WITHIN * scale.slack)
        took = time.monotonic() - back
        time.sleep(scale.seconds(10, 2))
        codes = [feeder.terminate() for feeder in feeders]
        put = sum(feeder.newest()["put"] for feeder in feeders)
        eventually(lambda: len(subscriber.firsts()) >= put, 20 * scale.slack)
        rates = _connects(feeders, back)
        numbers = {arrival.track for arrival in subscriber.firsts()}
        duplicates = len(subscriber.ids()) - len(subscriber.firsts())
        disorder = _disorder(subscriber)
    missing = put - len(numbers)
    report.say(f"{devices} devices in {PROCESSES} processes, mosquitto SIGKILLed and back after {away:.0f} s")
    report.measured |= {
        "devices": devices, "away_s": away, "all_online_after_s": round(took, 1), "events": put,
        "missing": missing, "duplicates": duplicates, "connects_per_second": rates,
    }  # fmt: skip
    bars(folder / "plots" / "fleet.png", rates, "seconds after mosquitto is back", "connects per second",
         f"{devices} devices come back, mosquitto away for {away:.0f} s")  # fmt: skip
    report.claim(f"all online within {WITHIN:g} s", again, f"{took:.1f} s")
    most = max(rates.values(), default=0)
    spread = most <= devices / 2
    report.claim("jitter spreads them: not half of them in one second", spread, f"at most {most} a second")
    report.claim("no id lost", missing == 0 and put > 0, f"{put} put, {len(numbers)} arrived")
    report.claim("first arrivals of each device in order", not disorder, disorder or f"{devices} devices")
    report.claim("all end in order", codes == [0] * PROCESSES, codes)


def _kill(broker: Mosquitto, feeders: Sequence[Feeder]) -> None:
    """With nothing under way that it has acknowledged and not saved; then with messages under way."""
    for feeder in feeders:
        feeder.rest(True)
    rested = time.monotonic() + 0.5
    eventually(lambda: all(f.newest()["at"] > rested and f.total("waiting") == 0 for f in feeders), 20)
    broker.save()
    broker.freeze()
    for feeder in feeders:
        feeder.rest(False)
    time.sleep(1.0)
    broker.kill()


def _online(feeders: Sequence[Feeder], since: float) -> int:
    """Devices that are connected, by lines told after ``since``."""
    lines = [feeder.newest() for feeder in feeders]
    return sum(device["connected"] for line in lines if line["at"] > since for device in line["devices"])


def _connects(feeders: Sequence[Feeder], since: float) -> dict[int, int]:
    """Connections opened in each second after ``since``."""
    counts: Counter[int] = Counter()
    for feeder in feeders:
        before = None
        for line in list(feeder.told):
            total = sum(device["connects"] for device in line["devices"])
            if before is not None and line["at"] > since and total > before:
                counts[int(line["at"] - since)] += total - before
            before = total
    return dict(sorted(counts.items()))


def _disorder(subscriber: Subscriber) -> list[str]:
    newest: dict[str, int] = {}
    found = []
    for arrival in subscriber.firsts():
        if arrival.track < newest.get(arrival.topic, -1):
            found.append(f"{arrival.topic}: {arrival.track} after {newest[arrival.topic]}")
        newest[arrival.topic] = max(newest.get(arrival.topic, -1), arrival.track)
    return found[:5]


TRIAL = Trial("fleet", "many devices reconnect at once (real sinks, a few processes)", run)
