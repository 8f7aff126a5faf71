"""One clip as the daemon would see it: somebody enrolled from it, or a track followed through it and
named."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import numpy as np

from edge.capture.settings import MAX_PIXELS
from edge.people.scout import Sight, Unseen, ordered, scout
from edge.people.sources import of_files
from edge.recognize.faces.enrol import Refused, enrol, of_track
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.records import UNKNOWN, Box, Frame, Image, Reason, Target
from edge.track.naming import NameVote
from edge.track.settings import TrackingSettings
from tools.evaluate.faces.clips import Person, frames_of, largest

BUDGET = 60.0
"""Seconds that a look may take: one at a time, as long as it needs."""

Answer = Literal["right", "wrong", "unknown", "unsure", "named"]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One clip: whose it is (None: a stranger), which name was told (the first wrong one, if any), what is
    held at its end (None: nothing), seconds until the right name was told, and of how many looks; frames,
    seconds of the processor that they took, and a picture with its box for the sheet."""

    person: Person
    clip: Path
    expected: str | None
    told: str | None
    held: str | None
    named_after: float | None
    looks: int
    frames: int
    seconds: float
    likeness: float
    shown: tuple[Image, Box] | None

    @property
    def answer(self) -> Answer:
        """``named``: a stranger who was given a name."""
        if self.expected is None:
            return "named" if self.told else ("unknown" if self.held == UNKNOWN else "unsure")
        if self.told is not None and self.told != self.expected:
            return "wrong"
        if self.held == self.expected:
            return "right"
        return "unknown" if self.held == UNKNOWN else "unsure"


def enrolled(recognizer: FaceRecognizer, person: Person, number: int) -> tuple[bool, str | None]:
    """Enrols the first clip of ``person`` as ``edge enroll`` does with its pictures; where all of these are
    refused, as the command ``enroll`` does with a track in view, of this ``number``.

    Gives whether anything is kept, and in words why no picture was (None: one was).
    """
    sights: list[Sight] = []
    words = "it has none"
    for file in of_files(person.name, [str(person.clips[0])]).files:
        found = scout(recognizer, file, MAX_PIXELS)
        if isinstance(found, Unseen):
            words = found.words
        else:
            sights += found
    kept = False
    for sight in ordered(recognizer, sights):
        done = enrol(recognizer, person.name, sight.look)
        if isinstance(done, Refused):
            words = done.words
        else:
            kept = True
    if kept:
        return True, None
    followed(recognizer, number, person, person.clips[0], None)
    look = of_track(recognizer, number)
    if isinstance(look, Refused):
        return False, f"{words}; {look.words}"
    done = enrol(recognizer, person.name, look)
    return not isinstance(done, Refused), done.words if isinstance(done, Refused) else words


def followed(
    recognizer: FaceRecognizer, number: int, person: Person, clip: Path, expected: str | None
) -> Track:
    """One clip as one track: its largest face is looked at as often as the daemon would, and voted on as
    there."""
    tracking = TrackingSettings()
    own = tracking.presence
    vote = NameVote(tracking.of_people(), unknown_votes=own.unknown_votes)
    told = named_after = shown = None
    looks = frames = 0
    last, best, seconds = -np.inf, 0.0, 0.0
    for at, image in frames_of(clip):
        # Long after the track before, whose looks are forgotten by then.
        now = 1000.0 * number + at
        frame = Frame(image, frames, round(now * 1e9), datetime.now(timezone.utc))
        frames += 1
        begun = time.process_time()
        detections = recognizer.detect(frame)
        place = largest([item.box for item in detections])
        wait = own.again if vote.unsure else tracking.due
        if place is not None and at - last >= wait - 1e-6:
            face = detections[place]
            reason: Reason = "new" if not looks else ("unsure" if vote.unsure else "due")
            answers = recognizer.describe(frame, [Target(number, face.box, reason, face.landmarks)], BUDGET)
            last, looks = at, looks + 1
            for answer in answers:
                vote.look_closer(answer.label, answer.score, answer.quality, answer.extras, now)
                best = max(best, answer.score if answer.label not in (None, UNKNOWN) else 0.0)
            shown = shown or (image, face.box)
            name = vote.label if vote.score >= tracking.sure and vote.label != UNKNOWN else None
            if name is not None and (told is None or told == expected):
                told = name
            if name == expected and name is not None and named_after is None:
                named_after = at
        seconds += time.process_time() - begun
    return Track(person, clip, expected, told, vote.label, named_after, looks, frames, seconds, best, shown)
