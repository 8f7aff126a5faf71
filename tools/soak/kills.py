"""Trial ``kills``: the daemon dies at random moments, and its outbox breaks."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path

from tools.soak import audit
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import BUSY, Service
from tools.soak.subscriber import Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

START = 40.0
"""Seconds for a start of the daemon on a machine that does other work too."""

LIFE = 3.0
"""Seconds after the begin of a life, or after its first event, until it is killed at the latest."""

EARLY = 0.25
"""Share of lives that are killed during their start already."""

FROZEN = 0.3
"""Share of lives through which the broker stands still, so that rows wait in the file."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """What the parts of the trial share. ``copy``: where outboxes are copied to before they are read."""

    report: Report
    scale: Scale
    broker: Mosquitto
    service: Service
    subscriber: Subscriber
    copy: Path


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon on the drawn scene, killed again and again; then once more with a corrupt file."""
    kills = scale.count(100, 5)
    with Mosquitto(folder / "mosquitto") as broker, Subscriber(broker.port) as subscriber:
        broker.save()
        service = Service(folder, broker.port, **BUSY)
        audit.prepare(service.outbox)
        stage = _Stage(report, scale, broker, service, subscriber, folder / "copy")
        try:
            _judge(stage, _kill(stage, kills))
            _corrupt(stage)
        finally:
            service.close()
    report.say(f"`edge run` SIGKILLed at {kills} random moments, mosquitto frozen meanwhile in some")


def _kill(stage: _Stage, kills: int) -> set[str]:
    """Kills it so often; gives the ids that were ever committed."""
    report, service, chance = stage.report, stage.service, random.Random(stage.scale.seed)
    broken, left, committed = list[str](), 0, set[str]()
    for number in range(kills):
        # The first two are of each kind, also where there are few.
        frozen = number == 0 or chance.random() < FROZEN
        early = number == 1 or (number > 1 and chance.random() < EARLY)
        if frozen:
            stage.broker.freeze()
        service.stats.clear()
        service.start()
        if not early and not eventually(lambda: service.count("committed") > 0, START):
            raise RuntimeError(f"life {number} commits nothing: {service.log[-2000:]}")
        time.sleep(chance.uniform(0, LIFE))
        service.kill()
        if frozen:
            stage.broker.thaw()
        before = len(committed)
        committed, waiting, words = audit.read(service.outbox, stage.copy)
        left += bool(waiting)
        if words != "ok" or len(committed) < before:
            broken.append(f"life {number}: {words}, {before} -> {len(committed)} ids")
    report.measured |= {"kills": kills, "lives_that_left_rows": left, "committed_by_kills": len(committed)}
    report.claim("the database is intact after every kill", not broken, broken or f"{kills} times")
    report.claim("some lives left rows behind", left > 0, left)
    return committed


def _judge(stage: _Stage, found: set[str]) -> None:
    """One life more, in peace, delivers all that was ever committed."""
    report, service, subscriber = stage.report, stage.service, stage.subscriber
    service.stats.clear()
    service.start()
    eventually(lambda: service.count("committed") > 0, START)
    eventually(lambda: found <= set(subscriber.ids()), START * stage.scale.slack)
    code, seconds = service.terminate()
    committed, waiting, _ = audit.read(service.outbox, stage.copy)
    eventually(lambda: committed <= set(subscriber.ids()) | waiting, 5)
    heard = subscriber.ids()
    missing = committed - set(heard) - waiting
    strangers = set(heard) - committed
    report.measured |= {
        "committed": len(committed),
        "arrived": len(set(heard)),
        "duplicates": len(heard) - len(set(heard)),
        "waiting_at_the_end": len(waiting),
    }
    report.claim("every committed id delivered", not missing, f"{len(committed)} ids, {len(missing)} missing")
    report.claim("nothing delivered that was not committed before", not strangers, len(strangers))
    aside = list(service.outbox.parent.glob("*.unusable-*"))
    report.claim("no file was set aside", not aside, aside or "none")
    ended = code == 0 and seconds < 5 * stage.scale.slack
    report.claim("the last life ends in order within 5 s", ended, f"exit {code}, {seconds:.1f} s")


def _corrupt(stage: _Stage) -> None:
    """Noise where the file was, as a dying card leaves it."""
    report, service, subscriber = stage.report, stage.service, stage.subscriber
    before = set(subscriber.ids())
    noise = b"\xa5" * service.outbox.stat().st_size
    service.outbox.write_bytes(noise)
    for suffix in ("-wal", "-shm"):
        Path(f"{service.outbox}{suffix}").unlink(missing_ok=True)
    service.stats.clear()
    service.start()
    eventually(lambda: service.count("delivered") > 0, START)
    service.terminate()
    aside = service.outbox.with_name(f"{service.outbox.name}.unusable-1")
    whole = aside.exists() and aside.read_bytes() == noise
    report.claim("a corrupt outbox is set aside whole", whole, aside.name)
    told = [line for line in service.log.splitlines() if f"set aside as {aside.name}" in line]
    report.claim("that is reported", len(told) == 1, f"{len(told)} line in the log")
    new = [one for one in subscriber.ids() if one not in before]
    again = service.count("set_aside") == 1 and service.outbox.exists()
    report.claim("a new one begun, and delivered from", again and bool(new), f"{len(new)} new ids")
    unique = len(new) == len(set(new))
    report.claim("ids unique over the replaced file", unique, f"{len(set(new))} of {len(new)}")


TRIAL = Trial("kills", "edge SIGKILLed at random moments; a corrupt outbox (edge run)", run)
