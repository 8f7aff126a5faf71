"""Getting to know a person: whether a picture of a face may be kept, and in words why not where it may not.

What is wrong in the gallery is wrong for good, so that pictures are refused rather than names confused: each
must show one face alone, near, sharp and from the front, which is like the others of its person and like
nobody else. Messages over MQTT, the run socket and the command line all end here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.geometry import size_of
from edge.pictures.decode import PictureError, decoded
from edge.recognize.faces.names import checked_name
from edge.recognize.faces.quality import Gates
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.recognize.faces.settings import FacesSettings
from edge.records import Box, Image, Points

Why = Literal[
    "bad-picture", "no-face", "two-faces", "too-small", "too-blurred", "turned-away",
    "too-unlike", "someone-else", "near-duplicate",
]  # fmt: skip
"""Why a picture was not kept. ``near-duplicate`` is no fault of it: another one says the same already."""

SENT_PIXELS = 2560 * 2560
"""Pixels of a picture in a message at most: it is decoded between two frames, in a tenth of a second."""

BESIDE = 0.25
"""A second face is a second person from this share of the first one's height on; smaller ones stand far
behind, or hang on the wall."""

LIKE = 0.1
"""A further picture of a person is refused below this probability that it is the same one. It is low, since
whoever enrols says that it is: light and pose make people unlike themselves."""

SOMEBODY = 1000
"""One in so many strangers is so like somebody who is known that a picture of a new person is refused."""

EYES, YAW, PITCH = 20.0, 40.0, 40.0
"""Pixels between the eyes at least, degrees at most: a picture that stays must be better than a look that
passes. Where the settings ask for more, they hold."""

PICTURE_QUALITY = 90
"""Of the JPEG of a crop, where pictures are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A face that is good enough to be kept. ``embedding`` (D,); ``quality`` 0..1; ``box``: where it was in
    its picture, pixels, None for a track; ``picture``: JPEG of its crop, where the settings ask for it;
    ``resultant``: how much the looks agree that it is the mean of."""

    embedding: NDArray[np.float32]
    quality: float
    box: Box | None = None
    picture: bytes | None = None
    resultant: float = 1.0


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a picture is not kept, ``words`` for a person. ``who``: the other person that it is, if so."""

    why: Why
    words: str
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The person has it. ``count``: embeddings of that person now; ``replaced``: a less telling one went."""

    name: str
    count: int
    replaced: bool


def seen(recognizer: FaceRecognizer, picture: bytes | Image, max_pixels: int = SENT_PIXELS) -> Look | Refused:
    """The one face of a picture, given as the bytes of a file or as (H, W, 3) BGR."""
    if isinstance(picture, bytes):
        try:
            picture = decoded(picture, max_pixels)
        except PictureError as error:
            return Refused("bad-picture", str(error))
    found = recognizer.detector.find(picture)
    if not len(found.boxes):
        return Refused("no-face", "no face is found in it")
    heights = found.boxes[:, 3]
    largest = int(heights.argmax())
    people = int((heights >= BESIDE * heights[largest]).sum())
    if people > 1:
        return Refused("two-faces", f"{people} faces; a picture of that person alone is needed")
    return look_at(recognizer, picture, Box(*found.boxes[largest].tolist()), found.landmarks[largest])


def of_track(recognizer: FaceRecognizer, track: int) -> Look | Refused:
    """What was seen of a track so far."""
    found = recognizer.seen(track)
    if found is None:
        return Refused("no-face", "that track has not shown its face well enough yet")
    picture = found.picture if recognizer.settings.keep_pictures else None
    return Look(found.embedding, found.quality, picture=picture, resultant=found.resultant)


def enrol(recognizer: FaceRecognizer, name: str, look: Look) -> Kept | Refused:
    """Keeps a look of the person called ``name``, who may be new.

    Raises ``InputError`` for a name that nobody can have and where there is no more room,
    ``UnavailableError`` where the disk does not take it.
    """
    gallery = recognizer.gallery
    gallery.refresh()
    known = gallery.person(checked_name(name))
    name = known.name if known else checked_name(name)
    refused = _doubted(recognizer, name, look)
    if refused is not None:
        return refused
    done = gallery.add(name, look.embedding, look.quality, look.picture)
    if done == "duplicate":
        return Refused("near-duplicate", f"almost the same as one of {name} that is kept already: left out")
    return Kept(name, len(gallery.embeddings(name)), done == "replaced")


def in_order(recognizer: FaceRecognizer, looks: Sequence[Look]) -> list[int]:
    """The order in which several looks of one person are best added: from the one that is most like all
    others outwards. A picture of somebody else among them then comes late, and is refused, not the rest."""
    if not looks:
        return []
    vectors = np.stack([look.embedding for look in looks])
    alike = np.asarray(recognizer.embedder.similarity(vectors, vectors))
    first = int(np.median(alike, axis=1).argmax())
    order, left = [first], set(range(len(looks))) - {first}
    while left:
        nearest = max(left, key=lambda index: (alike[index, order].max(), -index))
        order.append(nearest)
        left.remove(nearest)
    return order


def look_at(recognizer: FaceRecognizer, image: Image, box: Box, landmarks: Points) -> Look | Refused:
    """A face of a picture whose place is known: ``box`` and ``landmarks`` (5, 2), pixels of ``image``."""
    try:
        quality = recognizer.gates.measure(image, landmarks)
        reason = Gates(_stricter(recognizer.settings)).refusal(quality)
        if reason is not None:
            return Refused(reason.code, reason.words)
        embedding = recognizer.embedder.embed(image, landmarks)
    except ValueError as error:
        return Refused("no-face", f"what looks like a face is none: {error}")
    chip = recognizer.embedder.chip(image, landmarks) if recognizer.settings.keep_pictures else None
    return Look(embedding, quality.total, box, None if chip is None else _jpeg(chip))


def _stricter(settings: FacesSettings) -> FacesSettings:
    """What is asked of a picture that stays: more than of a look that passes."""
    return settings.model_copy(
        update={
            "min_eyes": max(settings.min_eyes, EYES),
            "max_yaw": min(settings.max_yaw, YAW),
            "max_pitch": min(settings.max_pitch, PITCH),
        }
    )


def _doubted(recognizer: FaceRecognizer, name: str, look: Look) -> Refused | None:
    """Whether this looks like somebody else, or not like the person that it shall be."""
    own = recognizer.gallery.embeddings(name)
    alike = recognizer.embedder.similarity(look.embedding[None], own).max() if len(own) else None
    ranked = recognizer.gallery.best(look.embedding, look.resultant, recognizer.calibration.common)
    others = [(who, value) for who, value in ranked if who != name]
    if others:
        who, value = others[0]
        if value >= recognizer.calibration.threshold(SOMEBODY) and (alike is None or value > alike):
            return Refused("someone-else", f"this is {who} already (similarity {value:.2f})", who)
    if alike is not None and recognizer.calibration.score(float(alike)) < LIKE:
        chance = recognizer.calibration.score(float(alike))
        words = f"too unlike the other pictures of {name}: the same person with a probability of {chance:.2f}"
        return Refused("too-unlike", f"{words}, {LIKE:g} is needed")
    return None


def _jpeg(chip: Image) -> bytes:
    done, content = cv2.imencode(".jpg", chip, [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY])
    if not done:
        width, height = size_of(chip)
        raise InputError(f"a crop of {width} x {height} cannot be kept as a picture")
    return content.tobytes()
