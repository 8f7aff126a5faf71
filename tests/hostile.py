"""Command messages as nobody should send them, from a seed.

Half of them are commands that are right but for something, since what is nearly right gets furthest.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from edge.control.commands import CONTRACT
from edge.transmit.notices import Arrived

LARGEST = 20_000
"""Bytes of the largest payloads; a few are that large."""

RIGHT: dict[str, list[dict[str, Any]]] = {
    "detect": [{"on": True}, {"on": False, "request": "a"}],
    "threshold": [{"recognizer": "digits", "value": 0.7}, {"recognizer": "faces", "value": 1}],
    "snapshot": [{}, {"annotate": True}],
    "reload": [{}, {"reset": True}],
    "enroll": [{"name": "Ann", "jpeg": "AAAA"}, {"name": "Ann", "track": 3}],
    "deny": [{"name": "Ann", "track": 3}],
    "forget": [{"name": "Ann"}],
    "people": [{}],
    "reading": [{"name": "water", "value": 12.5}],
}
"""Payloads of each command that would be obeyed."""

_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**53, 1e308, -0.0, 0.5, "", " ", "on", "\x00", "\ud800", "../../etc/passwd",
    "a" * 300, "\u202e", "'; DROP TABLE events; --", "%s%n", "${jndi:x}", [], {}, [[]], [1, 2], {"on": True},
)  # fmt: skip

_TEXTS = (
    b"", b" ", b"null", b"true", b"[]", b'""', b"{", b"}", b"{}{}", b'{"on":true,"on":false}', b'{"on":NaN}',
    b'{"on":Infinity}', b'{"value":1e999}', b'{"value":' + b"9" * 5000 + b"}", b'{"a":' * 500, b"[" * 5000,
    b"[" * 60 + b"]" * 60, b"\xff\xfe", b'\xef\xbb\xbf{"on":true}', b'{"on":"\\ud800"}', b"{'on':True}",
    b'{"on":true,}', b'{"on":true}\x00', b'{"request":"' + b"x" * 5000 + b'"}', b'{"request":[]}', b"ON",
    b'{"a":"' + b"\\" * 999 + b'"}', b"{" + b'"a":1,' * 2000 + b'"b":1}',
)  # fmt: skip

_NAMES = (
    "", " ", "+", "#", "DETECT", "detect ", "detect/x", "détect", "\x1b[31m", "$SYS", "..", "a" * 33,
    "x" * 5000, "no-such", "\ud800", "result", "cmd", "detect\n",
)  # fmt: skip

_RESPONSES = (
    None, None, "", "answers/1", "#", "a/+/b", "$SYS/x", "edge/kitchen/cmd/detect", "edge/other/state",
    "edge", "a\x00b", "x" * 70_000, "\ud800", "home/answers",
)  # fmt: skip


def messages(count: int, seed: int, cmd: str = "edge/kitchen/cmd") -> Iterator[Arrived]:
    """``count`` messages below the topic ``cmd``, the same for the same seed."""
    chance = random.Random(seed)
    makers: tuple[Callable[[random.Random, str], bytes], ...] = (
        _right,
        _spoilt,
        _odd,
        _cut,
        _flipped,
        _noise,
        _text,
    )
    for _ in range(count):
        name = chance.choice(CONTRACT) if chance.random() < 0.9 else chance.choice(_NAMES)
        payload = chance.choice(makers)(chance, name)
        yield Arrived(
            topic=f"{cmd}/{name}",
            payload=payload,
            retain=chance.random() < 0.05,
            response_topic=chance.choice(_RESPONSES),
            correlation=chance.randbytes(chance.choice((0, 16, 128))) if chance.random() < 0.3 else None,
            size=len(payload),
        )


def _command(chance: random.Random, name: str) -> dict[str, Any]:
    """What this command takes, or what another one does."""
    other = name not in RIGHT or chance.random() < 0.2
    return dict(chance.choice(RIGHT[chance.choice(list(RIGHT)) if other else name]))


def _right(chance: random.Random, name: str) -> bytes:
    return json.dumps(_command(chance, name)).encode()


def _spoilt(chance: random.Random, name: str) -> bytes:
    """One member is something else, is missing, or is one too many."""
    command = _command(chance, name)
    members = [*command, "request", "extra", "on", "name", "value", "track"]
    command[chance.choice(members)] = chance.choice(_VALUES)
    if command and chance.random() < 0.3:
        del command[chance.choice(list(command))]
    return json.dumps(command).encode("utf-8")


def _odd(chance: random.Random, _name: str) -> bytes:
    """Deep, wide or long, yet JSON."""
    value: Any = chance.choice(_VALUES)
    for _ in range(chance.randrange(80)):
        value = [value] if chance.random() < 0.5 else {"a": value}
    wide = {f"m{number}": chance.choice(_VALUES) for number in range(chance.randrange(50))}
    return json.dumps(
        {**wide, "value": value, "text": "x" * chance.randrange(chance.choice((1, LARGEST)))}
    ).encode()


def _cut(chance: random.Random, name: str) -> bytes:
    payload = _right(chance, name)
    return payload[: chance.randrange(len(payload) + 1)]


def _flipped(chance: random.Random, name: str) -> bytes:
    payload = bytearray(_right(chance, name))
    for _ in range(chance.randrange(1, 4)):
        if payload:
            payload[chance.randrange(len(payload))] = chance.randrange(256)
    return bytes(payload)


def _noise(chance: random.Random, _name: str) -> bytes:
    return chance.randbytes(chance.randrange(chance.choice((2, 64, 1000))))


def _text(chance: random.Random, _name: str) -> bytes:
    return chance.choice(_TEXTS)
