"""What subscribers read: payloads as frozen dataclasses, and their JSON.

The dataclasses are the contract: JSON is made from them here, and docs/schemas from the same by
``python -m tools.schemas``, which alone reads the ``metadata`` (a description, and limits where there are
any). What depends on the recognizer (``digit``, ``digits``) comes from its events and states as fields,
and into the schemas by its descriptor.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from typing import Any, Final, Literal

import numpy as np

from edge.clock import rfc3339
from edge.records import Box, CameraState, Event, EventType, Reply, State

SCHEMA: Final = 1
"""The number of the contract: additions are allowed within it, changes are not."""

PLACES = 4
"""Decimals of numbers in payloads: enough for scores."""

Rectangle = tuple[int, int, int, int]
Size = tuple[int, int]


def about(description: str, **limits: Any) -> dict[str, Any]:
    """The metadata of a field: what it means, and limits by the names that JSON Schema's maker takes."""
    return {"description": description, **limits}


def about_time(description: str) -> dict[str, Any]:
    """The metadata of a time."""
    words = f"{description}; RFC 3339, UTC, milliseconds"
    return about(words, json_schema_extra={"format": "date-time"})


_SCHEMA = about("number of this contract")
SCORE = about("how sure, 0..1: of those with score s a share s is right", ge=0, le=1)
_BOX = about("left, top, width, height in whole pixels of the full rotated frame")
_SIZE = about("width and height of the full rotated frame, in pixels")


@dataclass(frozen=True, slots=True)
class FrameReference:
    """The frame in which something was seen."""

    sequence: int = field(metadata=about("number of the frame since the start of the camera", ge=0))
    size: Size = field(metadata=_SIZE)


@dataclass(frozen=True, slots=True)
class EventPayload:
    """Something happened to what the camera sees. Delivered at least once: drop repeats by ``id``."""

    schema: Literal[1] = field(metadata=_SCHEMA)
    id: str = field(
        metadata=about(
            "UUIDv7 of this event, the same each time it is delivered", json_schema_extra={"format": "uuid"}
        )
    )
    event_type: EventType = field(
        metadata=about("new: it appeared; update: its name or place changed; end: it is gone")
    )
    time: str = field(metadata=about_time("when the camera saw it, by the device's clock"))
    clock_synced: bool = field(metadata=about("whether that clock was kept by NTP or the like"))
    track: int = field(metadata=about("the same number for the same thing, as long as it is in view", ge=0))
    score: float = field(metadata=SCORE)
    box: Rectangle = field(metadata=_BOX)
    frame: FrameReference = field(metadata=about("where it was seen"))
    latency_ms: float = field(
        metadata=about("from the picture to the commit of the event, milliseconds", ge=0)
    )


@dataclass(frozen=True, slots=True)
class LateStamp:
    """What an event that comes long after it happened carries besides, so that nothing takes it for new."""

    late: Literal[True] = field(
        metadata=about("only in events delivered more than mqtt.late_after seconds after they happened")
    )
    delay_ms: int = field(
        metadata=about(
            "from the picture to this delivery, milliseconds; at least that, where the device has restarted "
            "meanwhile and its clock was not kept",
            ge=0,
        )
    )


@dataclass(frozen=True, slots=True)
class StatePayload:
    """What is so now. Retained: who subscribes later gets the newest at once."""

    schema: Literal[1] = field(metadata=_SCHEMA)
    time: str = field(metadata=about_time("since when it is so, by the device's clock"))


@dataclass(frozen=True, slots=True)
class ThingInView:
    """Something in view that has a name."""

    score: float = field(metadata=SCORE)
    box: Rectangle = field(metadata=_BOX)
    track: int = field(metadata=about("the same number as in its events", ge=0))


@dataclass(frozen=True, slots=True)
class NumberInView:
    """Digits on one line, in reading order."""

    text: str = field(metadata=about("its digits"))
    score: float = field(metadata=SCORE)
    box: Rectangle = field(metadata=_BOX)


