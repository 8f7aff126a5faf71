"""The codes with which a command is refused: a small closed set, for programs to act on.

What happened in the case at hand stands in the reply's ``message``.
"""

from __future__ import annotations

from typing import Any

from edge.records import Reply

CODES = {
    "bad-payload": "the payload is not a JSON object: in UTF-8, no member twice, all numbers finite",
    "too-large": "the payload, or the answer to it, has more bytes than are taken",
    "retained": "the message was retained by the broker; nobody has just sent it, so it is not obeyed",
    "too-often": "commands come faster than they are taken; the same may be sent again later",
    "busy": "too much waits to be done already; the same may be sent again later",
    "unknown-command": "there is no command of this name",
    "bad-field": "a member is missing, is not known, or has a value that is not allowed",
    "not-running": "the command exists, but what would take it does not run here",
    "no-such-recognizer": "no recognizer of this name runs here",
    "no-such-reading": "no reading of this name is configured here",
    "unknown-name": "nobody of this name is known here",
    "unknown-track": "nothing with this number is in view now",
    "no-face": "the picture does not show exactly one face that is good enough",
    "bad-picture": "the bytes are no picture that can be used",
    "someone-else": "this is somebody already who is known by another name",
    "too-unlike": "this is too unlike the other pictures of that person",
    "no-frame": "the camera has not given a picture yet",
    "not-allowed": "this user of the machine may not send it",
    "switched-off": "the settings do not allow it",
    "bad-settings": "the settings file cannot be used; what ran before goes on",
    "unavailable": "something outside is not there now, the disk for one",
    "ending": "the service is ending",
    "failed": "a fault of ours; the log says more",
}
"""Each code, and what it says in general. Codes are added, never changed: subscribers compare them."""


def refusal(code: str, message: str, **data: Any) -> Reply:
    """The reply that refuses, with a code of the table and a sentence on the case at hand."""
    if code not in CODES:
        raise KeyError(code)
    return Reply(ok=False, message=message, error=code, data=data)
