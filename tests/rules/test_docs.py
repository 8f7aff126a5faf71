"""Documents, samples and requirements cannot drift from the code that they speak of."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge.cli.main import COMMANDS
from edge.settings.sample import render
from edge.settings.schema import document

ROOT = Path(__file__).parents[2]
WRITTEN = ("README.md", "CONTRIBUTING.md", "edge/README.md", "docs/*.md", "config/**/*.yaml", "systemd/*")

BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`[^`\n]+`")
COMMAND = re.compile(r"(?<![\w/.-])edge ([a-z]+)\b")


def documents() -> dict[str, str]:
    """The files that people read, by name."""
    paths = [path for pattern in WRITTEN for path in sorted(ROOT.glob(pattern)) if path.is_file()]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def commands_in(text: str) -> set[str]:
    """The words after ``edge`` in code: blocks and spans of Markdown, or comments of other files.

    ``sudo -u edge`` is a user and not a command.
    """
    text = re.sub(r"(-u|--user|chown|install -o) +edge\b", "", text)
    blocks = BLOCK.findall(text)
    spans = SPAN.findall(BLOCK.sub("", text))
    lines = [line for block in blocks for line in block.splitlines() if not line.lstrip().startswith("#")]
    return {word for piece in (*lines, *spans) for word in COMMAND.findall(piece)}


def test_every_command_that_is_written_of_exists() -> None:
    unknown = {name: commands_in(text) - set(COMMANDS) for name, text in documents().items()}
    assert not {name: words for name, words in unknown.items() if words}


def test_every_command_is_written_of_in_the_readme() -> None:
    assert set(COMMANDS) <= commands_in((ROOT / "README.md").read_text("utf-8"))


def test_a_command_is_a_module() -> None:
    modules = {path.stem for path in (ROOT / "edge" / "cli").glob("*.py")}
    assert set(COMMANDS) <= modules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Call `edge recognise x.jpg` now", {"recognise"}),
        ("```\n$ edge runs -c x\n# edge is a comment\n```", {"runs"}),
        ("at the edge of the `picture`", set()),
        ("```\nsudo -u edge edge check\n```", {"check"}),
        ("`/usr/bin/edge run`, `edge --version`", set()),
    ],
)
def test_commands_are_found_in_code_only(text: str, words: set[str]) -> None:
    assert commands_in(text) == words


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for name, text in documents().items():
        if name.endswith(".md"):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", BLOCK.sub("", text)):
                if "://" not in target and not (ROOT / name).parent.joinpath(target).exists():
                    broken.append(f"{name}: {target}")
    assert not broken


def test_every_make_target_that_is_written_of_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"test", "demo", "lint"} <= targets
    written = {
        f"{name}: make {word}"
        for name, text in documents().items()
        for piece in (*BLOCK.findall(text), *SPAN.findall(text))
        for word in re.findall(r"(?<!\w)make ([a-z][a-z0-9-]*)", piece)
        if word not in targets
    }
    assert not written


def test_the_sample_configuration_is_what_the_code_says() -> None:
    assert (ROOT / "config" / "edge.yaml").read_text("utf-8") == render(), "`make generated` writes it anew"


def test_the_schema_of_the_configuration_is_what_the_code_says() -> None:
    written = json.loads((ROOT / "config" / "edge.schema.json").read_text("utf-8"))
    assert written == document(), "`make generated` writes it anew"
