"""Looks at pictures and videos of people before they are kept: what they show, and what of it is best."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.control.socket import LINE
from edge.errors import InputError
from edge.geometry import size_of
from edge.people.sources import frames, is_video, picture
from edge.recognize.faces.enrol import Look, Refused, in_order, seen
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.records import Box, Image

BEST = 8
"""Looks that are taken of a video: the best of those that differ."""

AROUND = 0.8
"""How much of a picture is sent around a face, in heights of it on each side."""

SIDE, QUALITY = 640, 95
"""Pixels of the longer side, and quality of the JPEG: an embedder takes a hundred or so across the face."""

ROOM = (LINE - 1024) * 3 // 4
"""Bytes of a picture that fit into a line of the run socket, in base64, with a name beside."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A face that was seen. ``jpeg``: the part of the picture that shows it."""

    file: Path
    jpeg: bytes
    look: Look

    @classmethod
    def of(cls, file: Path, image: Image, look: Look) -> Sight:
        """What is kept of a picture until all are seen: it may be that of a phone, and there may be many."""
        assert look.box is not None, "it was seen in a picture"
        return cls(file, encoded(cut(image, look.box)), look)


@dataclass(frozen=True, slots=True)
class Unseen:
    """A file from which nothing is taken. ``why``: the code; ``words``: for a person."""

    file: Path
    why: str
    words: str


def scout(recognizer: FaceRecognizer, file: Path, max_pixels: int) -> list[Sight] | Unseen:
    """What a picture shows, or the best of what a video does."""
    try:
        return _of_video(recognizer, file) if is_video(file) else _of_picture(recognizer, file, max_pixels)
    except InputError as error:
        return Unseen(file, "bad-picture", str(error).removeprefix(f"{file}: "))


def ordered(recognizer: FaceRecognizer, sights: list[Sight]) -> list[Sight]:
    """In the order in which they are best kept."""
    return [sights[index] for index in in_order(recognizer, [sight.look for sight in sights])]


def cut(image: Image, box: Box) -> Image:
    """The part of ``image`` (H, W, 3) around a face, with ``AROUND`` on each side."""
    spare = AROUND * box.h
    width, height = size_of(image)
    left, top = max(int(box.x - spare), 0), max(int(box.y - spare), 0)
    right, bottom = min(int(box.x + box.w + spare) + 1, width), min(int(box.y + box.h + spare) + 1, height)
    return image[top:bottom, left:right]


def encoded(image: Image) -> bytes:
    """A JPEG that fits into a line of the run socket, its longer side at most ``SIDE``."""
    scale = min(SIDE / max(size_of(image)), 1.0)
    while True:
        size = tuple(max(round(side * scale), 1) for side in size_of(image))
        smaller = cv2.resize(image, (size[0], size[1]), interpolation=cv2.INTER_AREA)
        done, jpeg = cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if done and len(jpeg) <= ROOM:
            return jpeg.tobytes()
        scale *= 0.75


def _of_picture(recognizer: FaceRecognizer, file: Path, max_pixels: int) -> list[Sight] | Unseen:
    image = picture(file, max_pixels)
    found = seen(recognizer, image)
    if isinstance(found, Refused):
        return Unseen(file, found.why, found.words)
    return [Sight.of(file, image, found)]


def _of_video(recognizer: FaceRecognizer, file: Path) -> list[Sight] | Unseen:
    sights: list[Sight] = []
    reasons: Counter[str] = Counter()
    for image in frames(file):
        found = seen(recognizer, image)
        if isinstance(found, Refused):
            reasons[found.why] += 1
            continue
        sights.append(Sight.of(file, image, found))
    if not sights:
        told = ", ".join(f"{count} {why}" for why, count in reasons.most_common()) or "it has none"
        why = reasons.most_common(1)[0][0] if reasons else "bad-picture"
        return Unseen(file, why, f"no frame of it is good enough: {told}")
    return _differing(recognizer, sights)


def _differing(recognizer: FaceRecognizer, sights: list[Sight]) -> list[Sight]:
    """The best one, then again and again the one of the better half that is least like those chosen."""
    left = sorted(sights, key=lambda sight: -sight.look.quality)
    left = left[: max(len(left) // 2, BEST)]
    chosen = [left.pop(0)]
    while left and len(chosen) < BEST:
        here = np.stack([sight.look.embedding for sight in left])
        there = np.stack([sight.look.embedding for sight in chosen])
        alike = recognizer.embedder.similarity(here, there).max(axis=1)
        chosen.append(left.pop(int(alike.argmin())))
    return chosen
