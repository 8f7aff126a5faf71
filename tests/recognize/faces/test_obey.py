"""The commands of faces, with all parts of a service but its threads, and the real models."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import portraits
import pytest
from fakes import BEGUN, FakeClock

from edge.parts import Parts
from edge.recognize.faces.gallery import FILE, Gallery
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.records import Event, Frame, Image, Reply, Request, State
from edge.refusals import CODES
from edge.settings.load import parse

FPS = 10.0


class Room:
    """A service that looks at whatever a test shows it, ten times a second."""

    def __init__(self, folder: Path, **faces: Any) -> None:
        told = {
            "device": {"name": "kitchen"},
            "camera": {"source": "demo"},
            "recognizers": ["faces"],
            "faces": faces,
            "state": {"folder": str(folder)},
            "sinks": ["mqtt"],
        }
        self.parts = Parts(parse(json.dumps(told), "edge.yaml"), FakeClock())
        self.events: list[Event] = []
        self.states: list[State] = []
        self.parts.pipeline._sinks = (self,)  # nothing is told to a broker
        self.now = 0.0
        self.frames = 0

    def put(self, events: Sequence[Event]) -> None:
        self.events += events

    def post(self, states: Sequence[State]) -> None:
        self.states += states

    def show(self, picture: Image, seconds: float) -> None:
        """The camera sees this for so long."""
        for _ in range(round(seconds * FPS)):
            self.now += 1 / FPS
            self.frames += 1
            self.parts.pipeline.tick(Frame(picture, self.frames, round(self.now * 1e9), BEGUN))
            self.parts.control.turn(self.now)

    def ask(self, command: str, **fields: Any) -> Reply:
        replies: list[Reply] = []
        assert self.parts.control.queue.put(Request(command, fields, None, replies.append)) is None
        self.parts.control.turn(self.now)
        (reply,) = replies
        assert reply.error is None or reply.error in CODES
        return reply

    @property
    def present(self) -> list[str]:
        """Who is told to be there."""
        return [person["name"] for person in self.states[-1].fields["present"]]

    @property
    def unknown(self) -> int:
        return int(self.states[-1].fields["unknown"])

    @property
    def track(self) -> int:
        """The number of the newest event."""
        return self.events[-1].track


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.parts.recognition.close()


def sent(picture: Image | bytes) -> str:
    data = picture if isinstance(picture, bytes) else portraits.jpeg(picture)
    return base64.b64encode(data).decode()


def scene(face: Image | None) -> Image:
    """A wall, and somebody before it."""
    wall = np.full((360, 480, 3), (120, 130, 125), np.uint8)
    if face is not None:
        wall[40 : 40 + face.shape[0], 60 : 60 + face.shape[1]] = face
    return wall


def test_a_picture_that_was_sent_makes_somebody_known(room: Room) -> None:
    reply = room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait()))
    assert reply.ok, reply
    assert reply.data == {"name": "Eileen", "kept": True, "replaced": False, "count": 1}
    room.show(scene(portraits.turned(8, 0.8)), 3)
    assert room.present == ["Eileen"]
    assert {event.fields["name"] for event in room.events} == {"Eileen"}


def test_who_is_in_view_can_be_enrolled_by_the_number_of_its_track(room: Room) -> None:
    room.show(scene(portraits.portrait()), 3)
    assert (room.present, room.unknown) == ([], 1)
    assert room.events[-1].fields["name"] == "unknown"
    track = room.track
    reply = room.ask("enroll", name="Eileen", track=track)
    assert reply.ok, reply
    room.show(scene(portraits.portrait()), 2)
    assert (room.present, room.unknown) == (["Eileen"], 0)
    assert (room.track, room.events[-1].fields["name"]) == (track, "Eileen")


def test_who_is_not_that_person_loses_the_name_and_does_not_get_it_again(room: Room) -> None:
    assert room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait())).ok
    room.show(scene(portraits.portrait()), 3)
    assert room.present == ["Eileen"]
    reply = room.ask("deny", name="eileen", track=room.track)
    assert reply.ok, reply
    assert reply.data == {"name": "Eileen", "track": room.track, "negatives": 1}
    room.show(scene(portraits.portrait()), 2)
    assert room.present == []
    room.show(scene(None), 15)
    room.show(scene(portraits.portrait()), 5)
    assert room.present == [], "nor later"
    assert room.ask("enroll", name="Eileen", track=room.track).ok
    room.show(scene(portraits.portrait()), 3)
    assert room.present == ["Eileen"], "but who enrols it takes that back"


def test_who_is_forgotten_is_unknown_at_once(room: Room, tmp_path: Path) -> None:
    assert room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait())).ok
    room.show(scene(portraits.portrait()), 3)
    assert room.present == ["Eileen"]
    assert room.parts.labels() == {"faces": ("Eileen",)}
    assert b"Eileen" in (tmp_path / "gallery.db").read_bytes()
    assert room.ask("forget", name="EILEEN").ok
    room.show(scene(portraits.portrait()), 3)
    assert room.present == []
    assert room.parts.labels() == {"faces": ()}
    assert b"Eileen" not in (tmp_path / "gallery.db").read_bytes()
    assert room.ask("forget", name="Eileen").error == "unknown-name"


def test_people_tells_who_came_in_by_another_process(room: Room, tmp_path: Path) -> None:
    faces = room.parts.recognition.recognizers["faces"]
    assert isinstance(faces, FaceRecognizer)
    beside = Gallery.open(tmp_path / FILE, faces.gallery.maker, faces.gallery.limits)
    beside.add("Anna", np.ones(faces.gallery.maker.size, np.float32), 1.0)
    beside.close()
    assert [person["name"] for person in room.ask("people").data["people"]] == ["Anna"]


def test_people_tells_who_is_known(room: Room) -> None:
    assert room.ask("people").data["people"] == []
    for name, picture in (("Eileen", portraits.portrait()), ("Caroline", portraits.stranger())):
        assert room.ask("enroll", name=name, jpeg=sent(picture)).ok
    reply = room.ask("people")
    assert [person["name"] for person in reply.data["people"]] == ["Caroline", "Eileen"]
    for person in reply.data["people"]:
        assert (person["count"], person["negatives"], person["usable"]) == (1, 0, True)
        assert person["enrolled"].endswith("Z")
    assert json.dumps(reply.data), "it goes over the wire"


WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "nothing": ("enroll", {"name": "Ann"}, "bad-field"),
    "both": ("enroll", {"name": "Ann", "jpeg": "AAAA", "track": 1}, "bad-field"),
    "no name": ("enroll", {"jpeg": "AAAA"}, "bad-field"),
    "no base64": ("enroll", {"name": "Ann", "jpeg": "~~~~"}, "bad-field"),
    "no picture": ("enroll", {"name": "Ann", "jpeg": sent(b"hello")}, "bad-picture"),
    "a video": ("enroll", {"name": "Ann", "jpeg": sent(b"\0\0\0\x20ftypisom")}, "bad-picture"),
    "no track": ("enroll", {"name": "Ann", "track": 99}, "unknown-track"),
    "a path": ("enroll", {"name": "../../etc/passwd", "jpeg": "AAAA"}, "bad-field"),
    "a newline": ("enroll", {"name": "a\nb", "jpeg": "AAAA"}, "bad-field"),
    "a megabyte": ("enroll", {"name": "x" * 1_000_000, "jpeg": "AAAA"}, "bad-field"),
    "strangers": ("enroll", {"name": "Unknown", "jpeg": "AAAA"}, "bad-field"),
    "nobody to forget": ("forget", {"name": "Ann"}, "unknown-name"),
    "nobody to deny": ("deny", {"name": "Ann", "track": 99}, "unknown-track"),
    "a track below none": ("deny", {"name": "Ann", "track": -1}, "bad-field"),
    "more than it takes": ("people", {"name": "Ann"}, "bad-field"),
}


@pytest.mark.parametrize("case", WRONG)
def test_whatever_is_wrong_is_answered_and_changes_nothing(room: Room, case: str) -> None:
    command, fields, code = WRONG[case]
    reply = room.ask(command, **fields)
    assert (reply.ok, reply.error) == (False, code)
    assert len(reply.message) < 400
    assert room.ask("people").data["people"] == []


def test_a_refused_picture_says_why_in_code_and_words(room: Room) -> None:
    for picture, reason in (
        (portraits.nobody(), "no-face"),
        (portraits.two(), "two-faces"),
        (portraits.smaller(0.36), "too-small"),
        (portraits.blurred(6), "too-blurred"),
    ):
        reply = room.ask("enroll", name="Ann", jpeg=sent(picture))
        assert (reply.error, reply.data["reason"]) == ("no-face", reason)
    assert room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait())).ok
    reply = room.ask("enroll", name="Ann", jpeg=sent(portraits.portrait()))
    assert (reply.error, reply.data["who"]) == ("someone-else", "Eileen")
    reply = room.ask("enroll", name="Eileen", jpeg=sent(portraits.stranger()))
    assert (reply.error, reply.data["reason"]) == ("too-unlike", "too-unlike")
    reply = room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait()))
    assert (reply.ok, reply.data["kept"], reply.data["reason"]) == (True, False, "near-duplicate")


def test_a_full_gallery_says_so(tmp_path: Path) -> None:
    room = Room(tmp_path, max_people=1)
    assert room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait())).ok
    reply = room.ask("enroll", name="Caroline", jpeg=sent(portraits.stranger()))
    assert (reply.ok, reply.error) == (False, "bad-field")
    assert "1 people are enrolled" in reply.message


def test_who_was_nobody_in_view_cannot_be_denied(room: Room) -> None:
    assert room.ask("enroll", name="Eileen", jpeg=sent(portraits.portrait())).ok
    room.show(scene(portraits.portrait()), 3)
    assert room.ask("deny", name="Caroline", track=room.track).error == "unknown-name"
