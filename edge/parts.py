"""All parts of the service, built from Settings; they know each other only as arguments."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from edge.capture.worker import CaptureWorker
from edge.clock import Clock
from edge.control.control import Control
from edge.entities import describe
from edge.health import Latencies
from edge.infer.model import Model
from edge.loop import FrameLoop
from edge.pipeline import Pipeline, Sink
from edge.recognition import Recognition
from edge.recognize.descriptor import Naming, Recognizer
from edge.records import State
from edge.settings.compose import Settings
from edge.track.tracker import Tracker
from edge.transmit.announced import Announced
from edge.transmit.delivery import MqttSink
from edge.transmit.home_assistant import HomeAssistant
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
        self.recognition = Recognition(settings)
        self.turned = False
        """Whether the loop has had a turn."""
        self._errands: deque[Callable[[float], None]] = deque()
        self._retired: dict[str, Counter[str]] = {}
        """Totals of parts that others have replaced: counters never go back."""
        self._labels: dict[str, tuple[str, ...]] = self.labels()
        """Of whom Home Assistant has been told."""
        self.sinks = self._build_sinks()
        self.home_assistant = self._build_home_assistant()
        self.worker = CaptureWorker(settings.camera, clock)
        self.pipeline = Pipeline(
            self.recognition.lanes(),
            list(self.sinks.values()),
            stopwatch=self.latencies.add,
            budget=settings.loop.describe_budget,
        )
        self.control = Control(
            settings, clock, self.pipeline, self.recognition, mqtt=self.mqtt, post=self._post
        )
        self.loop = FrameLoop(
            self.worker,
            self.pipeline,
            clock,
            self.latencies.add,
            period=self.period(settings.camera.fps),
            between=self._between,
        )

    @property
    def models(self) -> dict[str, Model]:
        """By the name that the settings give them."""
        return self.recognition.models

    @property
    def warnings(self) -> list[str]:
        """What was found when the models were loaded, and did not prevent it; what recognizers remark
        since."""
        return [*self.recognition.warnings, *self.recognition.remarks()]

    @property
    def recognizers(self) -> dict[str, Recognizer]:
        """By name."""
        return self.recognition.recognizers

    @property
    def trackers(self) -> dict[str, Tracker]:
        """By recognizer."""
        return self.recognition.trackers

    def period(self, fps: float) -> float:
        """Least seconds between two ticks; in lock-step the file sets the pace, so none is waited away."""
        return 1 / fps if self.settings.camera.realtime else 0.0

    def between_frames(self, errand: Callable[[float], None]) -> None:
        """Has the loop run ``errand`` before its next turn, in its own thread. It must not raise."""
        self._errands.append(errand)

    def take_up(self, recognition: Recognition, now: float) -> None:
        """Changes over to it. In the loop's thread, between two frames."""
        for name, counters in self.recognition.counters().items():
            self._retired.setdefault(name, Counter()).update(counters)
        recognition.adopt()
        replaced, self.recognition = self.recognition, recognition
        budget = recognition.settings.loop.describe_budget
        self.loop.events += self.pipeline.change(recognition.lanes(), budget, now)
        self.control.take_up(recognition, now)
        replaced.close()

    def take_camera(self, worker: CaptureWorker) -> None:
        """Frames come from ``worker`` from now on; the one before has been stopped."""
        self._retired.setdefault("camera", Counter()).update(self.worker.counters())
        self.worker = worker
        self.loop.change(worker, self.period(self.settings.camera.fps))
        worker.start()

    def camera_counters(self) -> dict[str, int]:
        """Totals since the start, of this camera and of those before other settings."""
        before = self._retired.get("camera", Counter())
        return {key: before[key] + count for key, count in self.worker.counters().items()}

    def recognizer_counters(self) -> dict[str, dict[str, int]]:
        """Totals since the start by recognizer."""
        return {
            name: {key: self._retired.get(name, Counter())[key] + count for key, count in counters.items()}
            for name, counters in self.recognition.counters().items()
        }

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Whom recognizers know by name, by recognizer. Any thread may ask."""
        running = self.recognition.recognizers.items()
        return {name: part.labels() for name, part in running if isinstance(part, Naming)}

    def tend_home_assistant(self, now: float) -> None:
        """Tells Home Assistant what is due, and of people as they come and go. In the main thread."""
        part, mqtt = self.home_assistant, self.mqtt
        if part is None or mqtt is None:
            return
        labels = self.labels()
        if labels != self._labels:
            self._labels = labels
            part.changed()
        part.turn(now, mqtt.connected)

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

    def _build_home_assistant(self) -> HomeAssistant | None:
        """Also where it is switched off: what was announced before is then taken back."""
        mqtt, settings = self.mqtt, self.settings
        if mqtt is None:
            return None
        part = HomeAssistant(
            settings.home_assistant,
            Announced(settings.state.resolved() / "home_assistant.json"),
            lambda: describe(self.settings, labels=self.labels()),
            lambda topic, payload: mqtt.announce(topic, payload, retain=True),
        )
        if settings.home_assistant.enabled:
            mqtt.listen(
                settings.home_assistant.birth_topic, lambda said: part.born(said.payload, said.retain)
            )
        return part

    def _between(self, now: float) -> None:
        """In the loop's thread, before each of its turns."""
        self.turned = True
        while self._errands:
            self._errands.popleft()(now)
        self.control.turn(now)

    def _post(self, state: State) -> None:
        for sink in self.sinks.values():
            sink.post([state])
