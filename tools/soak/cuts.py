"""Trial ``cuts``: the broker dies, and the way to it is cut, stalled, delayed and truncated."""

from __future__ import annotations

import random
import time
from itertools import pairwise
from pathlib import Path

from tools.soak.feeder import Feeder
from tools.soak.mosquitto import Mosquitto
from tools.soak.proxy import Proxy
from tools.soak.subscriber import Arrival, Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

IN_FLIGHT = 10
RATE = 10.0
"""Events a second."""

WAYS = ("cut", "stall", "delay", "truncate")


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The real sink in a process of its own, through a proxy of ours, to a real mosquitto."""
    events, kills = scale.count(1000, 100), scale.count(5, 2)
    rate = RATE if scale.factor >= 1 else RATE * 2
    settings = {"in_flight": IN_FLIGHT, "reconnect_first": 0.2, "reconnect_most": 2.0}
    chance = random.Random(scale.seed)
    with (
        Mosquitto(folder / "mosquitto") as broker,
        Subscriber(broker.port) as subscriber,
        Proxy(broker.port, scale.seed) as proxy,
        Feeder.of(folder, proxy.port, settings, count=events, rate=rate, end=True) as feeder,
    ):
        broker.save()
        if not eventually(lambda: feeder.newest()["put"] > 0, 20):
            raise RuntimeError(f"the feeder does not begin: {feeder.log.read_text()}")
        for number in range(1, kills + 1):
            until = events * number / (kills + 1)
            while feeder.newest()["put"] < until:
                _trouble(proxy, chance, chance.choice(WAYS))
            kill(broker, proxy, chance)
        proxy.delay(0)
        code = feeder.finish(120)
        lines = list(feeder.told)
        counts = dict(feeder.newest()["devices"][0])
        eventually(lambda: len(subscriber.firsts()) >= events, 15)
        judge(report, subscriber, events, IN_FLIGHT * (proxy.done["cut"] + kills))
    report.say(
        f"{events} events at {rate:g}/s, mosquitto SIGKILLed {kills} times; the proxy: {dict(proxy.done)}"
    )
    report.measured |= {
        "events": events,
        "kills": kills,
        "proxy": dict(proxy.done),
        "connections": counts["connects"],
        "sent_again": counts["sent_again"],
    }
    fallen = [line for line in lines if line["devices"][0]["connected"] and "3.1.1" in line["link"]]
    report.claim(
        "MQTT 5 is not given up for a bad network", not fallen, f"{len(fallen)} of {len(lines)} looks"
    )
    report.claim("the sink ended with an empty outbox", code == 0, f"exit {code}")
    told = (counts["committed"], counts["delivered"], counts["dropped"])
    report.claim("committed = delivered, none dropped", told == (events, events, 0), told)


def _trouble(proxy: Proxy, chance: random.Random, way: str) -> None:
    """One piece of bad network, and a little peace."""
    if way == "cut":
        proxy.cut()
    elif way == "stall":
        proxy.stall()
        time.sleep(chance.uniform(0.1, 1.0))
        proxy.flow()
    elif way == "delay":
        proxy.delay(chance.uniform(0.02, 0.2))
        time.sleep(chance.uniform(0.1, 0.5))
        proxy.delay(0)
    else:
        proxy.truncate()
    time.sleep(chance.uniform(0.1, 1.0))


def kill(broker: Mosquitto, proxy: Proxy, chance: random.Random) -> None:
    """SIGKILL, with messages under way, none of which it has acknowledged; then a start on the same port."""
    proxy.stall()
    time.sleep(0.2)  # what it has received, it has handled
    broker.save()
    broker.freeze()
    proxy.flow()  # what comes now is never acknowledged
    time.sleep(chance.uniform(0.1, 0.5))
    broker.kill()
    time.sleep(chance.uniform(0.0, 1.0))
    broker.start()


def judge(report: Report, subscriber: Subscriber, events: int, most: int) -> None:
    """None missing, first arrivals in order, not more duplicates than ``most``."""
    firsts = subscriber.firsts()
    numbers = [arrival.track for arrival in firsts]
    missing = sorted(set(range(events)) - set(numbers))
    duplicates = len(subscriber.ids()) - len(firsts)
    report.measured |= {"missing": len(missing), "duplicates": duplicates, "duplicates_allowed": most}
    report.claim("0 ids missing at a persistent subscriber", not missing, f"{len(missing)}: {missing[:9]}")
    report.claim("one id for each event", len(numbers) == events, f"{len(numbers)} ids, {events} events")
    report.claim("first arrivals in order", numbers == sorted(numbers), _disorder(firsts))
    report.claim("duplicates <= in flight x cuts", duplicates <= most, f"{duplicates} of at most {most}")


def _disorder(firsts: list[Arrival]) -> str:
    pairs = [(a.track, b.track) for a, b in pairwise(firsts) if a.track > b.track]
    return f"out of order: {pairs[:5]}" if pairs else "all"


TRIAL = Trial("cuts", "mosquitto killed; a proxy cuts, stalls, delays, truncates (the sink alone)", run)
