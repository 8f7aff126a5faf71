"""The commented sample file, made of the sections: it is the manual of the settings.

Every key stands there with its default, so the file says what runs when it is left out.
"""

from __future__ import annotations

import inspect
import json
import textwrap
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from edge.section import Section
from edge.settings.compose import section_order, settings_class
from edge.settings.schema import allowed, property_of

WIDTH = 100

PLAIN = ("", "a text", "a text or null", "a text or a whole number", "true or false", "keys with values")
"""Rules that the value itself shows well enough."""

HEADER = """\
# yaml-language-server: $schema=edge.schema.json
#
# Settings of edge. Every key is optional: what stands here is what holds without it, so a file of
# your own needs only the lines that differ, usually `camera.source` and `mqtt.host`.
# A key that does not exist, or a value that cannot be, is told with its line, all at once:
#
#     edge check -c FILE
#
# Places (masks, regions) are fractions 0..1 of the picture after rotation, so that they survive a
# change of resolution. Times are seconds. Secrets never stand in this file: see mqtt.password_file.
"""


def render() -> str:
    """The text of config/edge.yaml."""
    settings = settings_class()
    text = HEADER
    for key in section_order():
        text += "\n" + "\n".join(_field(key, settings.model_fields[key], (key,), "")) + "\n"
    return text


def _field(key: str, field: FieldInfo, path: tuple[str, ...], indent: str) -> list[str]:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Section):
        kind = type(value)
        lines = _comment(inspect.cleandoc(kind.__doc__ or ""), indent)
        lines.append(f"{indent}{key}:")
        for name, inner in kind.model_fields.items():
            lines += _field(name, inner, (*path, name), indent + "  ")
        return lines
    rule = allowed(property_of(path))
    words = f"{field.description} ({rule})" if rule not in PLAIN else str(field.description)
    return [*_comment(words, indent), f"{indent}{key}: {_scalar(value)}"]


def _comment(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        wrapped = textwrap.wrap(" ".join(paragraph.split()), WIDTH - len(indent) - 2, break_on_hyphens=False)
        lines += ([f"{indent}#"] if lines else []) + [f"{indent}# {line}" for line in wrapped]
    return lines


def _scalar(value: Any) -> str:
    """A value in YAML's flow style, which JSON is; plain words stay without quotes."""
    if isinstance(value, str) and value.isidentifier() and yaml.safe_load(value) == value:
        return value
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
