"""``DIR/PERSON/CLIP``: who is there, and the frames of a clip, which is a video file or a folder of
pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.capture.stills import means_pictures
from edge.clock import SystemClock
from edge.errors import InputError, UnavailableError
from edge.people.sources import VIDEOS
from edge.pictures.header import SUFFIXES
from edge.recognize.faces.embedder import Embedder
from edge.recognize.faces.quality import Gates
from edge.recognize.faces.settings import FacesSettings
from edge.recognize.faces.similarity import Vectors
from edge.records import Image
from tools.evaluate.faces.finders import our_finder
from tools.evaluate.faces.matching import Floats

SEVERAL = "_"
"""Folders that begin so show several people, and are left out."""
PICTURES_A_SECOND = 1.0
"""Pictures of a folder are taken to be a second apart: they are no consecutive frames."""
MOST_PERSONS, MOST_CLIPS, MOST_FRAMES = 10_000, 1000, 5000
"""In all; of one person; of one clip: the rest of it is not looked at."""
DETECTED_AT = 320
LEAST_SCORE = 0.5
"""Of a face that is taken for the person of a clip, where no recognizer says which."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody and the clips of them, by their names."""

    name: str
    clips: tuple[Path, ...]


def persons_in(folder: Path) -> list[Person]:
    """Everybody who has a clip, by name. Raises ``InputError`` where there is nobody, or too many."""
    try:
        found = [_person(each) for each in sorted(folder.iterdir()) if _is_person(each)]
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be listed: {error.strerror or error}",
            "--video names a folder of DIR/PERSON/CLIP",
        ) from None
    persons = [person for person in found if person.clips]
    if not persons:
        raise InputError(
            f"{folder}: no clips in it", "it must hold PERSON/CLIP: a video, or a folder of pictures"
        )
    if len(persons) > MOST_PERSONS or max(len(person.clips) for person in persons) > MOST_CLIPS:
        raise InputError(
            f"{folder}: too many persons or clips",
            f"allowed: {MOST_PERSONS} persons, {MOST_CLIPS} clips of each",
        )
    return persons


def _is_person(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith((SEVERAL, "."))


def _person(folder: Path) -> Person:
    return Person(folder.name, tuple(each for each in sorted(folder.iterdir()) if _is_clip(each)))


def _is_clip(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in VIDEOS
    return any(file.suffix.lower() in SUFFIXES for file in path.iterdir()) if path.is_dir() else False


def frames_of(clip: Path) -> Iterator[tuple[float, Image]]:
    """The frames of a clip: seconds from its beginning, and (H, W, 3) BGR. Raises ``InputError``."""
    source = open_source(
        CameraSettings(source=str(clip.absolute()), realtime=False, fps=PICTURES_A_SECOND), SystemClock()
    )
    rate = PICTURES_A_SECOND if means_pictures(str(clip)) else None
    try:
        source.open()
        rate = rate or max(source.rate, 1.0)
        for number in range(MOST_FRAMES):
            frame = source.read()
            if frame is None:
                return
            yield number / rate, frame.image
    except UnavailableError as error:
        raise InputError(error.message, error.hint) from None
    finally:
        source.close()


def largest(boxes: Floats | Sequence[Sequence[float]]) -> int | None:
    """The place of the largest of the boxes (N, 4), None where there is none."""
    found = np.asarray(boxes, np.float32).reshape(-1, 4)
    return int((found[:, 2] * found[:, 3]).argmax()) if len(found) else None


def looks_in(folder: Path, embedder: Embedder, detector: str) -> dict[str, Vectors]:
    """The embeddings (N, D) of each person's looks that are good enough, the largest face of each frame."""
    finder, gates = our_finder(detector, DETECTED_AT), Gates(FacesSettings())
    people: dict[str, Vectors] = {}
    for person in persons_in(folder):
        looks = []
        for clip in person.clips:
            for _, image in frames_of(clip):
                found = finder.find(image)
                sure = found.scores >= LEAST_SCORE
                place = largest(found.boxes[sure])
                if place is None:
                    continue
                landmarks = found.landmarks[sure][place]
                try:
                    good = gates.refusal(gates.measure(image, landmarks)) is None
                except ValueError:
                    continue
                if good:
                    looks.append(embedder.embed(image, landmarks))
        if looks:
            people[f"{folder.name}/{person.name}"] = np.stack(looks)
    return people
