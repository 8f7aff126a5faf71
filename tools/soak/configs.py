"""Trial ``configs``: settings files as nobody should write them, told in lines of ours and nothing else.

Each file is made from its number alone (``mangled(number)``), so that what was found once can be tried again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from edge.errors import ConfigError, SettingsError
from edge.settings.load import load, parse
from edge.settings.schema import document
from tools.soak.trial import Report, Scale, Trial

SLOWEST = 2.0
"""Seconds of processor time for any one file; they are a few hundred bytes long."""

VALUES = (
    "null", "true", "no", "0", "-1", "1e999", "-0.0", ".nan", ".inf", "0x1F", "0o17", "1_000",
    "12:30:45", "2026-11-21", "2026-99-99", "''", "'0'", '"\\0"', '"\\ud800"', "[]", "{}", "[[]]",
    "[1, 2, 3, 4]", "{a: b}", "*x", "&x 1", "!!python/object/apply:os.system [id]", "!!binary aGVsbG8=",
    "!x y", "|", ">", "? a", "<<: 1", "9" * 400, "1e-400", "rtsp://admin:secret@camera/1",
    "mqtts://u:p@b", "ftp://x", "/dev/null", "~/x", "..", "\x1b[31m", "\u202e", "\ufeff", "é", "💥",
    "- a\n- b", "{", "]", '"', "'", "%YAML 1.1", "---", "...", "@", "`",
)  # fmt: skip
"""What may stand where a value is expected."""

SIGNS = ":-[]{}#&*!|>'\"%@`?,\n\t \0\x1b\x85\u2028~."


def mangled(number: int) -> bytes:
    """The settings file of this number."""
    chance = random.Random(number)
    text = "\n".join(_lines(chance))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        text = _mangle(text, chance)
    content = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.05:
        place = chance.randrange(len(content) + 1)
        content = content[:place] + chance.randbytes(chance.randint(1, 8)) + content[place:]
    return content


def _lines(chance: random.Random) -> Iterator[str]:
    """Some sections with some keys, most with a value that fits."""
    sections = list(_known().items())
    wild = chance.choice((0.0, 0.1, 0.4, 0.8))
    for name, keys in chance.sample(sections, chance.randint(1, 5)):
        if not keys or chance.random() < 0.05:
            yield f"{name}: {_value(None, chance, wild)}"
            continue
        yield f"{name}:"
        for key, default in chance.sample(list(keys.items()), min(len(keys), chance.randint(1, 5))):
            yield f"  {key}: {_value(default, chance, wild)}"


def _value(default: Any, chance: random.Random, wild: float) -> str:
    if chance.random() < wild:
        return chance.choice(VALUES)
    if chance.random() < wild / 2:
        return repr(
            chance.choice((chance.uniform(-1e6, 1e6), chance.randint(-(2**70), 2**70), chance.random()))
        )
    return yaml.safe_dump(default, default_flow_style=True).partition("\n")[0]


def _mangle(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    place = chance.randrange(len(lines))
    kind = chance.randrange(7)
    if kind == 0:
        lines.insert(place, chance.choice(lines))
    elif kind == 1:
        del lines[place]
    elif kind == 2:
        lines[place] = " " * chance.randint(0, 8) + lines[place].strip()
    elif kind == 3:
        chance.shuffle(lines)
    elif kind == 4:
        depth = chance.randint(1, 400)
        lines.insert(place, chance.choice(("[" * depth, "{a: " * depth, "- " * depth, "'" * depth)))
    else:
        line = lines[place]
        where = chance.randrange(len(line) + 1)
        sign = chance.choice(SIGNS) if kind == 5 else chr(chance.choice((chance.randrange(256), 0x1F4A5)))
        lines[place] = line[:where] + sign + line[where + chance.randint(0, 1) :]
    return "\n".join(lines)


@cache
def _known() -> dict[str, dict[str, Any]]:
    """The keys of each section, with their defaults."""
    schema = document()
    definitions = schema.get("$defs", {})
    found = {}
    for name, section in schema["properties"].items():
        target = definitions.get(str(section.get("$ref", "")).rpartition("/")[2], section)
        found[name] = {key: value.get("default") for key, value in target.get("properties", {}).items()}
    return found


def judge(content: bytes) -> str | None:
    """What is wrong with how this file is taken, None: nothing."""
    begun = time.process_time()
    try:
        parse(content.decode("utf-8", "replace"), "edge.yaml")
    except SettingsError as error:
        lines = [str(problem) for problem in error.problems]
        if not lines or not all(line.startswith("edge.yaml") and line.isprintable() for line in lines):
            return f"told as {lines!r:.300}"
        if any("secret@" in line for line in lines):
            return f"a password is shown: {lines!r:.300}"
    except ConfigError as error:
        if not str(error).isprintable():
            return f"told as {error!r:.300}"
    except BaseException as error:  # noqa: BLE001  (that is the question here)
        return f"{type(error).__name__}: {error}"[:300]
    took = time.process_time() - begun
    return f"{took:.1f} s" if took > SLOWEST else None


def search(first: int, count: int) -> tuple[dict[int, str], int]:
    """Judges so many files; gives what was wrong by number, and how many of them were good settings."""
    wrong: dict[int, str] = {}
    good = 0
    for number in range(first, first + count):
        content = mangled(number)
        found = judge(content)
        if found:
            wrong[number] = found
        else:
            good += _is_good(content)
    return wrong, good


def _is_good(content: bytes) -> bool:
    try:
        parse(content.decode("utf-8", "replace"), "edge.yaml")
    except ConfigError:
        return False
    return True


def _run(report: Report, scale: Scale, folder: Path) -> None:
    count = scale.count(100_000, 2_000)
    wrong, good = search(scale.seed * 1_000_000, count)
    report.measured |= {"files": count, "good": good, "wrong": len(wrong)}
    report.say(f"{count} mangled settings files, {good} of them good all the same")
    report.claim("each is settings or an error of ours", not wrong, dict(list(wrong.items())[:5]))
    file = folder / "edge.yaml"
    for number in range(200):
        file.write_bytes(mangled(scale.seed * 1_000_000 + number))
        try:
            load(file)
        except ConfigError:
            continue
    report.claim("and so it is read from a file", held=True, seen="200 files")


TRIAL = Trial("configs", "mangled settings files", _run)
