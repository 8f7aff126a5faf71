"""Payloads of commands as nobody should send them, from a seed: random bytes, broken and strange JSON,
commands with wrong members, and some that are right."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

COMMANDS = ("detect", "threshold", "snapshot", "reload", "enroll", "deny", "forget", "people", "reading")
STRANGE = (
    "",
    "x" * 65,
    "DETECT",
    "..",
    "%2e%2e",
    "detect ",
    "cmd",
    "dé",
    "\U0001f600",
    "a" * 5000,
    "$SYS",
    "result",
)
"""Names that no command has."""

TEXTS = (
    "", " ", "digits", "faces", "../../etc/passwd", "name\n", "\x00", "\x1b[2J", "\u202etxt.exe", "\ud800",
    "é" * 70, "'; DROP TABLE events; --", "%s%n", "{{7*7}}", "a" * 10_000, "\N{GRINNING FACE}",
)  # fmt: skip
NUMBERS = (
    "0",
    "-0",
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "9" * 400,
    "1" + "0" * 5000,
    "0.1",
    "1e-400",
    "01",
    "+1",
    "1.",
)
MEMBERS = (
    "on",
    "recognizer",
    "value",
    "name",
    "track",
    "jpeg",
    "annotate",
    "reset",
    "request",
    "number",
    "__class__",
)


def payloads(seed: int, count: int, cap: int) -> Iterator[tuple[str, bytes]]:
    """Command and payload, ``count`` times; sizes up to a little above ``cap``, most of them small."""
    chance = random.Random(seed)
    makers: tuple[Callable[[random.Random, int], bytes], ...] = (
        _noise, _structure, _structure, _members, _members, _members, _mutated, _mutated, _deep, _right,
    )  # fmt: skip
    for _ in range(count):
        name = chance.choice(COMMANDS) if chance.random() < 0.9 else chance.choice(STRANGE)
        size = cap + 64 if chance.random() < 0.002 else int(2 ** chance.uniform(0, 11))
        yield name, chance.choice(makers)(chance, size)


def _noise(chance: random.Random, size: int) -> bytes:
    return chance.randbytes(size)


def _value(chance: random.Random, depth: int = 0) -> str:
    """The text of a JSON value, or nearly."""
    kind = chance.randrange(8 if depth < 3 else 6)
    if kind == 0:
        return chance.choice(NUMBERS)
    if kind == 1:
        return json.dumps(chance.choice(TEXTS))
    if kind == 2:
        return str(chance.randint(-(2**70), 2**70))
    if kind == 3:
        return repr(chance.uniform(-1, 2))
    if kind == 4:
        return chance.choice(("true", "false", "null", "nul", "True", "undefined", ""))
    if kind == 5:
        return json.dumps(base64.b64encode(chance.randbytes(chance.randrange(60))).decode())
    inside = [_value(chance, depth + 1) for _ in range(chance.randrange(5))]
    if kind == 6:
        return f"[{','.join(inside)}]"
    return "{" + ",".join(f"{json.dumps(chance.choice(MEMBERS))}:{each}" for each in inside) + "}"


def _structure(chance: random.Random, _size: int) -> bytes:
    return _value(chance).encode("utf-8", "surrogatepass")


def _members(chance: random.Random, _size: int) -> bytes:
    names = [chance.choice(MEMBERS) for _ in range(chance.randrange(4))]
    text = "{" + ", ".join(f'"{name}": {_value(chance, 2)}' for name in names) + "}"
    return text.encode("utf-8", "surrogatepass")


def _mutated(chance: random.Random, size: int) -> bytes:
    data = bytearray(_right(chance, size))
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data))
        if chance.random() < 0.5:
            data[place] = chance.randrange(256)
        else:
            del data[place : place + chance.randint(1, 5)]
        data = data or bytearray(b"{")
    return bytes(data)


def _deep(chance: random.Random, size: int) -> bytes:
    """What takes a careless parser's stack, time or memory."""
    size = max(size, 8)
    shapes = (
        b"[" * size,
        b'{"a":' * (size // 5) + b"1" + b"}" * (size // 5),
        b'{"value": ' + b"9" * size + b"}",
        b'{"value": 0.' + b"1" * size + b"}",
        b'{"name": "' + b"\\ud800" * (size // 6) + b'"}',
        b'{"name": "' + b"a" * size + b'"}',
        b'{"jpeg": "' + base64.b64encode(chance.randbytes(size // 2)) + b'"}',
        b"{" + b",".join(b'"%d": 1' % number for number in range(size // 8)) + b"}",
        b" " * size,
        b"-" * size,
    )
    return chance.choice(shapes)


def _right(chance: random.Random, _size: int) -> bytes:
    fields: dict[str, Any] = chance.choice(
        (
            {"on": chance.random() < 0.9},
            {"recognizer": "digits", "value": round(chance.random() * 0.6, 2)},
            {"annotate": True},
            {"name": "somebody", "track": chance.randrange(99)},
            {"name": "meter", "value": chance.randrange(99_999)},
            {},
        )
    )
    if chance.random() < 0.3:
        fields["request"] = f"r-{chance.randrange(10**6)}"
    return json.dumps(fields).encode()
