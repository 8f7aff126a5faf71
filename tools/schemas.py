"""JSON Schemas of what edge publishes, into docs/schemas, from the dataclasses of edge.transmit.payload.

    python -m tools.schemas            writes them
    python -m tools.schemas --check    exits 1 where what lies there differs

What depends on a recognizer comes from its descriptor. Additions are allowed within a schema number, so
none of them forbids further members.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from edge.recognize.descriptor import Descriptor
from edge.recognize.registry import descriptors
from edge.records import UNKNOWN
from edge.transmit.payload import (
    CameraPayload,
    EventPayload,
    LateStamp,
    NumberInView,
    ResultPayload,
    SettingsPayload,
    StatePayload,
    StatsPayload,
    ThingInView,
)
from edge.transmit.presence import NamelessPresent, PersonPresent, VisitStamp
from edge.transmit.topics import event_topic, rule

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

README = """\
# Payloads

Written by `python -m tools.schemas` from the code that publishes them. Topics stand below `edge/<device>/`.
`availability` is the plain text `online` or `offline`, `snapshot` a JPEG; all others are JSON objects that
carry `"schema": 1`.
Members may be added within a schema number; none is removed or changed.

| topic | retained | QoS | schema |
|---|---|---|---|
"""


def main(argv: list[str] | None = None) -> int:
    """Writes all documents, or compares them."""
    parser = argparse.ArgumentParser(prog="python -m tools.schemas", description="Writes docs/schemas.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    args = parser.parse_args(argv)
    files = documents()
    differing = [path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    superfluous = set(FOLDER.glob("*")) - set(files)
    if args.check:
        for path in sorted({*differing, *superfluous}):
            print(
                f"{path.relative_to(ROOT)} is not what the code says; run python -m tools.schemas",
                file=sys.stderr,
            )
        return 1 if differing or superfluous else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in superfluous:
        path.unlink()
    for path in differing:
        path.write_text(files[path], "utf-8")
    return 0


def documents() -> dict[Path, str]:
    """The text of every generated file."""
    schemas = by_topic()
    files = {
        FOLDER / file_name(topic): json.dumps(schema, indent=2) + "\n" for topic, schema in schemas.items()
    }
    lines = [_line(topic) for topic in schemas]
    return files | {FOLDER / "README.md": README + "\n".join(lines) + "\n"}


def by_topic() -> dict[str, Schema]:
    """The schema of each topic that there is, by its relative name."""
    schemas = {
        "camera/status": _schema(CameraPayload),
        "settings": _schema(SettingsPayload),
        "stats": _schema(StatsPayload),
        "cmd/<command>/result": _schema(ResultPayload),
    }
    for name, descriptor in descriptors().items():
        schemas[event_topic(name)] = event_schema(descriptor)
        schemas[f"{name}/state"] = state_schema(descriptor)
    return {topic: {"$schema": DIALECT, "title": topic, **schema} for topic, schema in schemas.items()}


def file_name(topic: str) -> str:
    """``digits/event`` -> ``digits-event.json``; a level that stands for many has no place in it."""
    return "-".join(level for level in topic.split("/") if not level.startswith("<")) + ".json"


def event_schema(descriptor: Descriptor) -> Schema:
    """The members of all events, the recognizer's own, and those of late ones, which are optional."""
    schema = _schema(EventPayload)
    members = {descriptor.label: _label(descriptor, in_events=True)}
    members |= {name: _measured(description) for name, description in descriptor.extras}
    if descriptor.presence:
        members |= _schema(VisitStamp)["properties"]
    schema["properties"] |= members
    schema["required"] += members
    schema["properties"] |= _schema(LateStamp)["properties"]
    schema["dependentRequired"] = {"late": ["delay_ms"], "delay_ms": ["late"]}
    return schema


def state_schema(descriptor: Descriptor) -> Schema:
    """What is in view, and the numbers that it forms where the recognizer's labels do; or who is present."""
    schema = _schema(StatePayload)
    if descriptor.presence:
        return _presence_schema(schema, descriptor)
    item = _schema(ThingInView)
    item["properties"] = {descriptor.label: _label(descriptor), **item["properties"]}
    item["required"].insert(0, descriptor.label)
    schema["properties"][descriptor.items] = _list(f"all {descriptor.items} in view that have a name", item)
    if descriptor.numbers:
        number = _schema(NumberInView)
        number["properties"][descriptor.items] = _list(
            f"tracks of its {descriptor.items}, in reading order", {"type": "integer", "minimum": 0}
        )
        number["required"].append(descriptor.items)
        schema["properties"]["numbers"] = _list("numbers in view, in reading order", number)
    size = _schema(EventPayload)["$defs"]["FrameReference"]["properties"]["size"]
    schema["properties"]["size"] = size
    schema["required"] = list(schema["properties"])
    return schema


def _presence_schema(schema: Schema, descriptor: Descriptor) -> Schema:
    item = _schema(PersonPresent)
    item["properties"] = {descriptor.label: _label(descriptor), **item["properties"]}
    item["required"].insert(0, descriptor.label)
    schema["properties"][descriptor.items] = _list("everybody known by name who is here", item)
    schema["properties"] |= _schema(NamelessPresent)["properties"]
    schema["required"] = list(schema["properties"])
    return schema


def _label(descriptor: Descriptor, *, in_events: bool = False) -> Schema:
    description = f"the {descriptor.label}"
    if descriptor.presence and in_events:
        description += f", or {UNKNOWN} for somebody who was looked at well and is nobody known by name"
    return {"type": descriptor.label_type, "description": description}


def _measured(description: str) -> Schema:
    """A measure of the closer looks that named something; null where none was taken."""
    return {"type": ["number", "null"], "description": description}


def _list(description: str, items: Schema) -> Schema:
    return {"type": "array", "description": description, "items": items}


def _schema(payload: type) -> Schema:
    made = _untitled(TypeAdapter(payload).json_schema(mode="serialization"))
    # Whether docstrings become descriptions depends on pydantic's version; who uses a part describes it.
    for part in (made, *made.get("$defs", {}).values()):
        part.pop("description", None)
    return {"description": inspect.cleandoc(payload.__doc__ or ""), **made}


def _untitled(value: Any) -> Any:
    """Without the titles that pydantic makes of names, which say nothing new."""
    if isinstance(value, dict):
        return {
            key: _untitled(item) for key, item in value.items() if key != "title" or not isinstance(item, str)
        }
    return [_untitled(item) for item in value] if isinstance(value, list) else value


def _line(topic: str) -> str:
    how, file = rule(topic), file_name(topic)
    return f"| `{topic}` | {'yes' if how.retain else 'no'} | {how.qos} | [{file}]({file}) |"


if __name__ == "__main__":
    sys.exit(main())
