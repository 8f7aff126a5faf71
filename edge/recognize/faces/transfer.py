"""The people of a gallery as one JSON text, to take them to another device or to keep them: embeddings
only."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError
from edge.recognize.faces.gallery import Gallery
from edge.recognize.faces.names import checked_name
from edge.recognize.faces.similarity import is_embedding

FORMAT, VERSION = "edge-people", 1

MAX_BYTES = 64 * 1024 * 1024
"""Of a text that is read: ten thousand people with ten embeddings of 128 values are some 75 MB, a full
gallery of the default bounds 8 MB."""

_HINT = "a file that `edge people --export FILE` wrote is needed"


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of it: ``people`` who are known now and were not before, embeddings ``added``, those ``left``
    that were known already, denied ones added (``denied``), and people who had no room (``refused``)."""

    people: int
    added: int
    left: int
    denied: int
    refused: int


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    vector: NDArray[np.float32]
    quality: float


def exported(gallery: Gallery) -> bytes:
    """Everybody who can be recognised, with the embedder that made the embeddings, in UTF-8."""
    maker = gallery.maker
    people = [
        {
            "name": name,
            "embeddings": [_written(vector, quality) for vector, quality in kept],
            "denied": [_written(vector, quality) for vector, quality in denied],
        }
        for name, kept, denied in gallery.contents()
    ]
    embedder = {"name": maker.name, "sha256": maker.sha256, "size": maker.size, "distance": maker.distance}
    content = {"format": FORMAT, "version": VERSION, "embedder": embedder, "people": people}
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def imported(gallery: Gallery, data: bytes) -> Imported:
    """Adds the people of an exported text to those that are there.

    All of it is checked before anything is added. Raises ``InputError`` where it is no such text, or of
    another embedder, ``UnavailableError`` where the disk does not take it.
    """
    people = list(_people(_parsed(data), gallery))
    before = len(gallery.people())
    counts = {"added": 0, "replaced": 0, "duplicate": 0}
    denied = refused = 0
    with gallery.together():
        for name, looks, others in people:
            if gallery.is_full and not gallery.knows(name):
                refused += 1
                continue
            for look in looks:
                counts[gallery.add(name, look.vector, look.quality)] += 1
            for look in others:
                gallery.deny(name, look.vector)
                denied += 1
    added = counts["added"] + counts["replaced"]
    return Imported(len(gallery.people()) - before, added, counts["duplicate"], denied, refused)


def _written(vector: NDArray[np.float32], quality: float) -> dict[str, Any]:
    blob = np.ascontiguousarray(vector, "<f4").tobytes()
    return {"vector": base64.b64encode(blob).decode("ascii"), "quality": round(quality, 4)}


def _parsed(data: bytes) -> Mapping[str, Any]:
    if len(data) > MAX_BYTES:
        raise InputError(f"more than {MAX_BYTES // 2**20} MiB", _HINT)
    try:
        content = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InputError("is no JSON text", _HINT) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"is no text of the format {FORMAT}", _HINT)
    if content.get("version") != VERSION:
        found = json.dumps(content.get("version"))[:20]
        raise InputError(f"is of version {found}, and {VERSION} is known", "a newer edge may have written it")
    return content


def _people(content: Mapping[str, Any], gallery: Gallery) -> Iterator[tuple[str, list[_Look], list[_Look]]]:
    maker, told = gallery.maker, content.get("embedder")
    if not isinstance(told, dict) or not isinstance(told.get("sha256"), str):
        raise InputError("embedder: the sha256 of the face embedder is missing", _HINT)
    if told["sha256"] != maker.sha256:
        name = told["name"] if isinstance(told.get("name"), str) else "another"
        raise InputError(
            f"its embeddings are of the face embedder {name[:64]!r} (sha256 {told['sha256'][:12]!r}), "
            f"{maker.name} ({maker.sha256[:12]}) runs here",
            "embeddings of two embedders cannot be compared: enrol again, or use that embedder",
        )
    people = content.get("people")
    if not isinstance(people, list):
        raise InputError("people: a list is needed", _HINT)
    for number, person in enumerate(people):
        place = f"people[{number}]"
        if not isinstance(person, dict) or not isinstance(person.get("name"), str):
            raise InputError(f"{place}.name: a text is needed", _HINT)
        try:
            name = checked_name(person["name"])
        except InputError as error:
            raise InputError(f"{place}.name: {error.message}", error.hint) from None
        looks = list(_looks(person.get("embeddings"), f"{place}.embeddings", maker.size))
        if not looks:
            raise InputError(f"{place}.embeddings: at least one is needed", _HINT)
        yield name, looks, list(_looks(person.get("denied", []), f"{place}.denied", maker.size))


def _looks(looks: Any, place: str, size: int) -> Iterator[_Look]:
    if not isinstance(looks, list):
        raise InputError(f"{place}: a list is needed", _HINT)
    for number, look in enumerate(looks):
        here = f"{place}[{number}]"
        if not isinstance(look, dict) or not isinstance(look.get("vector"), str):
            raise InputError(f"{here}.vector: base64 is needed", _HINT)
        quality = look.get("quality")
        if isinstance(quality, bool) or not isinstance(quality, (int, float)) or not 0 <= quality <= 1:
            raise InputError(f"{here}.quality: a number from 0 to 1 is needed", _HINT)
        yield _Look(_vector(look["vector"], here, size), float(quality))


def _vector(text: str, place: str, size: int) -> NDArray[np.float32]:
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    vector = (
        np.frombuffer(blob, "<f4").astype(np.float32) if len(blob) == 4 * size else np.zeros(0, np.float32)
    )
    if not len(vector) or not is_embedding(vector):
        raise InputError(f"{place}.vector: {size} finite float32 in base64, not all 0, are needed", _HINT)
    return vector
