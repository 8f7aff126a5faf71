"""The sections that belong to no stage: the device, its state, its statistics, its log."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from typing import Literal

from pydantic import Field

from edge.errors import ConfigError
from edge.section import Section

DEVICE_NAME = r"^[a-z0-9_-]{1,64}$"


class DeviceSettings(Section):
    """The device. Its name stands in every topic: edge/<name>/… Where it gets too hot or too busy, the frame
    rate is lowered, and said to be; it comes back by itself."""

    name: str | None = Field(
        default=None,
        pattern=DEVICE_NAME,
        description="name in topics, a-z 0-9 _ - and at most 64; null: the host's name",
    )
    max_temperature: float | None = Field(
        default=80.0,
        ge=30,
        le=120,
        description="above it fewer frames are looked at, step by step, until it is 5 below; null: never, "
        "degrees Celsius of the hottest sensor",
    )
    cpu_budget: float | None = Field(
        default=None,
        ge=0.05,
        le=64,
        description="above it fewer frames are looked at, until it fits; null: never, processor time of this "
        "process, 1 is one core all the time",
    )

    def resolved(self) -> str:
        """The name, or one made of the host's: lower case, anything else becomes a dash."""
        host = re.sub(r"[^a-z0-9_-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")
        return self.name or host[:64] or "edge"


class StateSettings(Section):
    """Where the service keeps what must survive a restart: the outbox, what commands have changed, and who is
    enrolled."""

    folder: str | None = Field(
        default=None,
        min_length=1,
        description="folder; null: $STATE_DIRECTORY (systemd), else $XDG_STATE_HOME/edge",
    )

    def resolved(self) -> Path:
        """The folder, by setting, by systemd, or by the XDG base directory specification."""
        if self.folder:
            return Path(self.folder)
        systemd = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
        if systemd:
            return Path(systemd)
        return Path(os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state") / "edge"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # neither $HOME nor an entry of the user, as in some containers
        raise ConfigError("state.folder: this user has no home", "set state.folder to a folder") from None


class StatsSettings(Section):
    """Counters, rates and latencies, published on the topic stats."""

    interval: float = Field(default=30.0, ge=1, le=3600, description="time between two, seconds")


class LogSettings(Section):
    """The log, on standard error; under systemd it is the journal."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least important that is written"
    )


class LoopSettings(Section):
    """The frame loop and its deadlines."""

    describe_budget: float = Field(
        default=0.1, gt=0, le=10, description="time for closer looks in one frame, seconds"
    )
    deadline: float = Field(
        default=30.0,
        ge=5,
        le=600,
        description="a loop or delivery without progress for so long ends the process, exit 75, seconds",
    )
