"""All parts of the service, built from Settings; they know each other only as arguments."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from edge.capture.worker import CaptureWorker
from edge.clock import Clock
from edge.health import Latencies
from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.loop import FrameLoop
from edge.pipeline import Lane, Pipeline, Sink
from edge.recognize.descriptor import Descriptor, Recognizer
from edge.recognize.registry import descriptors, resolve
from edge.settings.compose import Settings
from edge.track.behaviour import Behaviour
from edge.track.tracker import Tracker
from edge.transmit.delivery import MqttSink
from edge.transmit.stdout import StdoutSink

log = logging.getLogger("edge.daemon")


class RunningSink(Sink, Protocol):
    """A sink with a life: what the daemon starts, asks and stops."""

    def start(self) -> None:
        """Begins to deliver."""
        ...

    def stop(self, timeout: float) -> bool:
        """Delivers what it can within ``timeout`` seconds, and ends; False when it did not."""
        ...

    def counters(self) -> Mapping[str, Any]:
        """Totals since the start."""
        ...


class Parts:
    """Builds everything and keeps it by name; starts nothing, opens nothing."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        """Loads and verifies the models. Raises ``ConfigError`` (exit 78)."""
        self.settings = settings
        self.clock = clock
        self.device = settings.device.resolved()
        self.latencies = Latencies()
        self.models: dict[str, Model] = {}
        self.warnings: list[str] = []
        self.recognizers: dict[str, Recognizer] = {}
        self.trackers: dict[str, Tracker] = {}
        self.sinks = self._build_sinks()
        self.worker = CaptureWorker(settings.camera, clock)
        pipeline = Pipeline(
            self._build_lanes(),
            list(self.sinks.values()),
            stopwatch=self.latencies.add,
            budget=settings.loop.describe_budget,
        )
        # In lock-step the file sets the pace: every frame counts, so none is waited away.
        period = 1 / settings.camera.fps if settings.camera.realtime else 0.0
        self.loop = FrameLoop(self.worker, pipeline, clock, self.latencies.add, period=period)

    @property
    def mqtt(self) -> MqttSink | None:
        """The sink to the broker, where there is one."""
        sink = self.sinks.get("mqtt")
        return sink if isinstance(sink, MqttSink) else None

    def _build_sinks(self) -> dict[str, RunningSink]:
        settings = self.settings
        sinks: dict[str, RunningSink] = {}
        for name in dict.fromkeys(settings.sinks):
            if name == "mqtt":
                sinks[name] = MqttSink(settings.mqtt, self.device, settings.state.resolved(), self.clock)
            else:
                sinks[name] = StdoutSink(settings.mqtt.base, self.device, self.clock)
        return sinks

    def _build_lanes(self) -> list[Lane]:
        lanes = []
        known = descriptors()
        for name in self.settings.recognizers:
            descriptor = known[name]
            recognizer = resolve(descriptor.factory)(self.settings.recognizer(name), self._load_model)
            tracker = Tracker(_behaviour(descriptor), self.settings.tracking, self.settings.events)
            self.recognizers[name], self.trackers[name] = recognizer, tracker
            lanes.append(Lane(recognizer, tracker))
        return lanes

    def _load_model(self, name: str) -> Model:
        if name not in self.models:
            model = Model.load(name, self.settings.infer)
            warning = check_golden(model)
            if warning:
                log.warning("%s", warning)
                self.warnings.append(warning)
            self.models[name] = model
        return self.models[name]


def _behaviour(descriptor: Descriptor) -> Behaviour:
    """What tracking takes from a recognizer's descriptor."""
    return Behaviour(
        recognizer=descriptor.name,
        label=descriptor.label,
        label_type=descriptor.label_type,
        items=descriptor.items,
        cooldown=descriptor.cooldown,
        numbers=descriptor.numbers,
        named_by=descriptor.named_by,
    )
