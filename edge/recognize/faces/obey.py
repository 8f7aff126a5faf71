"""The commands that faces take: ``enroll``, ``deny``, ``forget`` and ``people``, each answered with a reply.

They run in the loop's thread, between two frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.clock import rfc3339
from edge.errors import EdgeError, InputError, UnavailableError
from edge.recognize.descriptor import View
from edge.recognize.faces.enrol import Look, Refused, enrol, of_track, seen
from edge.recognize.faces.names import checked_name
from edge.recognize.faces.person import Person
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.records import Reply
from edge.refusals import refusal

Fields = Mapping[str, Any]


def enroll(recognizer: FaceRecognizer, fields: Fields, view: View) -> Reply:
    """``{"name", "jpeg"}`` or ``{"name", "track"}``: this is how that person looks."""
    if ("jpeg" in fields) == ("track" in fields):
        return refusal("bad-field", "allowed: a picture as jpeg, or a track in view as track, one of them")
    if "track" in fields and view.track(fields["track"]) is None:
        return _not_in_view(fields["track"])
    try:
        checked_name(fields["name"])
        track, jpeg = fields.get("track"), fields.get("jpeg")
        look = seen(recognizer, bytes(jpeg or b"")) if track is None else of_track(recognizer, track)
    except EdgeError as error:
        return _failed(error)
    return kept(recognizer, fields["name"], look)


def kept(recognizer: FaceRecognizer, name: str, look: Look | Refused) -> Reply:
    """The reply to a look that shall be kept of a person, once that is done or refused."""
    try:
        done = enrol(recognizer, name, look) if isinstance(look, Look) else look
    except EdgeError as error:
        return _failed(error)
    if isinstance(done, Refused):
        return _refused(name, done)
    words = f"{done.name} is known by {done.count} picture" + ("s" if done.count > 1 else "")
    return Reply(
        ok=True,
        message=words,
        data={"name": done.name, "kept": True, "replaced": done.replaced, "count": done.count},
    )


def deny(recognizer: FaceRecognizer, fields: Fields, view: View) -> Reply:
    """``{"name", "track"}``: whoever this is, it is not that person."""
    name, track = fields["name"], fields["track"]
    if view.track(track) is None:
        return _not_in_view(track)
    try:
        person = _person(recognizer, name)
        if person is None:
            return _unknown(name)
        look = of_track(recognizer, track)
        if isinstance(look, Refused):
            return refusal("no-face", look.words, reason=look.why)
        recognizer.gallery.deny(person.name, look.embedding)
    except EdgeError as error:
        return _failed(error)
    person = _person(recognizer, name) or person
    words = f"track {track} is not {person.name}, nor is whoever looks like it"
    data = {"name": person.name, "track": track, "negatives": person.negatives}
    return Reply(ok=True, message=words, data=data)


def forget(recognizer: FaceRecognizer, fields: Fields, _view: View) -> Reply:
    """``{"name"}``: nothing is kept of that person any more."""
    name = fields["name"]
    try:
        person = _person(recognizer, name)
        if person is None or not recognizer.gallery.forget(person.name):
            return _unknown(name)
    except EdgeError as error:
        return _failed(error)
    return Reply(ok=True, message=f"{person.name} is forgotten", data={"name": person.name})


def people(recognizer: FaceRecognizer, _fields: Fields, _view: View) -> Reply:
    """Who is known, also to other processes."""
    recognizer.gallery.refresh()
    known = recognizer.people()
    words = f"{len(known)} known" if known else "nobody is known"
    told = {"people": [told_of(person) for person in known], "remarks": list(recognizer.remarks())}
    return Reply(ok=True, message=words, data=told)


def told_of(person: Person) -> dict[str, Any]:
    """A person as JSON can carry it. ``spread``: how far its embeddings lie from their mean, None of
    fewer than two; ``usable``: whether the embedder that runs knows it, else it must be enrolled again."""
    return {
        "name": person.name,
        "count": person.count,
        "negatives": person.negatives,
        "spread": None if person.spread is None else round(person.spread, 3),
        "enrolled": rfc3339(person.enrolled),
        "usable": person.usable,
    }


def _person(recognizer: FaceRecognizer, name: str) -> Person | None:
    """Who is called so, however it is typed."""
    return recognizer.gallery.person(name)


def _refused(name: str, refused: Refused) -> Reply:
    data: dict[str, Any] = {"name": name, "kept": False, "reason": refused.why}
    if refused.who:
        data["who"] = refused.who
    if refused.why == "near-duplicate":
        return Reply(ok=True, message=refused.words, data=data)
    codes = {"bad-picture": "bad-picture", "someone-else": "someone-else", "too-unlike": "too-unlike"}
    return refusal(codes.get(refused.why, "no-face"), refused.words, **data)


def _not_in_view(track: int) -> Reply:
    return refusal("unknown-track", f"there is no track {track} in view now")


def _unknown(name: str) -> Reply:
    return refusal("unknown-name", f"nobody is called {name} here")


def _failed(error: EdgeError) -> Reply:
    """What the gallery did not take: a name that nobody can have, no room, or a disk in trouble."""
    if isinstance(error, UnavailableError):
        return refusal("unavailable", str(error))
    if isinstance(error, InputError):
        return refusal("bad-field", str(error))
    raise error
