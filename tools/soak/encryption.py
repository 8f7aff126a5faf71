"""Trial ``tls``: right, and wrong in each way that there is, told in one line that names the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.clock import SystemClock
from edge.errors import EdgeError
from edge.transmit.delivery import MqttSink
from edge.transmit.settings import MqttSettings
from tools.soak.certificates import Authority
from tools.soak.mosquitto import HOST, Mosquitto
from tools.soak.trial import Report, Scale, Trial

WITHIN = 8.0
"""Seconds for the answer to one try."""


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The real sink tries to connect, as ``edge check`` does, to mosquitto with each kind of certificate."""
    del scale  # it is done once, whole
    ours, theirs = Authority(folder / "ours"), Authority(folder / "theirs")
    right = ours.sign("broker", f"IP:{HOST}")
    trusting: dict[str, Any] = {"enabled": True, "ca": str(ours.certificate)}
    certificate, key = ours.sign("device", "DNS:device")
    known = {**trusting, "certificate": str(certificate), "key": str(key)}
    asking = (f"cafile {ours.certificate}", "require_certificate true")
    table = (
        ("right certificate", right, (), trusting, "connected"),
        ("right, with a client certificate", right, asking, known, "connected"),
        ("wrong CA", theirs.sign("broker", f"IP:{HOST}"), (), trusting, "certificate|authority|issuer"),
        ("expired", ours.sign("expired", f"IP:{HOST}", days=-1), (), trusting, "expired"),
        ("wrong host", ours.sign("elsewhere", "DNS:elsewhere.example"), (), trusting, "IP|name|host"),
        ("no client certificate", right, asking, trusting, "certificate"),
        ("plain port", None, (), trusting, "TLS|encrypt|instead of answering"),
    )
    for number, (name, pair, lines, tls, expected) in enumerate(table):
        with _broker(folder / f"mosquitto-{number}", pair, lines) as broker:
            words, connected = _try(broker.port, tls, folder)
        good = connected == (expected == "connected") and re.search(expected, words, re.IGNORECASE)
        report.measured[name] = words
        report.claim(f"{name}: {'connects' if expected == 'connected' else 'one line naming it'}",
                     bool(good) and "\n" not in words, words)  # fmt: skip
    report.say("the sink's own check against a mosquitto with each certificate")


@contextmanager
def _broker(folder: Path, pair: tuple[Path, Path] | None, lines: tuple[str, ...]) -> Iterator[Mosquitto]:
    files = (f"certfile {pair[0]}", f"keyfile {pair[1]}") if pair else ()
    with Mosquitto(folder, *files, *lines, "allow_anonymous true") as broker:
        yield broker


def _try(port: int, tls: dict[str, Any], folder: Path) -> tuple[str, bool]:
    """What a person is told, and whether it connected."""
    try:
        settings = MqttSettings.model_validate({"host": HOST, "port": port, "tls": tls})
        return MqttSink(settings, "soak", folder / "state", SystemClock()).check(WITHIN), True
    except EdgeError as error:
        return str(error), False


TRIAL = Trial("tls", "TLS right and wrong: connects, or one line naming the reason", run)
