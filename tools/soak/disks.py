"""Trial ``disks``: the outbox at its bound; a full disk; a read-only one. Nobody restarts anything."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tools.soak.feeder import Feeder
from tools.soak.medium import Medium
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import BUSY, Service, rate
from tools.soak.subscriber import Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

ROWS = 100
"""The bound of the outbox: the least that the settings allow."""

RECOVERY = 15.0
"""Seconds after the disk is well again until everything is written: it is tried every ten."""

START = 40.0


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The bound with the real sink in a process of its own; the disks with the whole daemon."""
    _bound(report, scale, folder / "bound")
    with Medium(folder / "full-medium") as medium:
        _full(report, scale, folder / "full", medium)
    with Medium(folder / "protected-medium") as medium:
        _protected(report, scale, folder / "protected", medium)


def _bound(report: Report, scale: Scale, folder: Path) -> None:
    """More events than the outbox holds, and no broker until all are put."""
    events = scale.count(5000, 500)
    broker = Mosquitto(folder / "mosquitto")
    with broker, Subscriber(broker.port) as subscriber:
        broker.save()
        broker.stop()
        settings = {"outbox": {"rows": ROWS}, "reconnect_first": 0.2, "reconnect_most": 2.0}
        begun = time.monotonic()
        with Feeder.of(folder, broker.port, settings, count=events, rate=500, end=True) as feeder:
            eventually(lambda: feeder.newest()["put"] == events, events / 500 + 30)
            took = time.monotonic() - begun
            stored = _stored(folder / "feeder" / "0" / "outbox.db")
            broker.start()
            code = feeder.finish(60)
            counts = feeder.newest()["devices"][0]
        eventually(lambda: len(subscriber.firsts()) >= ROWS, 10)
        numbers = [arrival.track for arrival in subscriber.firsts()]
    report.say(
        f"{events} events into an outbox of {ROWS} rows without a broker, then a broker (the sink alone)"
    )
    report.measured["bound"] = {"events": events, "dropped": counts["dropped"], "put_s": round(took, 1)}
    dropped, delivered = counts["dropped"], counts["delivered"]
    exact = (dropped, delivered) == (events - ROWS, ROWS)
    report.claim("at its bound, the drop count is exact", exact, f"{events} = {dropped} + {delivered}")
    newest = list(range(events - ROWS, events))
    report.claim("the oldest go, the newest arrive in order", numbers == newest and code == 0, len(numbers))
    report.claim("the file keeps the bound too", stored <= ROWS + 1, f"{stored} rows")


def _full(report: Report, scale: Scale, folder: Path, medium: Medium) -> None:
    """The disk fills under a running daemon while the broker is away, until the bound drops events too."""
    broker = Mosquitto(folder / "mosquitto")
    state = {"state": {"folder": str(medium.folder)}, "mqtt": {"outbox": {"rows": ROWS}, **_quick(broker)}}
    with broker, Subscriber(broker.port) as subscriber:
        broker.save()
        with Service(folder, broker.port, **BUSY, **state) as service:
            if not eventually(lambda: service.count("delivered") > 0, START):
                raise RuntimeError(f"nothing is delivered: {service.log[-2000:]}")
            begun = time.monotonic() + 2
            time.sleep(2 + scale.seconds(20, 5))
            broker.stop()
            medium.fill(service.pid)
            filled = time.monotonic()
            failed = eventually(lambda: service.count("disk_failures") > 0, 30)
            eventually(lambda: service.count("dropped") > 0, 60)
            time.sleep(scale.seconds(20, 1))
            unsaved = service.count("unsaved")
            medium.empty(service.pid)
            well = time.monotonic()
            again = eventually(lambda: service.count("unsaved") == 0, RECOVERY * scale.slack)
            took = time.monotonic() - well
            broker.start()
            eventually(lambda: service.count("waiting") <= 1, 35 * scale.slack)
            counts, heard = _end(service, subscriber)
            rates = rate(service, begun, filled), rate(service, filled, well)
    report.say(f"disk full under `edge run` ({medium.words}) until events were dropped, then room again")
    report.measured["full"] = {
        "failures": counts["disk_failures"], "dropped": counts["dropped"], "recovered_s": round(took, 1),
        "fps": [round(each, 2) for each in rates],
    }  # fmt: skip
    report.claim(
        "a full disk is noticed, events wait in memory", failed and unsaved > 0, f"{unsaved} unsaved"
    )
    report.claim(
        "disk full: the loop goes on", rates[1] > rates[0] / 2, f"{rates[1]:.2f} of {rates[0]:.2f} fps"
    )
    report.claim(f"written again <= {RECOVERY:g} s after there is room", again, f"{took:.1f} s")
    _claim_balance(report, "full disk", counts, heard)


