"""Trial ``fuzz``: commands as nobody should send them, straight into the parser and over MQTT."""

from __future__ import annotations

import gc
import json
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.clock import SystemClock
from edge.control.commands import Action, Commands
from edge.control.queue import CommandQueue
from edge.records import Parameter, Reply, Request
from edge.transmit.notices import Arrived
from edge.transmit.topics import Topics
from edge.transmit.wire import Wire, WireLimits
from tools.soak.mosquitto import HOST, Mosquitto
from tools.soak.payloads import payloads
from tools.soak.service import DEVICE, Service, rate
from tools.soak.subscriber import leave
from tools.soak.trial import Report, Scale, Trial, eventually

CAP = 131_072
"""``mqtt.max_payload`` as by default, bytes."""

SLOWEST = 0.05
"""Seconds of processor time for any one payload, which the cap must bound."""

GROWTH = 6.0
"""MiB that the memory of the parts may grow from the third tenth of the payloads to the last."""

DAEMON_GROWTH = 16.0
"""The same of the whole daemon, whose own rings and caches fill in its first minutes anyway."""

LOOKS = 3
"""Statistics of the daemon since the first message, at least."""

BATCH = 500
"""Messages published before the broker's answers are waited for."""

PARAMETERS = {
    "detect": (Parameter("on", "flag"),),
    "threshold": (Parameter("recognizer", "text"), Parameter("value", "number", low=0, high=1)),
    "enroll": (Parameter("name", "text"), Parameter("jpeg", "base64", required=False)),
    "reading": (Parameter("name", "text"), Parameter("value", "number")),
    "deny": (Parameter("name", "text"), Parameter("track", "whole", low=0)),
}
"""One of each kind of member that commands take."""

REFUSED = (
    "commands_refused",
    "commands_retained",
    "commands_limited",
    "commands_too_large",
    "arrivals_dropped",
)


def run(report: Report, scale: Scale, folder: Path) -> None:
    """First the parts that meet a payload, in this process; then the whole daemon."""
    count = scale.count(100_000, 3000)
    _parts(report, scale, count)
    _daemon(report, scale, folder, count)


def _parts(report: Report, scale: Scale, count: int) -> None:
    """The real wire, queue and table of commands; answers are counted."""
    replies: deque[object] = deque(maxlen=1)
    answered = 0

    def send(letter: object) -> None:
        nonlocal answered
        answered += 1
        replies.append(letter)

    def done(_fields: Any, _request: Request) -> Reply:
        return Reply(ok=True, message="done")

    queue = CommandQueue()
    commands = Commands(queue, {name: Action(done, each) for name, each in PARAMETERS.items()})
    wire = Wire(Topics("edge", DEVICE), WireLimits(CAP, 1e12, 10**9), SystemClock(), queue.put, send)
    slowest, escaped, first = (0.0, 0), list[str](), 0
    for number, (name, payload) in enumerate(payloads(scale.seed, count, CAP)):
        message = Arrived(f"edge/{DEVICE}/cmd/{name}", payload, size=len(payload))
        begun = time.thread_time()
        try:
            wire.arrived(message)
            commands.turn()
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            escaped.append(f"{name} {payload[:60]!r}: {error!r}")
        slowest = max(slowest, (time.thread_time() - begun, len(payload)))
        if number == count * 3 // 10:
            gc.collect()
            first = _memory()
    gc.collect()
    grown = (_memory() - first) / 2**20
    counts = {**wire.counters(), **commands.counters()}
    report.say(f"{count} payloads of seed {scale.seed} into the wire, the queue and the table of commands")
    report.measured["parts"] = {
        "payloads": count,
        "answered": answered,
        "done": counts["commands_done"],
        "refused": counts["commands_refused"],
        "slowest_ms": round(slowest[0] * 1e3, 2),
        "grown_mib": round(grown, 1),
    }
    report.claim("no exception escapes", not escaped and counts["command_faults"] == 0, escaped[:3] or count)
    took = f"{slowest[0] * 1e3:.1f} ms for {slowest[1]} bytes"
    report.claim("work per payload is bounded by the cap", slowest[0] < SLOWEST * scale.slack, took)
    report.claim("memory flat", grown < GROWTH, f"{grown:+.1f} MiB")
    report.claim("right ones among them are obeyed", counts["commands_done"] > 0, counts["commands_done"])


