"""All that obeys commands, as one part: the queue, the actions, what they change, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from edge.clock import Clock
from edge.control.changes import FILE, ChangesFile
from edge.control.commands import Action, Commands
from edge.control.dials import Dials
from edge.control.queue import CommandQueue, Reload, ReloadPlace
from edge.control.snapshot import Snapshots
from edge.pipeline import Pipeline
from edge.recognition import Recognition
from edge.recognize.registry import descriptors, resolve
from edge.records import Command, Frame, Parameter, Reply, Request, State, Track
from edge.settings.compose import Settings
from edge.transmit.delivery import MqttSink
from edge.transmit.wire import WireLimits

_DETECT = (Parameter("on", "flag"),)
_THRESHOLD = (Parameter("recognizer", "text"), Parameter("value", "number", low=0, high=1))
_SNAPSHOT = (Parameter("annotate", "flag", required=False),)
_RELOAD = (Parameter("reset", "flag", required=False),)


class Control:
    """``turn``, ``take_up`` and ``reset`` in the loop's thread; ``tend`` and ``close`` in the main thread."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        pipeline: Pipeline,
        recognition: Recognition,
        *,
        mqtt: MqttSink | None,
        post: Callable[[State], None],
        others: Mapping[str, Action] | None = None,
    ) -> None:
        """Takes up what commands of earlier runs have changed. ``post`` gives a state to all sinks.
        ``others``: what other parts do on command (the readings), by the command's name.
        """
        self._pipeline = pipeline
        self._recognition = recognition
        self._others = dict(others or {})
        self._now = 0.0
        self.queue = CommandQueue()
        self.reloads = ReloadPlace()
        self.file = ChangesFile(settings.state.resolved() / FILE)
        self.dials = Dials(
            pipeline, recognition.recognizers, recognition.trackers, file=self.file, post=post, clock=clock
        )
        show = partial(mqtt.show, "snapshot") if mqtt else None
        self._snapshots = Snapshots(settings.snapshot, settings.mqtt.max_payload, self._newest, show)
        self._commands = Commands(self.queue, self._actions())
        if mqtt and settings.commands.enabled:
            limits = settings.commands
            mqtt.obey(WireLimits(settings.mqtt.max_payload, limits.per_minute, limits.burst), self.queue.put)

    def start(self) -> None:
        """Tells what is in force. Before the loop runs."""
        self.dials.tell()

    def turn(self, now: float) -> None:
        """Between two frames: carries out what waits."""
        self._now = now
        self._commands.turn()
        self._snapshots.turn(now)

    def take_up(self, recognition: Recognition, now: float) -> None:
        """Other recognizers run from here on; what commands have changed holds for them too."""
        self._recognition = recognition
        self._now = now
        self._commands.change(self._actions())
        self.dials.take_up(recognition.recognizers, recognition.trackers, now)

    def reset(self, now: float) -> None:
        """Drops what commands have changed: the settings file alone holds."""
        self.dials.reset(now)

    def tend(self, now: float) -> None:
        """Writes what commands have changed, if anything."""
        self.file.tend(now)

    def close(self, now: float) -> None:
        """Once the loop has ended: refuses what waits, and writes what is not written yet."""
        self.queue.close()
        self.file.tend(now)

    def counters(self) -> dict[str, int]:
        """Totals since the start, for ``stats``."""
        return {**self._commands.counters(), **self._snapshots.counters(), **self.file.counters()}

    def _actions(self) -> dict[str, Action]:
        actions = {
            "detect": Action(lambda fields, request: self.dials.detect(fields, request, self._now), _DETECT),
            "threshold": Action(
                lambda fields, request: self.dials.threshold(fields, request, self._now), _THRESHOLD
            ),
            "snapshot": Action(
                lambda fields, request: self._snapshots.command(fields, request, self._now), _SNAPSHOT
            ),
            "reload": Action(self._reload, _RELOAD),
            **self._others,
        }
        known = descriptors()
        for name in self._recognition.recognizers:
            for command in known[name].commands:
                act = partial(self._of_recognizer, name, command)
                actions[command.name] = Action(act, command.parameters)
        return actions

    def _reload(self, fields: Mapping[str, Any], request: Request) -> Reply | None:
        return self.reloads.ask(Reload(request, fields.get("reset", False)))

    def _of_recognizer(
        self, name: str, command: Command, fields: Mapping[str, Any], _request: Request
    ) -> Reply:
        sight = _Sight(self._pipeline, self._tracks(name))
        reply = resolve(command.handler)(self._recognition.recognizers[name], fields, sight)
        assert isinstance(reply, Reply), f"{command.handler} gave no reply"
        if reply.ok and command.changes:
            self._recognition.reconsider(name)
        return reply

    def _tracks(self, name: str) -> Sequence[Track]:
        return [track for track in self._recognition.trackers[name].tracks() if track.confirmed]

    def _newest(self) -> tuple[Frame, Sequence[Track]] | None:
        frame = self._pipeline.newest
        if frame is None:
            return None
        tracks = [track for name in self._recognition.trackers for track in self._tracks(name)]
        return frame, [track for track in tracks if track.label is not None]


class _Sight:
    """What a command of a recognizer may look at."""

    def __init__(self, pipeline: Pipeline, tracks: Sequence[Track]) -> None:
        self._pipeline = pipeline
        self._tracks = {track.id: track for track in tracks}

    @property
    def frame(self) -> Frame | None:
        """The newest frame."""
        return self._pipeline.newest

    def track(self, number: int) -> Track | None:
        """What has this number."""
        return self._tracks.get(number)
