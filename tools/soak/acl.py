"""Trial ``acl``: the broker refuses one topic for good, until a person changes its mind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.soak.feeder import Feeder
from tools.soak.mosquitto import HOST, Mosquitto
from tools.soak.subscriber import Subscriber
from tools.soak.trial import Report, Scale, Trial, eventually

ALLOWED = ("edge/+/availability", "edge/+/digits/event")
DENIED = "edge/soak/objects/event"


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The real sink in a process of its own; events of two recognizers in turn, one of them denied."""
    half = scale.count(500, 30)
    events = 2 * half
    acl = folder / "acl"
    acl.write_text("".join(f"topic readwrite {name}\n" for name in ALLOWED) + "topic read #\n")
    acl.chmod(0o600)
    broker = Mosquitto(folder / "mosquitto", "allow_anonymous true", f"acl_file {acl}")
    with (
        broker,
        Subscriber(broker.port) as subscriber,
        Feeder.of(folder, broker.port, {}, count=events, rate=200, kinds=["digits", "objects"]) as feeder,
    ):
        eventually(lambda: feeder.newest()["put"] == events, events / 200 + 30)
        eventually(lambda: feeder.total("delivered") + feeder.total("refused") == events, 30)
        counts = dict(feeder.newest()["devices"][0])
        heard = [arrival.track for arrival in subscriber.firsts()]
        config = _config(folder, broker.port)
        # Rows are written together, a moment later: reasons as well as removals.
        eventually(lambda: len(_parked(config)) == half, 20)
        parked = _parked(config)
        acl.write_text("topic readwrite #\n")
        broker.reload()
        told = _command(config, "retry", "--all")
        later = eventually(lambda: len(subscriber.firsts()) == events, 20)
        all_heard = sorted(arrival.track for arrival in subscriber.firsts())
        code = feeder.terminate()
        last = dict(feeder.newest()["devices"][0])
    report.say(
        f"{events} events of two recognizers in turn; the broker's ACL denies {DENIED} (the sink alone)"
    )
    report.say("then the ACL allows it, and `edge outbox retry --all` beside the running sink")
    reasons = sorted({str(row["reason"]) for row in parked})
    report.measured |= {"events": events, "parked": counts["parked"], "reasons": reasons}
    report.claim(
        "the others delivered, in order", heard == list(range(0, events, 2)), f"{len(heard)} of {half}"
    )
    report.claim("the denied rows parked, each once", counts["refused"] == half, counts["refused"])
    named = bool(parked) and all("not authorized" in reason.lower() for reason in reasons)
    report.claim(
        "with the reason, in `edge outbox list`", named and len(parked) == half, f"{len(parked)}: {reasons}"
    )
    report.claim(
        "after `edge outbox retry` all are delivered", later and all_heard == list(range(events)), told
    )
    empty = (last["waiting"], last["parked"], last["dropped"]) == (0, 0, 0)
    report.claim("nothing is left, nothing dropped", empty and code == 0, f"exit {code}")


def _config(folder: Path, port: int) -> Path:
    """Settings by which the command finds the feeder's outbox."""
    file = folder / "edge.yaml"
    state = {"folder": str(folder / "feeder" / "0")}
    file.write_text(json.dumps({"mqtt": {"host": HOST, "port": port}, "state": state}))
    return file


def _command(config: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "edge", "outbox", *words, "-c", str(config)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).strip()


def _parked(config: Path) -> list[dict[str, Any]]:
    lines = _command(config, "list", "--json").splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    return [row for row in rows if row["reason"]]


TRIAL = Trial("acl", "an ACL denies a topic: parked with the reason, the others delivered", run)
