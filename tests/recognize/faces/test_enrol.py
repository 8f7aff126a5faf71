"""Enrolment with the real models: which pictures are kept, and in which words the others are refused."""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import portraits
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import InputError
from edge.people.door import recognizer
from edge.recognize.faces.enrol import LIKE, Kept, Look, Refused, enrol, in_order, look_at, of_track, seen
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.records import Box, Image
from edge.settings.compose import settings_class


@pytest.fixture(scope="module")
def eyes() -> FaceRecognizer:
    """A recognizer that knows nobody, and is not told of anybody."""
    return recognizer(settings_class()(), None)


@pytest.fixture
def faces(tmp_path: Path) -> FaceRecognizer:
    """A recognizer with a gallery of its own."""
    return recognizer(settings_class()(), tmp_path)


def look(faces: FaceRecognizer, picture: Image | bytes) -> Look:
    found = seen(faces, picture)
    assert isinstance(found, Look), found
    return found


def alike(faces: FaceRecognizer, one: Look, other: Look) -> float:
    return float(faces.embedder.similarity(one.embedding[None], other.embedding[None])[0, 0])


# -- what a picture shows -------------------------------------------------------------------


def bomb() -> bytes:
    """A PNG of a few bytes that claims to be 60 000 pixels wide and high, and is a valid one."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(10_000_000), 9)), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        content += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return content


REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "nobody": (lambda: portraits.jpeg(portraits.nobody()), "no-face", "no face is found"),
    "two": (lambda: portraits.jpeg(portraits.two()), "two-faces", "2 faces"),
    "far away": (
        lambda: portraits.jpeg(portraits.smaller(0.36)),
        "too-small",
        "pixels between the eyes, 20 are",
    ),
    "out of focus": (lambda: portraits.jpeg(portraits.blurred(6)), "too-blurred", "sharpness"),
    "empty": (lambda: b"", "bad-picture", "empty"),
    "text": (lambda: b"hello\n" * 200, "bad-picture", "no picture in a known format"),
    "cut off": (lambda: portraits.jpeg(portraits.portrait())[:-400], "bad-picture", "truncated"),
    "spoilt": (lambda: spoilt(portraits.png(portraits.portrait())), "bad-picture", "damaged"),
    "bomb": (bomb, "bad-picture", "60000 x 60000 is more than"),
    "a video": (lambda: b"\0\0\0\x20ftypisom" + bytes(4000), "bad-picture", "it is a video (MP4)"),
    "a GIF": (lambda: b"GIF89a" + bytes(200), "bad-picture", "it is a GIF"),
}


def spoilt(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes(40) + data[middle + 40 :]


@pytest.mark.parametrize("name", REFUSED)
def test_a_picture_that_does_not_do_says_why(eyes: FaceRecognizer, name: str) -> None:
    make, why, words = REFUSED[name]
    data = make()
    begun = time.monotonic()
    found = seen(eyes, data)
    assert isinstance(found, Refused), name
    assert (found.why, words in found.words) == (why, True), found
    assert "\n" not in found.words
    assert time.monotonic() - begun < 20


def test_a_face_that_is_turned_away_is_refused(eyes: FaceRecognizer) -> None:
    """Landmarks as a head has them that looks sideways: nose and mouth stand under one eye."""
    sideways = np.array([(150, 100), (180, 100), (185, 122), (160, 145), (178, 145)], np.float32)
    found = look_at(eyes, portraits.portrait(), Box(120, 60, 90, 110), sideways)
    assert isinstance(found, Refused)
    assert (found.why, "degrees sideways, at most 40" in found.words) == ("turned-away", True), found


KINDS: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: portraits.jpeg(portraits.portrait()),
    "PNG": lambda: portraits.png(portraits.portrait()),
    "16 bits": lambda: portraits.png(portraits.portrait().astype(np.uint16) * 257),
    "CMYK": lambda: portraits.cmyk(portraits.portrait()),
    "on its side": lambda: portraits.on_its_side(portraits.portrait()),
    "transparent": lambda: portraits.png(
        np.dstack([portraits.portrait(), np.full((300, 340), 255, np.uint8)])
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_picture_shows_the_same_face(eyes: FaceRecognizer, kind: str) -> None:
    plain, found = look(eyes, portraits.portrait()), look(eyes, KINDS[kind]())
    assert alike(eyes, plain, found) >= eyes.calibration.threshold(10000)


@pytest.mark.parametrize("bits", [np.uint8, np.uint16])
def test_a_grey_picture_shows_a_face_too(eyes: FaceRecognizer, bits: type[np.unsignedinteger]) -> None:
    grey = cv2.cvtColor(portraits.portrait(), cv2.COLOR_BGR2GRAY).astype(bits)
    data = cv2.imencode(".png", grey * (257 if bits is np.uint16 else 1))[1].tobytes()
    plain, found = look(eyes, portraits.portrait()), look(eyes, data)
    assert alike(eyes, plain, found) >= eyes.calibration.threshold(1000)


def test_somebody_far_behind_is_not_a_second_person(eyes: FaceRecognizer) -> None:
    image = cv2.resize(portraits.portrait(), None, fx=3, fy=3)
    image[20:110, 20:122] = cv2.resize(portraits.portrait(), (102, 90), interpolation=cv2.INTER_AREA)
    found = look(eyes, np.asarray(image, np.uint8))
    assert found.box is not None
    assert found.box.h > 200


def mangled(data: bytes, places: list[tuple[int, int]]) -> bytes:
    """Some bytes of it are others."""
    content = bytearray(data)
    for place, value in places:
        content[place % len(content)] = value
    return bytes(content)


JPEG = portraits.jpeg(portraits.portrait(), 60)
BYTES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200) | BYTES.map(lambda places: mangled(JPEG, places)))
def test_whatever_bytes_come_they_are_a_face_or_refused(eyes: FaceRecognizer, data: bytes) -> None:
    assert isinstance(seen(eyes, data), (Look, Refused))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (7, 5), (3000, 20)])
def test_a_picture_of_any_size_is_looked_at(eyes: FaceRecognizer, size: tuple[int, int]) -> None:
    found = seen(eyes, portraits.png(np.full((size[1], size[0], 3), 99, np.uint8)))
    assert isinstance(found, Refused)
    assert found.why == "no-face"


# -- what is kept of whom -------------------------------------------------------------------


def test_a_person_is_known_by_what_was_kept(faces: FaceRecognizer) -> None:
    first = enrol(faces, "Eileen", look(faces, portraits.portrait()))
    assert first == Kept("Eileen", 1, replaced=False)
    found = look(faces, portraits.turned(12, 0.7))
    (best, *_) = faces.gallery.best(found.embedding)
    assert best[0] == "Eileen"
    assert best[1] >= faces.calibration.threshold(1000)


def test_the_same_picture_again_is_left_out(faces: FaceRecognizer) -> None:
    once = look(faces, portraits.jpeg(portraits.portrait()))
    assert isinstance(enrol(faces, "Eileen", once), Kept)
    again = enrol(faces, "Eileen", once)
    assert isinstance(again, Refused)
    assert again.why == "near-duplicate"
    assert [person.count for person in faces.people()] == [1]


def test_one_person_is_not_two(faces: FaceRecognizer) -> None:
    assert isinstance(enrol(faces, "Eileen", look(faces, portraits.portrait())), Kept)
    refused = enrol(faces, "Somebody Else", look(faces, portraits.turned(-8, 0.9)))
    assert isinstance(refused, Refused)
    assert (refused.why, refused.who) == ("someone-else", "Eileen")
    assert "Eileen" in refused.words
    assert [person.name for person in faces.people()] == ["Eileen"]


def test_two_people_are_not_one(faces: FaceRecognizer) -> None:
    other = look(faces, portraits.stranger())
    assert faces.calibration.score(alike(faces, look(faces, portraits.portrait()), other)) < LIKE
    assert isinstance(enrol(faces, "Eileen", look(faces, portraits.portrait())), Kept)
    refused = enrol(faces, "Eileen", other)
    assert isinstance(refused, Refused)
    assert refused.why == "too-unlike"
    assert isinstance(enrol(faces, "Caroline", other), Kept), "under a name of its own it is welcome"
    swapped = enrol(faces, "Caroline", look(faces, portraits.turned(5)))
    assert isinstance(swapped, Refused)
    assert (swapped.why, swapped.who) == ("someone-else", "Eileen")


def test_one_wrong_picture_of_many_comes_last(faces: FaceRecognizer) -> None:
    pictures = [portraits.stranger(), portraits.portrait(), portraits.turned(10), portraits.turned(-10, 0.8)]
    looks = [look(faces, picture) for picture in pictures]
    order = in_order(faces, looks)
    assert sorted(order) == [0, 1, 2, 3]
    assert order[-1] == 0
    assert in_order(faces, []) == []
    kept = [enrol(faces, "Eileen", looks[index]) for index in order]
    assert isinstance(kept[0], Kept)
    assert isinstance(kept[-1], Refused)


def test_a_name_is_one_person_however_it_is_typed(faces: FaceRecognizer) -> None:
    assert isinstance(enrol(faces, "Eileen", look(faces, portraits.portrait())), Kept)
    again = enrol(faces, "  EILEEN ", look(faces, portraits.turned(15, 0.6)))
    assert isinstance(again, Kept) or again.why == "near-duplicate"
    assert [person.name for person in faces.people()] == ["Eileen"]


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "../../etc/passwd", "a/b", "..", "C:\\Windows", "a\nb", "\x1b[31mred", "a\0b",
        "x" * 1_000_000, "unknown", "Unknown", "UNKNOWN", "\u202eevil", "\ud800",
    ],
)  # fmt: skip
def test_names_that_nobody_can_have_are_refused(faces: FaceRecognizer, name: str) -> None:
    with pytest.raises(InputError) as caught:
        enrol(faces, name, look(faces, portraits.portrait()))
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()
    assert faces.people() == ()


def test_pictures_are_kept_only_where_the_settings_say_so(tmp_path: Path) -> None:
    for wanted in (False, True):
        chosen = settings_class().model_validate({"faces": {"keep_pictures": wanted}})
        faces = recognizer(chosen, tmp_path / str(wanted))
        assert isinstance(enrol(faces, "Eileen", look(faces, portraits.portrait())), Kept)
        assert len(faces.gallery.pictures("Eileen")) == wanted
        faces.close()
    (jpeg,) = recognizer(chosen, tmp_path / "True").gallery.pictures("Eileen")
    crop = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert crop is not None
    assert crop.shape[0] <= 160


def test_a_track_that_was_not_seen_well_says_so(faces: FaceRecognizer) -> None:
    found = of_track(faces, 7)
    assert isinstance(found, Refused)
    assert found.why == "no-face"