def _protected(report: Report, scale: Scale, folder: Path, medium: Medium) -> None:
    """The daemon starts on a read-only disk, which becomes writable while it runs."""
    broker = Mosquitto(folder / "mosquitto")
    state = {"state": {"folder": str(medium.folder / "state")}, "mqtt": _quick(broker)}
    with broker, Subscriber(broker.port) as subscriber:
        broker.save()
        medium.protect()
        with Service(folder, broker.port, **BUSY, **state) as service:
            through = eventually(lambda: service.count("delivered") > 0, START)
            failures = service.count("disk_failures")
            begun = time.monotonic()
            time.sleep(scale.seconds(20, 4))
            broker.stop()
            waits = eventually(lambda: service.count("waiting") > 5, 20)
            ended = time.monotonic()
            medium.release()
            again = eventually(lambda: service.count("unsaved") == 0, RECOVERY * scale.slack)
            took = time.monotonic() - ended
            stored = _stored(service.outbox)
            broker.start()
            eventually(lambda: service.count("waiting") <= 1, 35 * scale.slack)
            counts, heard = _end(service, subscriber)
            frames = rate(service, begun, ended)
    report.say(f"`edge run` started on a read-only disk ({medium.words}), which was made writable")
    report.measured["read_only"] = {
        "failures": failures,
        "recovered_s": round(took, 1),
        "fps": round(frames, 2),
    }
    told = through and failures > 0
    report.claim("on a read-only disk events are delivered from memory", told, f"{failures} failures counted")
    report.claim("read-only: the loop goes on", frames > 0, f"{frames:.2f} fps")
    seen = f"{took:.1f} s, {stored} rows in the file"
    report.claim(f"written <= {RECOVERY:g} s after it is writable", waits and again and stored > 0, seen)
    _claim_balance(report, "read-only disk", counts, heard)


def _quick(broker: Mosquitto) -> dict[str, object]:
    return {"port": broker.port, "reconnect_first": 0.2, "reconnect_most": 2.0}


def _end(service: Service, subscriber: Subscriber) -> tuple[dict[str, int], int]:
    """Ends it in order; the last counters, and how many ids arrived."""
    service.terminate()
    counts = service.newest()["outbox"]
    eventually(lambda: len(subscriber.firsts()) >= counts["committed"] - counts["dropped"], 5)
    return counts, len(subscriber.firsts())


def _claim_balance(report: Report, what: str, counts: dict[str, int], heard: int) -> None:
    """The last statistics are told a moment before the last events are: what arrived decides."""
    kept = counts["committed"] - counts["dropped"]
    seen = f"{counts['committed']} committed, {counts['dropped']} dropped, {heard} arrived"
    report.claim(f"{what}: the drop count is exact", kept == heard, seen)


def _stored(path: Path) -> int:
    with closing(sqlite3.connect(path)) as file:
        return int(file.execute("SELECT count(*) FROM events").fetchone()[0])


TRIAL = Trial("disks", "outbox at its bound; disk full; disk read-only", run)
