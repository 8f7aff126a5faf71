"""YAML text -> plain data and the line of every key; refuses what a settings file never needs.

Aliases could make a small file expand without end, and a key that stands twice silently hides
the first: both are errors here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from edge.errors import Problem

Path = tuple[str | int, ...]

MAX_BYTES = 1 << 18
MAX_DEPTH = 16

_UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""No path, name or address has these; a terminal or a C library would stumble over them."""


def read(text: str, file: str) -> tuple[Any, dict[Path, int], list[Problem]]:
    """Gives (data, line of each path, problems); data is None when the text is no YAML at all."""
    try:
        problems = list(_forbidden(text, file))
        if problems:
            return None, {}, problems
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return {}, {}, []
        lines: dict[Path, int] = {}
        problems = list(_walk(node, (), lines, file))
        if problems:
            return None, lines, problems
        return loader.construct_document(node), lines, problems
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(str(error.problem or error.context or "not YAML").split())
        return None, {}, [Problem(file, mark.line + 1 if mark else None, "", f"not valid YAML: {words}")]
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return (
            None,
            {},
            [Problem(file, line, "", f"not valid YAML: the character U+{ord(text[error.position]):04X}")],
        )
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())[:160]
        return None, {}, [Problem(file, None, "", f"not valid YAML: {words}")]


def _forbidden(text: str, file: str) -> Iterator[Problem]:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            yield Problem(file, line, "", f"alias *{event.anchor}: write the value out; aliases are not read")
            return
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag:
            yield Problem(file, line, "", f"tag {event.tag}: write the value alone; tags are not read")
            return
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            yield Problem(file, line, "", f"nested deeper than {MAX_DEPTH} levels")
            return


def _walk(node: yaml.Node, path: Path, lines: dict[Path, int], file: str) -> Iterator[Problem]:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value)
            here = (*path, name)
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                words = f"key {name[:40]!r} is not a text; quote it or correct it"
                yield Problem(file, line, dotted(path), words)
            elif name in seen:
                yield Problem(file, line, dotted(here), f"stands twice, first on line {seen[name]}")
            seen.setdefault(name, line)
            lines[here] = line
            yield from _walk(value, here, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _walk(item, (*path, index), lines, file)
    else:
        yield from _unfit(node, path, file)


def _unfit(node: yaml.Node, path: Path, file: str) -> Iterator[Problem]:
    """What is wrong with one value, whatever its key means."""
    line = node.start_mark.line + 1
    found = _UNFIT.search(node.value)
    if found:
        yield Problem(
            file, line, dotted(path), f"has the character U+{ord(found[0]):04X}, which no value has"
        )
        return
    try:
        yaml.SafeLoader("").construct_object(node)
    except ValueError as error:  # 2026-99-99, a number of 5000 digits
        words = " ".join(str(error).split(";")[0].split())
        yield Problem(file, line, dotted(path), f"{words}; quote it where a text is meant")


def dotted(path: Path) -> str:
    """``camera.masks[2]`` for ("camera", "masks", 2)."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
