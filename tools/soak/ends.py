"""Trial ``ends``: SIGTERM in every state that the way to the broker can be in."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tools.soak.mosquitto import HOST, Mosquitto, free_port
from tools.soak.service import BUSY, Service
from tools.soak.trial import Report, Scale, Trial, eventually

WITHIN = 5.0
"""Seconds from SIGTERM to the end of the process."""

START = 40.0

Way = Callable[[ExitStack, Path], tuple[dict[str, Any], Callable[[], None]]]
"""Settings of ``mqtt`` for a state, and what brings it about once events are told."""


def run(report: Report, scale: Scale, folder: Path) -> None:
    """The whole daemon on the drawn scene; all states in the full form, those that hang in a short one."""
    states = STATES if scale.factor >= 0.5 else {name: STATES[name] for name in ("frozen", "silent")}
    took: dict[str, float] = {}
    for name, way in states.items():
        with ExitStack() as stack:
            settings, happen = way(stack, folder / name)
            service = stack.enter_context(Service(folder / name, 0, **BUSY, mqtt=settings))
            if not eventually(partial(_commits, service), START):
                raise RuntimeError(f"{name}: nothing is committed: {service.log[-2000:]}")
            happen()
            time.sleep(1.0)
            code, seconds = service.terminate()
            took[name] = round(seconds, 2)
            held = code == 0 and seconds < WITHIN * scale.slack
            report.claim(f"{name}: ends in order within {WITHIN:g} s", held, f"exit {code}, {seconds:.1f} s")
    report.measured["seconds"] = took
    report.say(f"`edge run` got SIGTERM in {len(took)} states of the way to its broker")


def _commits(service: Service) -> bool:
    return service.count("committed") > 0


def _nothing() -> None:
    """The state is there already."""


def _broker(stack: ExitStack, folder: Path) -> tuple[dict[str, Any], Mosquitto]:
    broker = stack.enter_context(Mosquitto(folder / "mosquitto"))
    return {"host": HOST, "port": broker.port}, broker


def _connected(stack: ExitStack, folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    return _broker(stack, folder)[0], _nothing


def _frozen(stack: ExitStack, folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    settings, broker = _broker(stack, folder)
    return settings, broker.freeze


def _killed(stack: ExitStack, folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    settings, broker = _broker(stack, folder)
    return settings, broker.kill


def _absent(_stack: ExitStack, _folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    return {"host": HOST, "port": free_port()}, _nothing


def _silent(stack: ExitStack, _folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    return {"host": HOST, "port": stack.enter_context(_listening())}, _nothing


def _handshake(stack: ExitStack, _folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    return {"host": f"mqtts://{HOST}", "port": stack.enter_context(_listening())}, _nothing


def _unreachable(stack: ExitStack, _folder: Path) -> tuple[dict[str, Any], Callable[[], None]]:
    """The kernel drops what comes when nobody accepts and the queue is full: as behind a firewall."""
    port = stack.enter_context(_listening(backlog=0))
    for _ in range(3):
        knocking = stack.enter_context(socket.socket())
        knocking.setblocking(False)
        knocking.connect_ex((HOST, port))
    return {"host": HOST, "port": port}, _nothing


@contextmanager
def _listening(backlog: int = 16) -> Iterator[int]:
    """Something takes connections and says nothing."""
    with socket.create_server((HOST, 0), backlog=backlog) as server:
        yield int(server.getsockname()[1])


STATES: dict[str, Way] = {
    "connected": _connected,
    "frozen": _frozen,
    "killed": _killed,
    "absent": _absent,
    "silent": _silent,
    "TLS handshake without an answer": _handshake,
    "unreachable": _unreachable,
}

TRIAL = Trial("ends", "SIGTERM whatever the broker does (edge run)", run)
