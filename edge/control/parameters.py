"""Whether a command's members are what it takes; nothing else reaches what obeys it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from edge.records import Parameter

_WORDS = {
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "text": "a text",
    "base64": "base64",
}


class ParameterError(ValueError):
    """What is wrong with a command's members, in words for its sender."""


def checked(fields: Mapping[str, Any], parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The members by name, as their handler gets them. Raises ``ParameterError``.

    Those that may be left out and are, or are null, are left out.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in fields:
        if name not in known:
            allowed = ", ".join(known) or "none"
            raise ParameterError(f"{_shown(name)} is not known here; members: {allowed}")
    found = {}
    for name, parameter in known.items():
        if fields.get(name) is not None:
            found[name] = _value(fields[name], parameter)
        elif parameter.required:
            raise ParameterError(f"{name} is missing: {_allowed(parameter)}")
    return found


def _value(value: Any, parameter: Parameter) -> Any:
    kind = parameter.kind
    if kind == "flag" and isinstance(value, bool):
        return value
    if kind in ("whole", "number") and isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = parameter.low, parameter.high
        fits = (low is None or value >= low) and (high is None or value <= high)
        if fits and (kind == "number" or isinstance(value, int)):
            return value
    if kind == "text" and isinstance(value, str) and _is_plain(value, parameter.most):
        return value
    if kind == "base64" and isinstance(value, str) and value:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise ParameterError(f"{parameter.name}: allowed: {_allowed(parameter)}")


def _is_plain(text: str, most: int) -> bool:
    return 0 < len(text) <= most and text.isprintable() and text == text.strip()


def _allowed(parameter: Parameter) -> str:
    words = _WORDS[parameter.kind]
    if parameter.kind == "text":
        return f"{words} of 1 to {parameter.most} printable characters, no blanks at its ends"
    low, high = parameter.low, parameter.high
    if low is not None and high is not None:
        return f"{words}, {low:g} to {high:g}"
    if low is not None:
        return f"{words}, {low:g} or more"
    return words if high is None else f"{words}, at most {high:g}"


def _shown(name: str) -> str:
    """A member's name as the sender wrote it: short, printable."""
    return repr(name if len(name) <= 40 else name[:39] + "…")
