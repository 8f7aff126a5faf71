"""The JSON Schema of the settings, for editors; and in words, for messages and the sample file."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from edge.settings.compose import settings_class

_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "string": "a text",
    "boolean": "true or false",
    "null": "null",
    "object": "keys with values",
}


@cache
def document() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a settings file."""
    schema = settings_class().model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Settings of edge",
    }


def property_of(path: tuple[str | int, ...]) -> dict[str, Any]:
    """The schema at a path of a settings file; empty where there is none."""
    schema = document()
    for part in path:
        schema = _plain(schema)
        if isinstance(part, int):
            items = schema.get("prefixItems")
            schema = items[part] if items and part < len(items) else schema.get("items") or {}
        else:
            schema = schema.get("properties", {}).get(part) or {}
    return _plain(schema)


def allowed(schema: dict[str, Any]) -> str:
    """What a value may be, in words: ``a whole number, 1 to 60``. Empty where all is allowed."""
    schema = _plain(schema)
    branches = schema.get("anyOf") or schema.get("oneOf")
    if branches:
        return " or ".join(word for word in map(allowed, branches) if word)
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kinds = schema.get("type", "")
    if isinstance(kinds, list):
        return " or ".join(_WORDS[kind] for kind in kinds)
    if kinds == "array":
        return _list(schema)
    return _WORDS.get(kinds, "") + _range(schema)


def _list(schema: dict[str, Any]) -> str:
    few, most = schema.get("minItems"), schema.get("maxItems")
    count = f" of {few}" if few is not None and few == most else ""
    items = schema.get("prefixItems")
    inside = allowed(items[0] if items else schema.get("items") or {})
    return f"a list{count}, each {inside}" if inside else f"a list{count}"


def _range(schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    lower = f"{low:.12g}" if low is not None else f"above {above:.12g}" if above is not None else ""
    upper = f"{high:.12g}" if high is not None else f"below {below:.12g}" if below is not None else ""
    if lower and upper:
        return f", {lower} to {upper}"
    if lower:
        return f", {lower}" + ("" if above is not None else " or more")
    if upper:
        return f", at most {upper}" if high is not None else f", {upper}"
    if schema.get("maxLength"):
        return f", at most {schema['maxLength']} characters"
    return f" matching {schema['pattern']}" if schema.get("pattern") else ""


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Follows ``$ref`` (and pydantic's one-armed ``allOf``) into the definitions."""
    while "$ref" in schema:
        schema = cast(dict[str, Any], document()["$defs"][schema["$ref"].rsplit("/", 1)[1]])
    return schema