@dataclass(frozen=True, slots=True)
class CameraPayload(StatePayload):
    """How the camera is."""

    state: CameraState = field(
        metadata=about("ok: pictures come; stalled: none, or useless ones; lost: it is not there")
    )
    reason: str | None = field(metadata=about("why it is not ok, else null"))
    since: str = field(metadata=about_time("since when"))
    size: Size | None = field(
        metadata=about("width and height of the full rotated frame; null before the first")
    )
    fps: float = field(metadata=about("frames per second over the last seconds", ge=0))


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a duration, over the last minutes."""

    p50: float = field(metadata=about("median, milliseconds", ge=0))
    p99: float = field(metadata=about("one in a hundred is longer, milliseconds", ge=0))


@dataclass(frozen=True, slots=True)
class DeviceCondition:
    """The machine; null where it does not tell."""

    model: str | None = field(metadata=about("name of the board"))
    temperatures_c: dict[str, float] = field(metadata=about("by sensor, degrees Celsius"))
    throttled: list[str] | None = field(metadata=about("what slows it down now, in words"))
    throttled_before: list[str] | None = field(metadata=about("what did so since it started"))
    memory_available_mb: float | None = field(metadata=about("memory that is left, MiB"))
    disk_free_mb: float | None = field(metadata=about("room where the state is kept, MiB"))
    clock_synced: bool | None = field(metadata=about("whether its clock is kept by NTP or the like"))
    uptime_s: float | None = field(metadata=about("since it started, seconds"))


@dataclass(frozen=True, slots=True)
class GovernorState:
    """How fast frames are looked at, and why not as fast as was asked for."""

    fps: float = field(metadata=about("frames per second that are allowed now", ge=0))
    asked_fps: float = field(metadata=about("frames per second that the settings ask for", ge=0))
    reason: str | None = field(metadata=about("why there are fewer, else null"))
    lowered: int = field(metadata=about("steps down since the start", ge=0))
    raised: int = field(metadata=about("steps up since the start", ge=0))
    cpu_share: float | None = field(
        metadata=about("processor time that the service takes; 1 is one core all the time")
    )


@dataclass(frozen=True, slots=True)
class StatsPayload(StatePayload):
    """How the service is: every counter of every bound, since its start."""

    uptime_s: float = field(metadata=about("since the start of the service, seconds", ge=0))
    camera: dict[str, int] = field(metadata=about("frames, drops, reopenings and so on"))
    loop: dict[str, float] = field(
        metadata=about("frames and their rate, events, and frames that could not be processed")
    )
    latency_ms: dict[str, Percentiles] = field(metadata=about("by stage of the way of a frame"))
    recognizers: dict[str, dict[str, int]] = field(metadata=about("counters by recognizer"))
    trackers: dict[str, dict[str, int]] = field(
        metadata=about("counters of its tracks and events, by recognizer")
    )
    commands: dict[str, int] = field(
        metadata=about("commands by what came of them, snapshots, and what was written of their changes")
    )
    outbox: dict[str, int] = field(
        metadata=about("events on their way to the broker, and the connection's counters")
    )
    parked: dict[str, int] = field(
        metadata=about("why the broker has refused events for good, and how many for each reason")
    )
    sinks: dict[str, dict[str, int]] = field(
        metadata=about("counters of the other sinks, and of what Home Assistant is told")
    )
    memory_mb: float | None = field(metadata=about("resident memory, MiB"))
    temperature_c: float | None = field(metadata=about("the hottest sensor of the machine, degrees Celsius"))
    device: DeviceCondition = field(metadata=about("the machine underneath"))
    governor: GovernorState = field(metadata=about("what lowers the frame rate where it must"))
    restarts: int = field(
        metadata=about("starts after the one by a person or by the machine's own start", ge=0)
    )
    versions: dict[str, str] = field(metadata=about("of edge, Python, the runtime and the models"))
    warnings: list[str] = field(metadata=about("what was found at the start and did not prevent it"))


@dataclass(frozen=True, slots=True)
class SettingsPayload(StatePayload):
    """What is in force of what commands may change."""

    detect: bool = field(metadata=about("whether the recognizers look at pictures"))
    thresholds: dict[str, float] = field(metadata=about("lowest score that is told, by recognizer"))
    changed: list[str] = field(
        metadata=about("what a command has changed: detect, thresholds.digits; the rest is as in the file")
    )


@dataclass(frozen=True, slots=True)
class ResultPayload(StatePayload):
    """What a command led to. Never retained."""

    command: str = field(metadata=about("the command that this answers"))
    ok: bool = field(metadata=about("whether it was done"))
    error: str | None = field(metadata=about("the code of what prevented it, else null"))
    message: str = field(metadata=about("a sentence for a person"))
    request: str | None = field(metadata=about("what the command called itself, else null"))
    data: dict[str, Any] = field(metadata=about("what was asked for, by command"))


def result_payload(reply: Reply, command: str, request: str | None, wall: datetime) -> bytes:
    """The JSON of a reply to ``command``, which called itself ``request``."""
    told = ResultPayload(
        SCHEMA, rfc3339(wall), command, reply.ok, reply.error, reply.message, request, dict(reply.data)
    )
    return encode(_members(told))


def event_payload(event: Event, *, identity: str, committed: int, clock_synced: bool) -> bytes:
    """The JSON of an event that is ``committed`` now, in monotonic nanoseconds."""
    told = EventPayload(
        schema=SCHEMA,
        id=identity,
        event_type=event.event_type,
        time=rfc3339(event.wall),
        clock_synced=clock_synced,
        track=event.track,
        score=event.score,
        box=_pixels(event.box),
        frame=FrameReference(event.sequence, event.size),
        latency_ms=round(max(committed - event.captured, 0) / 1e6, 1),
    )
    return encode({**_members(told), **event.fields})


def state_payload(state: State) -> bytes:
    """The JSON of a state."""
    return encode({**_members(StatePayload(SCHEMA, rfc3339(state.wall))), **state.fields})


def stamped(payload: bytes, stamp: LateStamp) -> bytes:
    """An event's JSON with the stamp added. ``payload``: an object with members, as ``encode`` makes it."""
    return payload[:-1] + b"," + encode(_members(stamp))[1:]


def encode(members: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8. A number that is not finite becomes null, since JSON has none such."""
    text = json.dumps(_plain(members), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Halves of surrogate pairs come from file names and other programs; UTF-8 has none.
    return text.encode("utf-8", "replace")


def _members(record: Any) -> dict[str, Any]:
    return {part.name: getattr(record, part.name) for part in fields(record)}


def _plain(value: Any) -> Any:
    """The value in JSON's own types, from those that lie in records."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return round(value, PLACES) if math.isfinite(value) else None
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return _plain(_members(value))
    return [_plain(item) for item in value]


def _pixels(box: Box) -> Rectangle:
    return round(box.x), round(box.y), round(box.w), round(box.h)
