"""Plays the demo: broker, subscriber and service are started, watched, and ended in order."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from edge.capture.scene import Story
from edge.capture.scene.source import visit
from edge.capture.source import FACE
from edge.clock import SystemClock
from edge.demo.acquaintance import introduce
from edge.demo.broker import HOST, EmbeddedBroker
from edge.demo.faces import FaceJudge
from edge.demo.received import Received
from edge.demo.service import Service
from edge.demo.summary import Summary, summarise
from edge.demo.truth import Judge
from edge.errors import FaultError, UnavailableError
from edge.settings.compose import Settings
from edge.transmit.settings import MqttSettings
from edge.transmit.subscriber import Subscriber

DEVICE = "demo"
SIZE = (640, 480)
FPS = 15.0

START_WITHIN = 30.0
"""Seconds until the service is online and its camera gives pictures."""
END_WITHIN = 3.0
"""Seconds for the last messages after the service has ended."""
SETTLE = 0.3
"""Seconds more: the broker keeps no order between messages of quality 1 and of quality 0, the statistics."""
TURN = 0.1

Watch = Callable[[Received, str, float], None]
"""Called every turn with what was received, the broker's address, and the seconds left."""


@dataclass(frozen=True, slots=True)
class Play:
    """What is played. ``source`` None is the drawn scene of ``seed``; ``face``: with the portrait, where what
    that needs is there."""

    seconds: float
    seed: int = 0
    source: str | None = None
    face: bool = True


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it."""

    summary: Summary
    received: Received
    missing: str | None = None
    """Why the face was not shown, where it should have been."""


def play(what: Play, settings: Settings, watch: Watch) -> Played:
    """Runs the demo; Ctrl-C ends it early and in order.

    Raises ``UnavailableError`` without a broker or pictures, else what the service failed with.
    """
    with tempfile.TemporaryDirectory(prefix="edge-demo-") as folder:
        missing = None
        if what.face and what.source is None:
            missing = introduce(settings, Path(folder))
        what = replace(what, face=what.face and what.source is None and missing is None)
        return replace(_play(what, settings, watch, Path(folder)), missing=missing)


def _play(what: Play, settings: Settings, watch: Watch, folder: Path) -> Played:
    judge = _judge(what, settings)
    faces = FaceJudge(visit(what.seed, SIZE), FPS) if what.face else None
    prefix = f"{settings.mqtt.base}/{DEVICE}"
    received = Received(prefix, SystemClock(), judge, faces)
    with EmbeddedBroker() as broker:
        way = {"host": HOST, "port": broker.port, "base": settings.mqtt.base, "protocol": "3.1.1"}
        subscriber = Subscriber(MqttSettings.model_validate(way), [f"{prefix}/#"], received.take)
        service = Service(_service_settings(what, settings, way), folder)
        show = partial(watch, received, f"{HOST}:{broker.port}")
        subscriber.start()
        try:
            if not subscriber.wait_connected(START_WITHIN):
                raise FaultError(
                    f"no subscriber could connect to the demo's own broker on port {broker.port}"
                )
            service.start()
            _await_pictures(service, received, lambda: show(what.seconds))
            seconds = _watch(what.seconds, service, show)
            service.stop()
            _await_the_last(received)
            if subscriber.fault is not None:
                raise subscriber.fault
        finally:
            service.kill()
            subscriber.stop()
    if not received.state("stats"):
        raise FaultError("the service ended without statistics")
    return Played(summarise(received, judge, seconds, faces), received)


def _judge(what: Play, settings: Settings) -> Judge | None:
    if what.source is not None:
        return None
    quiet = settings.events.cooldown + settings.tracking.patience
    return Judge(Story(what.seed, SIZE), FPS, quiet)


def _service_settings(what: Play, settings: Settings, way: dict[str, Any]) -> dict[str, Any]:
    """Those of the person, but for the camera, the broker, the names, and more frequent statistics."""
    ours = settings.model_dump(mode="json")
    if what.source is None:
        scene = f"demo:{what.seed}" + (FACE if what.face else "")
        camera = {"source": scene, "size": list(SIZE), "fps": FPS}
    else:
        # The last picture stays: one alone is long enough in view to be told.
        camera = {**ours["camera"], "source": what.source, "on_end": "hold"}
    fixed = {"device": {**ours["device"], "name": DEVICE}, "sinks": ["mqtt"], "stats": {"interval": 2.0}}
    looked_for = [*settings.recognizers, *(name for name in ("faces",) if what.face)]
    return {**ours, **fixed, "camera": camera, "mqtt": way, "recognizers": list(dict.fromkeys(looked_for))}


def _await_pictures(service: Service, received: Received, show: Callable[[], None]) -> None:
    """Until the camera gives pictures, or the source has ended already."""
    until = time.monotonic() + START_WITHIN
    while service.running and not _has_pictures(received):
        if time.monotonic() > until:
            raise UnavailableError(f"the service did not get a picture within {START_WITHIN:g} s")
        show()
        time.sleep(TURN)


def _watch(seconds: float, service: Service, show: Callable[[float], None]) -> float:
    """Until the time is over, the source ends, or Ctrl-C; gives the seconds that it took."""
    begun = time.monotonic()
    try:
        while service.running and time.monotonic() - begun < seconds:
            show(seconds - (time.monotonic() - begun))
            time.sleep(TURN)
    except KeyboardInterrupt:
        pass
    return max(time.monotonic() - begun, TURN)


def _has_pictures(received: Received) -> bool:
    """Whether the camera has begun. Raises ``UnavailableError`` when it is not there."""
    camera = received.state("camera/status")
    if camera.get("state") == "lost" and camera["reason"] not in ("opening", "ended"):
        raise UnavailableError(
            f"no pictures: {camera['reason']}", "allowed: --source with a camera, file or URL"
        )
    return camera.get("state") == "ok"


def _await_the_last(received: Received) -> None:
    """Until the service is told to be offline, and what may come out of order has come."""
    until = time.monotonic() + END_WITHIN
    while received.available != "offline" and time.monotonic() < until:
        time.sleep(TURN)
    time.sleep(SETTLE)
