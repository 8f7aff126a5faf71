"""Trial ``power``: the power is cut at random moments of writing; what is left is started from."""

from __future__ import annotations

import random
import shutil
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from edge.control import changes
from tools.soak import audit, clip, moments
from tools.soak.listener import Listener
from tools.soak.moments import Dial, Moment
from tools.soak.mosquitto import Mosquitto
from tools.soak.service import BUSY, Service
from tools.soak.trial import Report, Scale, Trial, eventually

START = 60.0

TURNS = 0.3
"""Share of the cuts before which the broker stands still or goes on."""

STAMPED = ("late", "delay_ms")
"""Members of an event that are added when it is sent; all others are as they were committed."""

STARTS = "it always starts, and ends in order"
ASIDE = "nothing had to be set aside"
DELIVERED = "every event that was committed is delivered or waits"
LOST = "nothing is lost but what was written since the copy before"
WRONG = "nothing that was acknowledged comes again, nothing is published wrong"
KEPT = "a confirmed threshold is there and in force"

Wrongs = dict[str, Any]
"""What was wrong, by claim; a false value: nothing."""

Payloads = dict[str, dict[str, Any]]


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon on the drawn scene; mosquitto stands still half of the time, so that rows wait."""
    number = scale.count(200, 4)
    chance = random.Random(scale.seed)
    topics = "edge/+/digits/event", "edge/+/settings"
    with Mosquitto(folder / "mosquitto") as broker, Listener(broker.port, *topics) as listener:
        cuts = _cut(number, chance, broker, folder)
        floors = [set[str](), *(cut.committed for cut in cuts)]
        for before, cut in reversed(list(pairwise(cuts))):
            if chance.random() < 0.5 or number < 8:
                moments.tear(before, cut, chance)
        known = {str(one.fields()["id"]): one.fields() for one in listener.of("/event")}
        begun = time.monotonic()
        found = [
            {**_start(cut, broker, listener, known), LOST: sorted(cut.lost & floor)}
            for cut, floor in zip(cuts, floors, strict=False)
        ]
        took = time.monotonic() - begun
    torn = [cut for cut in cuts if cut.torn]
    waited = sum(bool(cut.waiting) for cut in cuts)
    report.say(f"the state copied away at {number} moments; of {len(torn)} copies a part was taken away")
    report.measured |= {
        "cuts": number, "torn": len(torn), "torn_logs": sum("of the log" in cut.torn for cut in torn),
        "with_rows_waiting": waited, "rows_waiting": sum(len(cut.waiting) for cut in cuts),
        "events": len(known), "lost_by_tearing": sum(len(cut.lost) for cut in cuts),
        "seconds_for_a_start": round(took / number, 1),
    }  # fmt: skip
    for claim in (STARTS, ASIDE, DELIVERED, LOST, WRONG, KEPT):
        wrong = [f"{cut.folder.name} ({cut.torn}): {one[claim]}" for cut, one in zip(cuts, found, strict=True)
                 if one[claim]]  # fmt: skip
        report.claim(claim, not wrong, wrong[:5] or f"{number} times")
    report.claim("some copies had rows that waited", waited > 0, f"{waited} of {number}")


def _cut(number: int, chance: random.Random, broker: Mosquitto, folder: Path) -> list[Moment]:
    """One life; its folder copied at so many moments, most of them while a command is being written."""
    video = clip.write_clip(folder / "clip.avi", 200, blink=4)
    camera = {"source": str(video), "on_end": "loop", "fps": clip.FPS}
    service = Service(folder / "life", broker.port, **BUSY, camera=camera)
    audit.prepare(service.outbox)
    dial = Dial(service.config)
    cuts: list[Moment] = []
    with service:
        if not eventually(lambda: service.count("delivered") > 0, START):
            raise RuntimeError(f"nothing is delivered: {service.log[-2000:]}")
        frozen = False
        for one in range(number):
            if one == 1 or (one > 2 and chance.random() < TURNS):
                frozen = not frozen
                broker.freeze() if frozen else broker.thaw()
            time.sleep(chance.uniform(0, 0.6))
            dial.turn(round(chance.uniform(0.05, 0.6), 3))
            time.sleep(chance.uniform(0, 0.06))
            cuts.append(moments.copy(folder / f"cut-{one}", service, dial))
        if frozen:
            broker.thaw()
        dial.join()
        eventually(lambda: service.count("waiting") == 0, START)
        service.terminate()
    return cuts


def _start(cut: Moment, broker: Mosquitto, listener: Listener, known: Payloads) -> Wrongs:
    """A new life from the copy, under a name of its own."""
    name = cut.folder.name
    state = {"folder": str(cut.folder / "state")}
    threshold, unusable = _threshold(cut)
    service = Service(cut.folder, broker.port, **BUSY, device={"name": name}, state=state)

    def heard() -> Payloads:
        return {str(one.fields()["id"]): one.fields() for one in listener.of(f"/{name}/digits/event")}

    def in_force() -> Any:
        told = listener.newest(f"/{name}/settings")
        return told and told.fields()["thresholds"]["digits"]

    with service:
        eventually(lambda: f"runs as {name}" in service.log or not service.running, START)
        runs = service.running
        patience = START if runs else 0
        in_time = eventually(lambda: cut.waiting <= heard().keys(), patience)
        eventually(lambda: in_force() is not None, patience)
        code, took = service.terminate() if runs else (-1, 0.0)
    committed, waiting, words = audit.read(cut.outbox, cut.folder / "audit")
    new = committed - cut.committed
    eventually(lambda: new <= heard().keys() | waiting, 5)
    told = heard()
    well = runs and code == 0 and words == "ok" and "Traceback" not in service.log
    kept = threshold in cut.thresholds and (threshold is None or in_force() == threshold)
    again = [one for one in told if one not in committed or one in cut.committed - cut.waiting]
    differ = [one for one, fields in told.items() if one in known and _bare(fields) != _bare(known[one])]
    wrongs = {
        STARTS: "" if well else f"exit {code} in {took:.1f} s, {words}: {service.log[-300:]}",
        ASIDE: unusable or [file.name for file in cut.outbox.parent.glob("*unusable*")],
        DELIVERED: sorted((cut.waiting | new) - told.keys() - waiting) if in_time else "not in time",
        WRONG: again + differ,
        KEPT: "" if kept else f"{threshold} on disk, {in_force()} in force, {cut.thresholds} possible",
    }
    if not any(wrongs.values()):
        shutil.rmtree(cut.outbox.parent)
    return wrongs


def _threshold(cut: Moment) -> tuple[float | None, str]:
    """What the copy says, and what is wrong with its file."""
    try:
        return changes.read(cut.outbox.parent / changes.FILE).thresholds.get("digits"), ""
    except (changes.UnusableError, OSError) as error:
        return None, f"{changes.FILE}: {error}"


def _bare(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in STAMPED}


TRIAL = Trial("power", "power cuts while it writes; started from what is left (edge run)", run, grows=False)
