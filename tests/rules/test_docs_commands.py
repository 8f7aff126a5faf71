"""Every option, setting and heading that documents and cards speak of is there."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from test_docs import BLOCK, ROOT, SPAN, documents

from edge.cli.main import COMMANDS
from edge.cli.main import main as edge
from edge.settings.compose import settings_class
from edge.settings.schema import property_of

TOOL = re.compile(r"python -m (tools(?:\.[a-z_]+)+)(?: ([a-z][a-z-]+)(?= |$))?([^\n`|]*)")
OWN = re.compile(r"(?<![\w/.@-])edge ([a-z]+)\b([^\n`|]*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
SECTIONS = "|".join(settings_class().model_fields)
TRAINING = ("tools.train_digits", "tools.train_faces")

Main = Callable[[Sequence[str] | None], int]
Called = tuple[str, str]
"""A program and its first word."""


def pieces() -> Iterator[tuple[str, str]]:
    """Code in documents, line by line and span by span, and the commands of cards, each with its file."""
    for name, text in documents().items():
        if name.endswith(".md"):
            for block in BLOCK.findall(text):
                for line in block.replace("\\\n", " ").splitlines():
                    yield name, line.partition(" #")[0]
            for span in SPAN.findall(BLOCK.sub("", text)):
                yield name, span
    for file in (*ROOT.glob("models/*/card.yaml"), *ROOT.glob("config/examples/cards/*/card.yaml")):
        for command in commands_of(yaml.safe_load(file.read_text("utf-8"))):
            for part in command.split("&&"):
                yield str(file.relative_to(ROOT)), part


def commands_of(card: Mapping[str, Any]) -> Iterator[str]:
    """What a card says that it and its figures are made by."""
    yield str(card.get("made_by", {}).get("command", ""))
    for figure in card.get("figures", ()):
        yield str(figure["command"])


def written() -> dict[Called, dict[str, set[str]]]:
    """The options that are written of each program, and where."""
    found: dict[Called, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, text in pieces():
        for module, word, rest in TOOL.findall(text):
            for option in OPTION.findall(rest):
                found[module, word][option].add(name)
            found[module, word]  # also without an option
        for word, rest in OWN.findall(text) if "python -m" not in text else ():
            for option in OPTION.findall(rest) if word in COMMANDS else ():
                found["edge", word][option].add(name)
    return found


WRITTEN = written()


def helped(program: Called, capsys: pytest.CaptureFixture[str]) -> str:
    """What a program says of itself."""
    module, word = program
    name = f"{module}.__main__" if (ROOT / module.replace(".", "/")).is_dir() else module
    main: Main = edge if module == "edge" else importlib.import_module(name).main
    with pytest.raises(SystemExit) as caught:
        main([*([word] if word else []), "--help"])
    assert caught.value.code == 0, f"there is no {word or name}"
    return capsys.readouterr().out


@pytest.mark.parametrize("program", sorted(WRITTEN), ids=" ".join)
def test_options_that_are_written_of_exist(
    program: Called, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if program[0].startswith(TRAINING) and importlib.util.find_spec("torch") is None:
        pytest.skip("training needs PyTorch: make training")
    monkeypatch.setenv("COLUMNS", "300")
    known = set(OPTION.findall(helped(program, capsys)))
    wrong = {option: where for option, where in WRITTEN[program].items() if option not in known}
    assert not wrong


def test_there_is_something_to_look_at() -> None:
    assert {"edge", "tools.evaluate", "tools.quantize", "tools.train_faces"} <= {name for name, _ in WRITTEN}
    assert sum(len(options) for options in WRITTEN.values()) > 60


def test_settings_that_are_written_of_exist() -> None:
    name_of = re.compile(rf"`((?:{SECTIONS})(?:\.[a-z_]+)+)\b(?!\.py|/)")
    wrong = {
        f"{name}: {setting}"
        for name, text in documents().items()
        if name.endswith(".md")
        for setting in name_of.findall(text)
        if not setting.endswith(".py") and not property_of(tuple(setting.split(".")))
    }
    assert not wrong


def anchors(text: str) -> set[str]:
    """What a page's headings are linked by."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", text), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def test_every_heading_that_is_linked_to_is_there() -> None:
    broken = []
    for name, text in documents().items():
        for target, heading in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", BLOCK.sub("", text)):
            page: Path = (ROOT / name).parent / target if target else ROOT / name
            if "://" not in target and heading not in anchors(page.read_text("utf-8")):
                broken.append(f"{name}: {target}#{heading}")
    assert not broken
