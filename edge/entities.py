"""What Home Assistant is shown of this device: gathered from the settings and the recognizers' descriptors.

No model is loaded for it: ``edge discovery show`` prints what the service would announce.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from edge.recognize.registry import descriptors
from edge.records import Entity
from edge.settings.compose import Settings
from edge.transmit.discovery import Discovery, Repeats, discovery, of_labels
from edge.transmit.entities import NamedReading, of_device, of_readings, threshold
from edge.transmit.topics import Topics


def entities(
    settings: Settings,
    readings: Sequence[NamedReading] = (),
    labels: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Entity, ...]:
    """All of them. ``readings``: the named numbers; ``labels``: by recognizer, whom it knows by name."""
    known, names = descriptors(), labels or {}
    found = list(of_readings(readings))
    for name in settings.recognizers:
        found += known[name].entities
        of_label = known[name].entity_of_label
        found += of_labels(of_label, names.get(name, ())) if of_label else ()
        found.append(threshold(name))
    pictures = settings.home_assistant.snapshot and settings.snapshot.enabled
    # The device's own come first: where room runs out, a flood of names must not hide how it fares.
    shown = (*of_device(snapshot=pictures), *found)
    # A switch that nobody listens to would only deceive.
    return tuple(entity for entity in shown if entity.command is None or settings.commands.enabled)


def describe(
    settings: Settings,
    shown: Sequence[Entity] | None = None,
    labels: Mapping[str, Iterable[str]] | None = None,
) -> Discovery:
    """What is announced with these settings, of the entities ``shown``, by default all, with one of each of
    ``labels`` (see ``entities``)."""
    topics = Topics(settings.mqtt.base, settings.device.resolved())
    repeats = Repeats(settings.stats.interval, settings.mqtt.heartbeat)
    chosen = entities(settings, labels=labels) if shown is None else shown
    return discovery(settings.home_assistant, topics, chosen, repeats, largest=settings.mqtt.max_payload)
