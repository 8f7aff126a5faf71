"""Settings of tracks and of what is told of them."""

from __future__ import annotations

from pydantic import Field

from edge.section import Section


class PresenceSettings(Section):
    """How somebody with a name is followed: by visits, which end by time and not by a missed picture.

    A name is given by closer looks, which cost time; so they are taken when they pay. What stands here holds
    in place of the values of the same name for things (digits).
    """

    away: float = Field(
        default=10.0,
        ge=0,
        le=3600,
        description="who was not seen for so long is no longer present, seconds; the visit ends when "
        "events.cooldown has passed too",
    )
    again: float = Field(
        default=0.3,
        ge=0,
        le=60,
        description="time between two closer looks at somebody not surely known yet, at least, seconds",
    )
    memory: float = Field(
        default=10.0, gt=0, le=3600, description="time over which votes for a name fade, seconds"
    )
    confirm_votes: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="lead over all others that the first name needs, votes; a look has at most one",
    )
    unknown_votes: float = Field(
        default=2.5,
        ge=0,
        le=100,
        description="lead over all names that it takes to be told unknown, votes",
    )
    change_votes: float = Field(
        default=3.0,
        ge=1,
        le=100,
        description="lead that another name needs over the one held until it takes its place, votes",
    )
    place: float = Field(
        default=1.0,
        gt=0,
        le=10,
        description="how near to where an unknown person went somebody unknown is the same, share of the "
        "box's sides",
    )


class TrackingSettings(Section):
    """How detections of single frames become things that stay.

    A label is a vote over many looks: a look counts with its score and quality, and one
    frame alone changes neither what a thing is nor which thing it is.
    """

    patience: float = Field(
        default=1.5, ge=0.1, le=60, description="a thing unseen for so long has gone, seconds"
    )
    confirm: float = Field(
        default=0.3, ge=0, le=10, description="seen for so long before it is told, seconds"
    )
    confirm_looks: int = Field(
        default=2, ge=2, le=20, description="looks that must have named it before it is told, at least"
    )
    sure: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="score that a thing needs to be told, and below which it is unsure",
    )
    max_tracks: int = Field(
        default=250, ge=1, le=1000, description="things followed at once; further ones are counted and left"
    )
    reach: float = Field(
        default=0.8,
        gt=0,
        le=3,
        description="how far from where it was expected a thing is still the same, share of its longer side",
    )
    smoothing: float = Field(
        default=0.2, ge=0, le=5, description="time over which boxes are smoothed, seconds; 0: not at all"
    )
    memory: float = Field(
        default=1.0, gt=0, le=60, description="time over which votes for a label fade, seconds"
    )
    spacing: float = Field(
        default=0.1,
        ge=0,
        le=5,
        description="looks closer together than this see the same picture and share one vote, seconds",
    )
    confirm_votes: float = Field(
        default=2.5,
        ge=0,
        le=100,
        description="lead over all other labels that the first label needs, votes",
    )
    change_votes: float = Field(
        default=4.5,
        ge=1,
        le=100,
        description="lead that another label needs over the one held until it takes its place, votes",
    )
    due: float = Field(
        default=5.0,
        gt=0,
        le=3600,
        description="a thing without a look for so long gets a closer one, seconds",
    )
    presence: PresenceSettings = Field(default_factory=PresenceSettings)

    def of_people(self) -> TrackingSettings:
        """These settings with what ``presence`` puts in their place."""
        own = self.presence
        return self.model_copy(
            update={
                "memory": own.memory,
                "confirm_votes": own.confirm_votes,
                "change_votes": own.change_votes,
            }
        )


class EventSettings(Section):
    """What is worth an event, and how often at most.

    A still scene makes none. What comes back within the cooldown, with the same label at
    the same place (names of people: anywhere), is the same thing again and is not told twice.
    """

    cooldown: float = Field(
        default=10.0, ge=0, le=86400, description="what comes back within it is not told again, seconds"
    )
    place: float = Field(
        default=0.5, gt=0, le=10, description="how near is the same place, share of the box's sides"
    )
    moved: float = Field(
        default=0.5,
        gt=0,
        le=100,
        description="a move or change of size that is worth an update, share of the box's longer side",
    )
    move_interval: float = Field(
        default=1.0, ge=0, le=3600, description="time between two updates of one thing's place, seconds"
    )
    max_per_minute: int = Field(
        default=1200,
        ge=1,
        le=100000,
        description="events new and update of one recognizer in a minute; further ones wait and are counted",
    )
    max_remembered: int = Field(
        default=1000,
        ge=1,
        le=100000,
        description="things remembered for their cooldown; beyond it the oldest are forgotten and counted",
    )
