"""Reads a settings file; all that is wrong in it is told at once, each with its line."""

from __future__ import annotations

import difflib
import json
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from edge.capture.settings import redact
from edge.errors import ConfigError, Problem, SettingsError
from edge.settings import lines
from edge.settings.compose import Settings, settings_class
from edge.settings.schema import allowed, property_of

SYSTEM_FILE = FilePath("/etc/edge/edge.yaml")


def named_or_system(file: FilePath | None) -> FilePath | None:
    """``file``; without one, /etc/edge/edge.yaml if that is there; None: the defaults hold.

    A folder that this user may not look into is no reason to take the defaults: reading it tells.
    """
    try:
        return file or (SYSTEM_FILE if SYSTEM_FILE.exists() else None)
    except OSError:
        return SYSTEM_FILE


def load(file: FilePath | None, *, again: bool = False) -> Settings:
    """The settings of ``file``, or of what ``named_or_system`` finds in its place.

    Raises ``ConfigError`` for a file that cannot be read and ``SettingsError`` for what is wrong in it.
    ``again``: a service runs by it, so that one without a byte is taken for one that is being written.
    """
    file = named_or_system(file)
    if file is None:
        return settings_class()()
    try:
        if file.is_fifo():
            raise ConfigError(
                f"{file}: a pipe, but settings are read again later", "name a file with -c FILE"
            )
        with file.open("rb") as stream:
            content = stream.read(lines.MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}",
            "name a settings file with -c FILE",
        ) from None
    if len(content) > lines.MAX_BYTES:
        raise ConfigError(f"{file}: larger than {lines.MAX_BYTES // 1024} KiB, so it is no settings file")
    if again and not content:
        raise ConfigError(f"{file}: empty, nothing is written in it yet", "{} in it means the defaults")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsError([Problem(str(file), line, "", "not UTF-8 text")]) from None
    return parse(text, str(file))


def parse(text: str, name: str) -> Settings:
    """The settings in ``text``; ``name`` stands in messages. Raises ``SettingsError``."""
    data, places, problems = lines.read(text, name)
    if problems:
        raise SettingsError(problems)
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError([Problem(name, 1, "", f"a list of keys is needed, found {_shown(data)}")])
    try:
        # By way of JSON: there a list is a tuple and a text is a path, yet texts are no numbers.
        return settings_class().model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise SettingsError([_problem(dict(item), data, places, name) for item in error.errors()]) from None


def _problem(error: dict[str, Any], data: Any, places: dict[lines.Path, int], file: str) -> Problem:
    # Of a union's error pydantic's path goes on with the branch: the file ends where its keys end.
    path: lines.Path = tuple(error["loc"])
    while path and path not in places and not (error["type"] == "missing" and path[:-1] in places):
        path = path[:-1]
    line = places.get(path) or places.get(path[:-1])
    return Problem(file, line, redact(lines.dotted(path)), _message(error, path, _value(data, path)))


def _message(error: dict[str, Any], path: lines.Path, value: Any) -> str:
    if error["type"] == "extra_forbidden":
        here = list(property_of(path[:-1]).get("properties", {}))
        near = difflib.get_close_matches(str(path[-1]), here, n=1)
        guess = f"; did you mean {near[0]}?" if near else "."
        return f"unknown key{guess} Allowed here: {', '.join(here)}"
    rule = allowed(property_of(path))
    words = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    reason = words if error["type"] in ("value_error", "assertion_error") or not rule else f"allowed: {rule}"
    return f"found {_shown(value)}; {reason}"


def _value(data: Any, path: lines.Path) -> Any:
    for part in path:
        if isinstance(data, list) and isinstance(part, int):
            data = data[part] if part < len(data) else None  # what is missing has no value
        else:
            data = data.get(part) if isinstance(data, dict) else None
    return data


def _shown(value: Any) -> str:
    """A value as a message may show it: short, one line, no password of a URL."""
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "keys"
    text = (
        "nothing"
        if value is None
        else repr(value)
        if isinstance(value, str)
        else json.dumps(value, default=str)
    )
    text = redact(text)
    return text if len(text) <= 80 else text[:77] + "…"
