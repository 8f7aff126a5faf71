"""What passes between the stages: frozen records without behaviour.

A frame enters on the left and leaves as events and states on the right::

    Frame -> Detection -> Target -> Description -> Event, State

Times on the monotonic clock are integers in nanoseconds (``captured``) or floats in
seconds (``now``, ``since``); wall-clock times are timezone-aware UTC and only for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture: (H, W, 3) uint8 in BGR, or (H, W) uint8 grey where the name says so."""

Points = NDArray[np.float32]
"""Points of a picture: (N, 2) float32, x right and y down, in pixels."""

CameraState = Literal["ok", "stalled", "lost"]
EventType = Literal["new", "update", "end"]
Reason = Literal["new", "unsure", "due"]


class Box(NamedTuple):
    """An upright box in pixels of the full rotated frame: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of the camera. ``image`` is read-only once the frame is in the slot.

    ``region``, where set, is the part that may be looked at (x, y, w, h in whole pixels);
    outside of it ``image`` is black. Coordinates always count from the full frame's corner.
    """

    image: Image
    sequence: int
    captured: int
    wall: datetime
    region: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """Something found in one frame. ``label`` is None where it was found but not named.

    ``score`` is calibrated: of detections with score s a share s is right. ``mark``: how
    probable it is, 0..1, that a decimal mark stands right after it.
    """

    box: Box
    label: str | None
    score: float
    landmarks: Points | None = None
    mark: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """A track that wants a closer look, and why: new, still unsure, or due again.

    ``afresh``: it may have become another thing since the look before (its track met another one, or took
    over its number): what earlier looks at this number told is no evidence any more.
    """

    track: int
    box: Box
    reason: Reason
    landmarks: Points | None = None
    afresh: bool = False


UNKNOWN = "unknown"
"""The label of a look that was good and matched nobody: a claim, and no lack of one. Nobody is called so."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a closer look at a target told. ``quality`` (0..1) weighs its vote.

    ``label``: a name, ``UNKNOWN``, or None where the look could not tell; it then votes for nobody.
    ``extras``: what else it measured, by the names of the descriptor's ``extras``.
    """

    track: int
    label: str | None
    score: float
    quality: float = 1.0
    extras: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Track:
    """An identity over frames, as the tracker sees it now. ``since`` and ``seen``: monotonic seconds.

    ``extras``: what its events say besides, by member.
    """

    id: int
    box: Box
    label: str | None
    score: float
    since: float
    seen: float
    confirmed: bool
    mark: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to a track; told once, delivered at least once.

    ``fields`` holds what the recognizer calls its label and its extras (``{"digit": 7}``).
    ``size`` is (width, height) of the full rotated frame.
    """

    recognizer: str
    event_type: EventType
    wall: datetime
    captured: int
    track: int
    score: float
    box: Box
    sequence: int
    size: tuple[int, int]
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """What is so now; only the newest of a topic counts.

    ``topic`` is relative to the device (``digits/state``); ``fields`` is JSON-able.
    """

    topic: str
    fields: Mapping[str, Any]
    wall: datetime


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How the camera is. ``since``: UTC of the last change; ``size``: (width, height) of the full
    rotated frame, None before the first; ``fps``: frames per second over the last seconds."""

    state: CameraState
    reason: str | None
    since: datetime
    size: tuple[int, int] | None
    fps: float


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command led to. ``error``: None or a short code (``unknown-track``); ``message``: a sentence
    for a person; ``data``: JSON-able, what was asked for."""

    ok: bool
    message: str
    error: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """A command as it arrived, over the broker or the run socket; its size is already bounded.

    ``fields``: its JSON object. ``identity``: what the asker calls it, for the reply to carry.
    ``answer`` takes the one reply; it never waits and may be called from any thread.
    """

    command: str
    fields: Mapping[str, Any]
    identity: str | None
    answer: Callable[[Reply], None]


ParameterKind = Literal["flag", "whole", "number", "text", "base64"]
"""What a member of a command's payload is: true or false, a whole number, any number, a text, bytes in base64
(which handlers get as ``bytes``)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A member of a command's payload. ``low``, ``high``: bounds of a number. ``most``: characters of a text,
    which is printable and not blank at its ends."""

    name: str
    kind: ParameterKind
    required: bool = True
    low: float | None = None
    high: float | None = None
    most: int = 64


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a recognizer takes, as data.

    ``handler``: ``module:function``, called in the loop's thread, between two frames, as ``(recognizer,
    fields, view) -> Reply`` with fields that fit ``parameters`` (``view``: see ``recognize.descriptor``). It
    takes no longer than a frame; what it raises is a fault of ours. ``changes``: whether, once it is done,
    what is in view may have to be called otherwise, and is looked at anew.
    """

    name: str
    summary: str
    handler: str
    parameters: tuple[Parameter, ...] = ()
    changes: bool = True


Platform = Literal["binary_sensor", "button", "event", "image", "number", "sensor", "switch"]
"""Kinds of entities of Home Assistant that are used."""


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that Home Assistant shows of this device, as data; it becomes one component of its discovery.

    ``key``: what its identity is made of, ``[a-z0-9_-]``; once released it keeps its meaning and its
    platform. ``name``: for people, without the name of the device. ``topic``: where its state stands,
    relative to the device; None for what has none. ``command``: the command that it sends (``detect``).
    ``camera``: whether it has nothing to say while the camera gives no pictures. ``options``: what else Home
    Assistant is told, by its own names.
    """

    key: str
    platform: Platform
    name: str
    topic: str | None = None
    command: str | None = None
    camera: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


LABEL = "<label>"
"""Stands for the label in an entity of which there is one for each (a person's presence): in its name for the
label itself, in its options for the label as a literal of a template."""