def _memory() -> int:
    """Resident bytes of this process (proc(5))."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _daemon(report: Report, scale: Scale, folder: Path, count: int) -> None:
    """All of them published to `edge run`, as fast as the broker takes them."""
    many = ("allow_anonymous true", "max_queued_messages 0", "max_inflight_messages 0")
    limits = {"commands": {"per_minute": 6000, "burst": 1000}}
    with (
        Mosquitto(folder / "mosquitto", *many, keeps=False) as broker,
        Service(folder, broker.port, **limits) as service,
    ):
        if not eventually(lambda: service.count("delivered") > 0, 40):
            raise RuntimeError(f"nothing is delivered: {service.log[-2000:]}")
        time.sleep(3)
        calm = time.monotonic()
        time.sleep(scale.seconds(10, 4))
        begun = time.monotonic()
        publisher = Publisher(broker.port)
        for number, (name, payload) in enumerate(payloads(scale.seed + 1, count, CAP)):
            publisher.send(name, payload, wait=number % BATCH == BATCH - 1)
        took = time.monotonic() - begun
        heard = eventually(lambda: _arrived(service) >= publisher.sent, 60 * scale.slack)
        answers = eventually(publisher.ask, 30 * scale.slack)
        publisher.close()
        eventually(lambda: sum(each["at"] > begun for each in list(service.stats)) >= LOOKS, 20)
        ended = time.monotonic()
        alive = service.running
        memory = [each["memory_mb"] for each in list(service.stats) if each["at"] > begun]
        rates = rate(service, calm, begun), rate(service, begun, ended)
        service.terminate()
        counts = service.newest()["outbox"]
    # A short form is over before there are ten looks: then from its first to its last.
    begin, span = (len(memory) * 3 // 10, len(memory) // 10) if len(memory) >= 10 else (0, 1)
    grown = float(np.median(memory[-span:]) - np.median(memory[begin : begin + span]))
    faults = service.newest()["loop"]["faults"] + service.log.count("Traceback")
    lines = len(service.log.splitlines())
    report.say(f"{publisher.sent} messages published to `edge run`, {publisher.sent / took:.0f} a second")
    report.measured["daemon"] = {
        "messages": publisher.sent,
        "fps": [round(each, 2) for each in rates],
        "grown_mib": round(grown, 1),
        "memory_mib": memory[:: max(len(memory) // 20, 1)],
        "taken": counts["commands"],
        **{name: counts[name] for name in REFUSED},
        "log_lines": lines,
    }
    report.claim("the daemon lives on and obeys the next command", alive and answers, f"answered: {answers}")
    report.claim("no fault, no traceback", faults == 0, faults)
    report.claim("every message accounted for", heard, f"{_arrived(service)} of {publisher.sent}")
    report.claim("the daemon's memory flat", grown < DAEMON_GROWTH, f"{grown:+.1f} MiB")
    report.claim("the log is not filled", lines < 200, f"{lines} lines")
    report.claim("the loop goes on", rates[1] > rates[0] / 2, f"{rates[1]:.2f} of {rates[0]:.2f} fps")


def _arrived(service: Service) -> int:
    return sum(max(service.count(name), 0) for name in ("commands", *REFUSED))


def _properties() -> Properties:
    return Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]


class Publisher:
    """Sends commands with and without a response topic, at quality 1, and asks one that must be answered."""

    def __init__(self, port: int) -> None:
        self.sent = 0
        self._answered = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "soak-fuzz", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._take
        self._client.connect(HOST, port)
        self._client.loop_start()
        self._client.subscribe("soak/answer", 1)

    def send(self, name: str, payload: bytes, *, wait: bool) -> None:
        """One message; names that cannot stand in a topic are left out."""
        topic = f"edge/{DEVICE}/cmd/{name}"
        if not name.isprintable() or not name or "$" in name:
            return
        properties = _properties()
        if self.sent % 3 == 0:
            properties.ResponseTopic = f"soak/answer/{self.sent % 100}"
            properties.CorrelationData = payload[:40]
        info = self._client.publish(topic, payload, 1, properties=properties)
        self.sent += 1
        if wait:
            info.wait_for_publish(60)

    def ask(self) -> bool:
        """Whether a right command is answered, once the limit of commands a minute allows one."""
        properties = _properties()
        properties.ResponseTopic = "soak/answer"
        self._client.publish(f"edge/{DEVICE}/cmd/detect", b'{"on": true}', 1, properties=properties)
        self.sent += 1
        return self._answered.wait(2)

    def close(self) -> None:
        """Ends it."""
        leave(self._client)

    def _take(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if json.loads(message.payload)["ok"]:
            self._answered.set()


TRIAL = Trial("fuzz", "fuzzed commands, seeded (the parts; then edge run)", run)
