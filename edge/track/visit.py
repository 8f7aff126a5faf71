"""A visit: somebody with a name, or a stranger, is here, goes, and may come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from edge.records import Track


@dataclass(slots=True, eq=False)
class Visit:
    """``number``: of its track. ``since``: UTC of its first sight. ``newest``: how it was seen last,
    ``extras``: what looks had measured by then. ``mistaken``: it was somebody who is on another visit."""

    number: int
    label: str
    since: datetime
    newest: Track
    extras: Mapping[str, float]
    mistaken: bool = False
