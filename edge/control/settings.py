"""The sections ``commands`` and ``snapshot``."""

from __future__ import annotations

from pydantic import Field

from edge.section import Section


class CommandSettings(Section):
    """Commands that arrive from the broker on <base>/<device>/cmd/…; who may send them is the broker's ACL to
    say. What they change is kept over restarts, until `reload` with `reset`."""

    enabled: bool = Field(default=True, description="whether they are taken at all")
    per_minute: float = Field(
        default=60.0, ge=1, le=6000, description="taken in the long run; further ones are counted, a minute"
    )
    burst: int = Field(default=20, ge=1, le=1000, description="taken at once, count")


class SnapshotSettings(Section):
    """The picture as the recognizers see it, masks applied, as JPEG on the topic snapshot; not retained. It
    is sent when a command asks for it, to whoever the broker lets read that topic."""

    enabled: bool = Field(
        default=True, description="whether pictures may leave the device at all; false: never, whoever asks"
    )
    every: float | None = Field(
        default=None, ge=1, le=86_400, description="sent without being asked, so often; null: never, seconds"
    )
    interval: float = Field(
        default=1.0, ge=0.2, le=3600, description="least time between two that are asked for, seconds"
    )
    side: int = Field(
        default=1280, ge=64, le=8192, description="longer side at most; larger ones are made smaller, pixels"
    )
    quality: int = Field(default=85, ge=20, le=100, description="of the JPEG; lowered where it is too large")
    bytes: int = Field(
        default=120_000,
        ge=4096,
        le=16_777_216,
        description="of the JPEG at most, never more than mqtt.max_payload, bytes",
    )
