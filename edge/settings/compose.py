"""The whole configuration: every stage's section, and one for each registered recognizer."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, cast

from pydantic import Field, create_model, field_validator

from edge.capture.settings import CameraSettings
from edge.control.settings import CommandSettings, SnapshotSettings
from edge.infer.settings import InferSettings
from edge.recognize.registry import descriptors, resolve
from edge.section import Section
from edge.settings.sections import DeviceSettings, LogSettings, LoopSettings, StateSettings, StatsSettings
from edge.track.settings import EventSettings, TrackingSettings
from edge.transmit.settings import HomeAssistantSettings, MqttSettings


class Settings(Section):
    """Everything that a person can set; ``settings_class()`` adds the recognizers' sections."""

    device: DeviceSettings = Field(default_factory=DeviceSettings)
    camera: CameraSettings = Field(default_factory=CameraSettings)
    infer: InferSettings = Field(default_factory=InferSettings)
    recognizers: tuple[str, ...] = Field(
        default=("digits",), min_length=1, description="what is looked for, each at most once"
    )
    tracking: TrackingSettings = Field(default_factory=TrackingSettings)
    events: EventSettings = Field(default_factory=EventSettings)
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    sinks: tuple[Literal["mqtt", "stdout"], ...] = Field(
        default=("mqtt",), min_length=1, description="where events and states go: mqtt, stdout (JSON lines)"
    )
    home_assistant: HomeAssistantSettings = Field(default_factory=HomeAssistantSettings)
    commands: CommandSettings = Field(default_factory=CommandSettings)
    snapshot: SnapshotSettings = Field(default_factory=SnapshotSettings)
    loop: LoopSettings = Field(default_factory=LoopSettings)
    state: StateSettings = Field(default_factory=StateSettings)
    stats: StatsSettings = Field(default_factory=StatsSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @field_validator("recognizers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = descriptors()
        for name in names:
            if name not in known:
                raise ValueError(f"unknown recognizer {name!r}; there are: {', '.join(known)}")
        if len(set(names)) < len(names):
            raise ValueError("a recognizer stands twice")
        return names

    def recognizer(self, name: str) -> Section:
        """The section of one recognizer."""
        return cast(Section, getattr(self, name))


@cache
def settings_class() -> type[Settings]:
    """``Settings`` with a section for each recognizer of the registry."""
    sections: dict[str, Any] = {}
    for descriptor in descriptors().values():
        section = resolve(descriptor.settings)
        sections[descriptor.name] = (section, Field(default_factory=section))
    return create_model("Settings", __base__=Settings, __doc__=Settings.__doc__, **sections)


def section_order() -> list[str]:
    """The keys in the order of the sample file: recognizers' sections after the list of them."""
    keys = [key for key in settings_class().model_fields if key not in descriptors()]
    place = keys.index("recognizers") + 1
    return keys[:place] + list(descriptors()) + keys[place:]
