"""The whole service, built from Settings; knows all stages, and the order in which they start and end.

Threads, each with a deadline: ``capture`` owns the device, ``loop`` everything from frame to event,
``delivery`` (and paho's own) the way to the broker; the main thread has signals, watchdog and
statistics. They meet in the slot, the outbox and the board, and nowhere else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import signal
import threading
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any, Protocol

from edge import __version__
from edge.capture.worker import CaptureWorker
from edge.clock import Clock, SystemClock
from edge.errors import HungError, UnavailableError
from edge.health import Deadline, Latencies, Notifier, Rate, overdue, stats
from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.loop import FrameLoop
from edge.pipeline import Lane, Pipeline, Sink
from edge.recognize.descriptor import Descriptor, Recognizer
from edge.recognize.registry import descriptors, resolve
from edge.records import CameraStatus, State
from edge.settings.compose import Settings
from edge.track.behaviour import Behaviour
from edge.track.tracker import Tracker
from edge.transmit.delivery import MqttSink
from edge.transmit.stdout import StdoutSink

log = logging.getLogger("edge.daemon")

TURN = 0.25
"""Seconds between two looks of the main thread at everybody's health."""

STOP_WITHIN = 4.0
"""Seconds for the whole end: systemd and people wait at most five."""


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


class Daemon:
    """One camera, its recognizers, its subscribers. Build it, ``run`` it once."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, notifier: Notifier | None = None
    ) -> None:
        """Loads and verifies the models; opens nothing else. Raises ``ConfigError`` (exit 78)."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._notifier = notifier or Notifier()
        self._stop = threading.Event()
        self._begun = self._clock.monotonic_ns()
        self._rate = Rate()
        self._fps = 0.0
        self._shown: CameraStatus | None = None
        self._deadlines: tuple[Deadline, ...] = ()
        self._stats_due = 0.0
        self._latencies = Latencies()
        self._models: dict[str, Model] = {}
        self._warnings: list[str] = []
        self._recognizers: dict[str, Recognizer] = {}
        self._trackers: dict[str, Tracker] = {}
        self._sinks = self._build_sinks()
        self._worker = CaptureWorker(settings.camera, self._clock)
        pipeline = Pipeline(
            self._build_lanes(),
            list(self._sinks.values()),
            stopwatch=self._latencies.add,
            budget=settings.loop.describe_budget,
        )
        # In lock-step the file sets the pace: every frame counts, so none is waited away.
        period = 1 / settings.camera.fps if settings.camera.realtime else 0.0
        self._loop = FrameLoop(self._worker, pipeline, self._clock, self._latencies.add, period=period)

    def run(self) -> int:
        """Runs until a signal, the end of the source, or a fault; gives the exit code.

        Raises ``EdgeError`` for what ends the service. A thread that hangs ends the process here.
        """
        self._catch_signals()
        try:
            self._start()
            while not self._stop.wait(TURN) and not self._loop.finished:
                self._turn()
            return 0
        except HungError as error:
            log.critical("%s", error)
            self._notifier.status(str(error))
            logging.shutdown()
            # A thread that hangs holds locks that an orderly end would wait for.
            os._exit(HungError.exit_code)
        finally:
            self._end()

    def stop(self) -> None:
        """Asks for the end in order, from any thread or a signal handler."""
        self._stop.set()

    # -- building ---------------------------------------------------------------------------

    def _build_sinks(self) -> dict[str, RunningSink]:
        settings = self._settings
        sinks: dict[str, RunningSink] = {}
        device = settings.device.resolved()
        for name in dict.fromkeys(settings.sinks):
            if name == "mqtt":
                sinks[name] = MqttSink(settings.mqtt, device, settings.state.resolved(), self._clock)
            else:
                sinks[name] = StdoutSink(settings.mqtt.base, device, self._clock)
        return sinks

    def _build_lanes(self) -> list[Lane]:
        lanes = []
        known = descriptors()
        for name in self._settings.recognizers:
            descriptor = known[name]
            recognizer = resolve(descriptor.factory)(self._settings.recognizer(name), self._load_model)
            tracker = Tracker(_behaviour(descriptor), self._settings.tracking, self._settings.events)
            self._recognizers[name], self._trackers[name] = recognizer, tracker
            lanes.append(Lane(recognizer, tracker))
        return lanes

    def _load_model(self, name: str) -> Model:
        if name not in self._models:
            model = Model.load(name, self._settings.infer)
            warning = check_golden(model)
            if warning:
                log.warning("%s", warning)
                self._warnings.append(warning)
            self._models[name] = model
        return self._models[name]

    # -- the main thread's work -----------------------------------------------------------------

    def _start(self) -> None:
        """From the broker to the camera, so that whatever is seen can be told."""
        for sink in self._sinks.values():
            sink.start()
        self._loop.start()
        self._worker.start()
        self._deadlines = self._collect_deadlines()
        self._stats_due = self._begun / 1e9 + self._settings.stats.interval
        self._notifier.ready()
        log.info("edge %s runs as %s on %s", __version__, self._settings.device.resolved(), self._worker.name)

    def _turn(self) -> None:
        """One look at everybody's health; raises what ends the service."""
        now_ns = self._clock.monotonic_ns()
        now = now_ns / 1e9
        late = overdue(self._deadlines, now_ns)
        if late:
            raise HungError(
                f"the {late.name} thread made no progress for {late.seconds:g} s", "a new process begins"
            )
        if self._loop.fault:
            raise self._loop.fault
        self._notifier.alive()
        self._fps = self._rate.update(now, self._loop.frames)
        camera = self._worker.status(now)
        due = now >= self._stats_due
        self._tell_camera(camera, anew=due)
        self._notifier.status(self._sentence(camera))
        if due:
            self._stats_due += self._settings.stats.interval
            self._post_stats()

    def _collect_deadlines(self) -> tuple[Deadline, ...]:
        seconds = self._settings.loop.deadline
        deadlines = [
            Deadline("loop", self._loop.progress, seconds),
            Deadline("capture", self._worker.progress, self._settings.camera.hang_after),
        ]
        mqtt = self._sinks.get("mqtt")
        if isinstance(mqtt, MqttSink):
            deadlines.append(Deadline("delivery", mqtt.progress, seconds))
        return tuple(deadlines)

    def _tell_camera(self, status: CameraStatus, *, anew: bool = False) -> None:
        """Tells what changed, or all of it ``anew``: the rate alone is no news, yet must not grow old.

        The size is no news for the log.
        """
        judged, shown = (status.state, status.reason), self._shown
        known = shown is not None and judged == (shown.state, shown.reason)
        if shown is not None and known and status.size == shown.size and not anew:
            return
        self._shown = status
        if not known:
            calm = status.state == "ok" or status.reason in ("opening", "ended")
            words = f"camera {status.state}" + (f": {status.reason}" if status.reason else "")
            log.log(logging.INFO if calm else logging.WARNING, "%s", words)
        fields = {
            "state": status.state,
            "reason": status.reason,
            "since": status.since,
            "size": status.size,
            "fps": round(status.fps, 1),
        }
        self._post(State("camera/status", fields, self._clock.wall()))

    def _post_stats(self) -> None:
        fields = stats(
            uptime=(self._clock.monotonic_ns() - self._begun) / 1e9,
            loop={"fps": round(self._fps, 2), **self._loop.counters()},
            latencies=self._latencies,
            camera=self._worker.counters(),
            recognizers={name: part.counters() for name, part in self._recognizers.items()},
            trackers={name: part.counters() for name, part in self._trackers.items()},
            sinks={name: sink.counters() for name, sink in self._sinks.items()},
            versions=self._versions(),
            warnings=tuple(self._warnings),
        )
        self._post(State("stats", fields, self._clock.wall()))

    def _versions(self) -> dict[str, str]:
        models = {
            f"model {name}": f"{model.version} {model.sha256[:12]}" for name, model in self._models.items()
        }
        runtime = {model.runtime for model in self._models.values()}
        return {
            "edge": __version__,
            "python": platform.python_version(),
            "runtime": ", ".join(sorted(runtime)),
            **models,
        }

    def _sentence(self, camera: CameraStatus) -> str:
        parts = [
            f"camera {camera.state}" + (f" ({camera.reason})" if camera.reason else ""),
            f"{self._fps:.1f} fps",
        ]
        mqtt = self._sinks.get("mqtt")
        if isinstance(mqtt, MqttSink):
            parts.append(mqtt.describe())
        return ", ".join(parts)

    def _post(self, state: State) -> None:
        for sink in self._sinks.values():
            sink.post([state])

    # -- the end ----------------------------------------------------------------------------------

    def _end(self) -> None:
        """Stops in the order of the way of a frame, so that what was seen is also told."""
        self._notifier.stopping()
        until = time.monotonic() + STOP_WITHIN
        self._worker.stop(timeout=1.0)
        self._loop.stop(timeout=1.0)
        with contextlib.suppress(UnavailableError):  # a sink whose reader has gone
            self._tell_camera(self._worker.status(self._clock.monotonic_ns() / 1e9))
            self._post_stats()
        for name, sink in self._sinks.items():
            if not sink.stop(timeout=max(until - time.monotonic(), 0.5)):
                log.warning("%s: not everything could be delivered; what is left stays in the outbox", name)
        log.info("ended")

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return

        def handler(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        # SIGHUP: the terminal of `edge run` has gone.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, handler)


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
