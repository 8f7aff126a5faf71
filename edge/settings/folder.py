"""Where a service keeps its state, for a command that looks at it from beside."""

from __future__ import annotations

import os
from pathlib import Path

from edge.settings import load
from edge.settings.compose import Settings

UNITS = Path("/var/lib/edge")
"""Where the units of systemd have their state, a folder for each instance: the name of its settings file."""


def state_folder(file: Path | None, settings: Settings) -> Path:
    """That of the service that runs by ``settings``, which ``file`` holds.

    A unit is told by systemd where its state lies (``$STATE_DIRECTORY``), and a person's command is not.
    """
    file = load.named_or_system(file)
    told = settings.state.folder or os.environ.get("STATE_DIRECTORY")
    if not told and file is not None and file.absolute().parent == load.SYSTEM_FILE.parent:
        folder = UNITS / file.stem
        if os.path.isdir(folder):  # False, too, where this user may not look
            return folder
    return settings.state.resolved()
