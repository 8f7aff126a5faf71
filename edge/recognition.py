"""What looks at frames: the models, recognizers and trackers that some settings mean, built as one.

Settings that are read again build a second one beside the first; the loop changes over between two frames.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.pipeline import Lane
from edge.recognize.descriptor import Closing, Descriptor, Naming, Recognizer, Remarking
from edge.recognize.registry import descriptors, resolve
from edge.settings.compose import Settings
from edge.track.behaviour import Behaviour
from edge.track.tracker import Tracker

log = logging.getLogger("edge.daemon")


class Recognition:
    """Owned by the loop's thread once it is in use."""

    def __init__(self, settings: Settings, before: Recognition | None = None) -> None:
        """Loads and verifies the models. Raises ``ConfigError`` (exit 78).

        The trackers of ``before`` are taken over, unchanged until ``adopt``: what is in view stays so.
        """
        self.settings = settings
        self.models: dict[str, Model] = {}
        self.warnings: list[str] = []
        self.recognizers: dict[str, Recognizer] = {}
        self.trackers: dict[str, Tracker] = {}
        self._told = before.warnings if before else []
        known = descriptors()
        for name in settings.recognizers:
            descriptor = known[name]
            self.recognizers[name] = resolve(descriptor.factory)(
                settings.recognizer(name), self._load_model, settings.state.resolved()
            )
            followed = before.trackers.get(name) if before else None
            self.trackers[name] = followed or Tracker(
                behaviour_of(descriptor), settings.tracking, settings.events
            )

    def lanes(self) -> list[Lane]:
        """In the order of the settings."""
        return [Lane(self.recognizers[name], self.trackers[name]) for name in self.recognizers]

    def adopt(self) -> None:
        """Between two frames, in the loop's thread: trackers that were taken over get these settings."""
        for name, tracker in self.trackers.items():
            tracker.change(self.settings.tracking, self.settings.events)
            self.reconsider(name)

    def reconsider(self, name: str) -> None:
        """Labels of the recognizer ``name`` may mean something else now: all in view is looked at anew."""
        part = self.recognizers[name]
        self.trackers[name].reconsider(part.labels() if isinstance(part, Naming) else None)

    def same(self, other: Recognition) -> bool:
        """Whether ``other`` would find and tell the same: by settings, and by the bytes of the models."""
        return self._meaning() == other._meaning()

    def counters(self) -> Mapping[str, Mapping[str, int]]:
        """Those of the recognizers, by name."""
        return {name: part.counters() for name, part in self.recognizers.items()}

    def remarks(self) -> list[str]:
        """What the recognizers have to say of themselves. Any thread may ask."""
        return [
            remark
            for part in self.recognizers.values()
            if isinstance(part, Remarking)
            for remark in part.remarks()
        ]

    def close(self) -> None:
        """It is used no longer: another has taken its place, or the service ends."""
        for part in self.recognizers.values():
            if isinstance(part, Closing):
                part.close()

    def _meaning(self) -> tuple[object, ...]:
        settings = self.settings
        sections = {name: settings.recognizer(name) for name in settings.recognizers}
        models = {name: (model.card, model.sha256) for name, model in self.models.items()}
        common = (settings.infer, settings.tracking, settings.events, settings.loop.describe_budget)
        return settings.recognizers, sections, models, common

    def _load_model(self, name: str) -> Model:
        if name not in self.models:
            model = Model.load(name, self.settings.infer)
            warning = check_golden(model)
            if warning:
                log.log(logging.DEBUG if warning in self._told else logging.WARNING, "%s", warning)
                self.warnings.append(warning)
            self.models[name] = model
        return self.models[name]


def behaviour_of(descriptor: Descriptor) -> Behaviour:
    """What tracking takes from a recognizer's descriptor."""
    return Behaviour(
        recognizer=descriptor.name,
        label=descriptor.label,
        label_type=descriptor.label_type,
        items=descriptor.items,
        cooldown=descriptor.cooldown,
        numbers=descriptor.numbers,
        named_by=descriptor.named_by,
        extras=tuple(name for name, _ in descriptor.extras),
    )
