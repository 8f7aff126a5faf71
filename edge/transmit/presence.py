"""What subscribers read of people, as ``payload`` has it for things."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.transmit.payload import SCORE, about, about_time


@dataclass(frozen=True, slots=True)
class VisitStamp:
    """What events of people carry besides: theirs is a visit, which outlasts short absences."""

    since: str = field(metadata=about_time("when the visit began; the same in all its events"))
    seen: str = field(
        metadata=about_time("when they were seen last; an end is told later, when they have not come back")
    )


@dataclass(frozen=True, slots=True)
class PersonPresent:
    """Somebody known by name who is here, or was a moment ago."""

    since: str = field(metadata=about_time("when the visit began, by the device's clock"))
    track: int = field(metadata=about("the same number as in its events, as long as the visit lasts", ge=0))
    score: float = field(metadata=SCORE)


@dataclass(frozen=True, slots=True)
class NamelessPresent:
    """How many are in view without a name."""

    unknown: int = field(metadata=about("who have been looked at well, and are nobody known by name", ge=0))
    unsure: int = field(metadata=about("of whom it cannot be told yet, or no more, who they are", ge=0))
