"""The section ``camera`` of the configuration, and how a source is shown without its password."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from edge.section import Section

MAX_PIXELS = 64_000_000
"""Decoded: 192 MB."""


def redact(source: str) -> str:
    """A source as logs, messages and payloads may show it: without what stands before the ``@`` of a URL.

    Everything up to the last ``@`` goes, since passwords are often written with ``/`` or ``@``
    unescaped; so do the values in a query that look secret by their key.
    """
    shown = re.sub(r"(?<=://).*@", "***@", source, flags=re.DOTALL)
    if "://" not in shown:
        # user:password@host, where somebody forgot the scheme
        return re.sub(r"[^\s/@:'\"]+:\S*@", "***@", shown)
    return re.sub(r"(?i)([?&][^=&#]*(?:pass|pwd|token|secret|key|auth)[^=&#]*=)[^&#]*", r"\1***", shown)


def _inside(place: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    x, y, w, h = place
    # A little more than 1 is how 0.1 + 0.9 may come out.
    if min(x, y) < 0 or min(w, h) <= 0 or max(x + w, y + h) > 1 + 1e-6:
        raise ValueError("allowed: [x, y, w, h] with 0 <= x, y; 0 < w, h; x + w <= 1; y + h <= 1")
    return place


Place = Annotated[tuple[float, float, float, float], AfterValidator(_inside)]
"""x, y, w, h as fractions 0..1 of the full frame after rotation and flip."""

PipeFormat = Literal["i420", "nv12", "bgr24", "mjpeg"]

Control = Literal[
    "auto_exposure",
    "exposure",
    "autofocus",
    "focus",
    "auto_white_balance",
    "white_balance",
    "gain",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "gamma",
    "sharpness",
    "backlight",
    "zoom",
    "pan",
    "tilt",
]
"""In this order they are set: a value by hand needs its automatic switched off before."""


def _as_text(value: object) -> object:
    if type(value) is int:
        return str(value)
    if isinstance(value, dict) and len(value) == 1:
        ((kind, rest),) = value.items()
        if isinstance(kind, str) and isinstance(rest, str | None):
            return f"{kind}: {rest or ''}".rstrip(": ")
    return value


Source = Annotated[
    str,
    BeforeValidator(_as_text),
    WithJsonSchema({"type": ["string", "integer", "object"]}),
]
"""A text. The index of a camera may stand without quotes; so may ``gst: PIPELINE`` and its like, which YAML
then reads as a mapping."""


class CameraSettings(Section):
    """The camera, or what stands in for it. Rotation, flip, masks and region apply in this order, before
    anything else sees the picture; places are fractions 0..1 of the rotated picture, so that they survive a
    change of resolution."""

    source: Source = Field(
        default="0",
        min_length=1,
        description="camera index or path (0, /dev/video0), video file, picture, folder or glob of pictures, "
        "rtsp://…, http(s)://…, a program's output (rpicam, rpicam: OPTIONS, gst: PIPELINE, command: ARGV), "
        "demo or demo:SEED (a scene that edge draws)",
    )
    size: tuple[Annotated[int, Field(ge=16, le=16384)], Annotated[int, Field(ge=16, le=16384)]] | None = (
        Field(
            default=None,
            description="[width, height] asked of a camera or sent by a program; null: the camera's own, "
            "rpicam and gst: 640 x 480, pixels",
        )
    )
    format: PipeFormat = Field(
        default="i420", description="how a program (rpicam, gst, command) sends its frames"
    )
    fourcc: str | None = Field(
        default=None,
        pattern=r"^[A-Z0-9 ]{4}$",
        description="how a V4L2 camera is to send its frames (MJPG, YUYV); null: MJPG where size and fps "
        "need it, else the camera's own",
    )
    controls: dict[Control, float] = Field(
        default={},
        max_length=32,
        description="what a V4L2 camera is set to, in its driver's own units (`v4l2-ctl --list-ctrls`): "
        "auto_exposure, exposure, autofocus, focus, gain, …",
    )
    fps: float = Field(
        default=10.0,
        ge=0.1,
        le=120,
        description="asked of a camera, the pace of pictures, the most that is looked at, frames per second",
    )
    rotate: Literal[0, 90, 180, 270] = Field(default=0, description="turn of the picture, clockwise, degrees")
    flip: Literal["none", "horizontal", "vertical", "both"] = Field(
        default="none", description="mirror image, after the rotation: horizontal swaps left and right"
    )
    masks: tuple[Place, ...] = Field(
        default=(),
        max_length=64,
        description="places that are blackened, [[x, y, w, h], …], fractions 0..1 of the rotated picture",
    )
    region: Place | None = Field(
        default=None,
        description="only place looked at, [x, y, w, h]; null: all; fractions 0..1 of the rotated picture",
    )
    realtime: bool = Field(
        default=True,
        description="false (files, pictures, demo): every frame exactly once, as fast as it can be processed",
    )
    on_end: Literal["exit", "hold", "loop"] = Field(
        default="exit",
        description="when a file ends: exit ends the process, hold keeps the last picture, loop starts again",
    )
    open_timeout: float = Field(
        default=10.0, ge=0.5, le=120, description="time for a stream to open, seconds"
    )
    read_timeout: float = Field(
        default=4.0,
        ge=0.5,
        le=120,
        description="wait for the next frame before the source is opened anew, seconds",
    )
    stall_after: float = Field(
        default=3.0,
        ge=0.5,
        le=3600,
        description="without a frame for so long the camera is told to be stalled, seconds",
    )
    frozen_after: float | None = Field(
        default=4.0,
        ge=0.5,
        le=3600,
        description="a live picture that is the same to the byte for so long is told to be frozen; null: "
        "never, seconds",
    )
    black_after: float | None = Field(
        default=4.0,
        ge=0.5,
        le=3600,
        description="a live picture that is black for so long is told to be; null: never, seconds",
    )
    hang_after: float = Field(
        default=30.0,
        ge=2,
        le=600,
        validate_default=True,
        description="a driver that does not come back for so long ends the process, exit 75, seconds",
    )
    backoff_first: float = Field(
        default=1.0, ge=0.05, le=60, description="shortest wait before a lost source is opened again, seconds"
    )
    backoff_most: float = Field(
        default=30.0,
        ge=0.05,
        le=3600,
        validate_default=True,
        description="longest wait before a lost source is opened again, seconds",
    )
    max_pixels: int = Field(
        default=MAX_PIXELS,
        ge=10_000,
        le=1_000_000_000,
        description="a picture file with more is refused before it is decoded, pixels",
    )

    @field_validator("hang_after")
    @classmethod
    def _patient(cls, value: float, info: ValidationInfo) -> float:
        # FFmpeg's read comes back after up to twice its timeout; a slow camera may be waited for.
        least = info.data.get("open_timeout", 0) + 2 * info.data.get("read_timeout", 0)
        least = max(least, 2 / info.data.get("fps", 1))
        if value < least:
            raise ValueError(f"allowed: at least {least:g}, open_timeout + 2 * read_timeout and 2 / fps")
        return value

    @field_validator("backoff_most")
    @classmethod
    def _ordered(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("backoff_first", 0):
            raise ValueError(f"allowed: at least backoff_first, {info.data['backoff_first']:g}")
        return value

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """As pydantic shows it, without the password of a URL."""
        return [(key, redact(value) if key == "source" else value) for key, value in super().__repr_args__()]
