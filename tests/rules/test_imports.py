"""Who may import what: the table of edge/README.md, kept by reading every import of edge/.

A module with no row in the table, an import that its row does not name, and a driver outside
its one module are all told at once. The second half of the file shows the rules a small bad
example each, so that they cannot pass by looking at nothing; the last part starts Python and
looks at what really gets imported.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

STAGES = ("capture", "infer", "recognize", "track", "transmit")
SETTINGS = tuple(f"edge.{part}.settings" for part in (*STAGES, "control") if part != "recognize")
FOUNDATION = (
    "edge.records",
    "edge.geometry",
    "edge.errors",
    "edge.clock",
    "edge.refusals",
    "edge.atomic",
    "edge.pictures",
)
EVERYTHING = ("edge",)
ARRAYS = ("numpy", "cv2")


@dataclass(frozen=True)
class Row:
    """What ``module`` and all below it may import, the standard library aside."""

    module: str
    edge: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


TABLE = (
    # The foundation: each other downwards, and arrays.
    Row("edge.errors"),
    Row("edge.clock"),
    Row("edge.atomic"),
    Row("edge.records", (), ARRAYS),
    Row("edge.refusals", ("edge.records",)),
    Row("edge.geometry", ("edge.records", "edge.errors"), ARRAYS),
    Row("edge.pictures", ("edge.records", "edge.errors", "edge.pictures"), ARRAYS),
    Row("edge.annotate", FOUNDATION, ARRAYS),
    Row("edge.section", (), ("pydantic",)),
    # Each stage: the foundation and its own folder.
    *(Row(f"edge.{stage}", (*FOUNDATION, f"edge.{stage}"), ARRAYS) for stage in STAGES),
    *(
        Row(settings, (*FOUNDATION, "edge.section", settings.removesuffix(".settings")), ("pydantic",))
        for settings in SETTINGS
    ),
    Row("edge.infer.card", (*FOUNDATION, "edge.infer"), ("pydantic", "yaml")),
    # Each recognizer: its own folder and what it registers with, not the other recognizers.
    *(
        row
        for name in ("digits", "faces", "airwriting", "objects")
        for folder in (f"edge.recognize.{name}",)
        for row in (
            Row(folder, (*FOUNDATION, "edge.recognize.descriptor", folder), ARRAYS),
            Row(f"{folder}.settings", (*FOUNDATION, "edge.section", folder), ("pydantic",)),
        )
    ),
    # The tick, its thread and its supervision: stages are handed to them.
    Row("edge.pipeline", FOUNDATION, ARRAYS),
    Row("edge.loop", (*FOUNDATION, "edge.pipeline"), ARRAYS),
    Row("edge.health", FOUNDATION, ARRAYS),
    Row("edge.device", FOUNDATION),
    # The configuration: every stage's section, nothing else of a stage.
    Row(
        "edge.settings",
        (
            *FOUNDATION,
            "edge.section",
            "edge.settings",
            *SETTINGS,
            "edge.recognize.registry",  # where the recognizers' sections are
        ),
        ("pydantic", "yaml"),
    ),
    # What puts it all together; nothing imports the command line.
    Row("edge.control", EVERYTHING, ARRAYS),
    Row("edge.control.signals", FOUNDATION),  # heard before anything else is imported
    Row("edge.entities", EVERYTHING),
    Row("edge.recognition", EVERYTHING),
    Row("edge.parts", EVERYTHING, ARRAYS),
    Row("edge.pace", EVERYTHING, ARRAYS),
    Row("edge.bulletin", EVERYTHING, ARRAYS),
    Row("edge.changeover", EVERYTHING, ARRAYS),
    Row("edge.daemon", EVERYTHING, ARRAYS),
    Row("edge.people", EVERYTHING, ARRAYS),
    Row("edge.demo", EVERYTHING, (*ARRAYS, "rich")),
    Row("edge.view", EVERYTHING, ARRAYS),
    Row("edge.cli", EVERYTHING, (*ARRAYS, "rich")),
    Row("edge.__main__", EVERYTHING),
)

DRIVERS = {
    "cv2.VideoCapture": "edge.capture.opencv",
    "ai_edge_litert": "edge.infer.runtime",
    "tflite_runtime": "edge.infer.runtime",
    "paho": "edge.transmit.driver",
    "amqtt": "edge.demo.broker",
}
"""Each driver is known to one module, which imports it inside a function (or for the type checker
only): what is not used is not loaded, and what is not installed fails where a sentence can say so."""

COMMAND_LINE = ("edge.cli", "edge.__main__")


@dataclass(frozen=True)
class Import:
    """Something that a module imports: a dotted name, where, and whether inside a function."""

    target: str
    line: int
    lazy: bool


def violations(source: str, module: str) -> list[str]:
    """What ``source`` imports as ``module`` though the table does not allow it, a line each."""
    row = _row(module)
    if row is None:
        return [f"{module}: has no row in the table of imports"]
    found = []
    for item in imports(ast.parse(source)):
        problem = _problem(item, module, row)
        if problem:
            found.append(f"{module}:{item.line}: {problem}")
    return found


def _row(module: str) -> Row | None:
    """The row of the longest name that ``module`` is or lies below."""
    if module == "edge":
        return Row("edge")
    rows = [row for row in TABLE if _below(module, row.module)]
    return max(rows, key=lambda row: len(row.module), default=None)


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _problem(item: Import, module: str, row: Row) -> str | None:
    target = item.target
    if target.startswith("."):
        return f"relative import {target}: write it out"
    for driver, home in DRIVERS.items():
        if _below(target, driver):
            if module != home:
                return f"{driver} belongs to {home} alone"
            return (
                None
                if item.lazy
                else f"{driver} is imported at the top; import it in the function that uses it"
            )
    if _below(target, "edge.cli") and not any(_below(module, place) for place in COMMAND_LINE):
        return "nothing imports the command line"
    if _below(target, "edge"):
        allowed = target == "edge.__version__" or any(_below(target, name) for name in row.edge)
    else:
        top = target.partition(".")[0]
        allowed = top in sys.stdlib_module_names or top in row.others
    return None if allowed else f"may not import {target}"


def imports(tree: ast.AST, lazy: bool = False) -> Iterator[Import]:
    """All that a module imports: statements, ``import_module``, ``"module:name"`` references, and
    the drivers that are attributes of a larger library."""
    for node in ast.iter_child_nodes(tree):
        inside = lazy or _runs_later(node)
        for target in _targets(node):
            yield Import(target, getattr(node, "lineno", 0), lazy)
        yield from imports(node, inside)


def _runs_later(node: ast.AST) -> bool:
    """Whether what stands inside is not run by importing the module."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
    return False


def _targets(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(module=source, names=names, level=level):
            yield from (f"{'.' * level}{source or ''}.{name.name}" for name in names)
        case ast.Call(func=ast.Name(id="import_module" | "__import__"), args=[argument, *_]):
            yield from _text(argument)
        case ast.Call(func=ast.Attribute(attr="import_module"), args=[argument, *_]):
            yield from _text(argument)
        case ast.Constant(value=str(text)) if re.fullmatch(r"edge(\.\w+)+:\w+", text):
            yield text.partition(":")[0]
        case ast.Attribute(value=ast.Name(id="cv2"), attr="VideoCapture"):
            yield "cv2.VideoCapture"


def _text(argument: ast.expr) -> Iterator[str]:
    """The name that is imported, or how it begins (``f"edge.cli.{name}"`` begins with edge.cli)."""
    if isinstance(argument, ast.JoinedStr) and argument.values:
        argument = argument.values[0]
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value.rstrip(".")


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / "edge").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def test_every_module_imports_only_what_its_row_allows() -> None:
    found = [line for name, path in modules().items() for line in violations(path.read_text("utf-8"), name)]
    assert not found, "\n" + "\n".join(found)


def test_the_whole_package_is_read() -> None:
    names = set(modules())
    assert {"edge", "edge.daemon", "edge.recognize.digits.settings", *SETTINGS} <= names


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_the_module_of_a_driver_exists_and_names_it(driver: str) -> None:
    assert driver in (modules()[DRIVERS[driver]]).read_text("utf-8")


@pytest.mark.parametrize(
    ("module", "source", "told"),
    [
        (
            "edge.capture.worker",
            "from edge.track.tracker import Tracker",
            "may not import edge.track.tracker",
        ),
        ("edge.capture.worker", "from edge import track", "may not import edge.track"),
        ("edge.track.vote", "def f():\n    from edge.infer import model", "may not import edge.infer.model"),
        (
            "edge.track.vote",
            "if TYPE_CHECKING:\n    import edge.infer.model",
            "may not import edge.infer.model",
        ),
        (
            "edge.recognize.faces.gallery",
            "import edge.recognize.digits.crop",
            "may not import edge.recognize.digits",
        ),
        ("edge.recognize.digits", "F = 'edge.track.vote:Vote'", "may not import edge.track.vote"),
        (
            "edge.infer.model",
            "importlib.import_module('edge.capture.slot')",
            "may not import edge.capture.slot",
        ),
        ("edge.infer.model", "import_module(f'edge.track.{name}')", "may not import edge.track"),
        ("edge.pipeline", "from edge.capture.slot import Slot", "may not import edge.capture.slot"),
        ("edge.records", "from edge.geometry import iou", "may not import edge.geometry"),
        ("edge.settings.load", "from edge.infer.model import Model", "may not import edge.infer.model"),
        ("edge.track.tracker", "from pydantic import BaseModel", "may not import pydantic"),
        ("edge.infer.model", "import yaml", "may not import yaml"),
        ("edge.capture.source", "import requests", "may not import requests"),
        ("edge.daemon", "from rich.console import Console", "may not import rich"),
        ("edge.daemon", "from edge.cli.main import main", "nothing imports the command line"),
        ("edge.cli.bench", "from tools.benchmark import loop", "may not import tools"),
        ("edge.capture.slot", "from . import source", "relative import"),
        ("edge.capture.stills", "def f():\n    cv2.VideoCapture(0)", "belongs to edge.capture.opencv"),
        ("edge.demo.show", "def f():\n    from cv2 import VideoCapture", "belongs to edge.capture.opencv"),
        (
            "edge.infer.model",
            "def f():\n    import ai_edge_litert.interpreter",
            "belongs to edge.infer.runtime",
        ),
        ("edge.transmit.driver", "import paho.mqtt.client as mqtt", "imported at the top"),
        ("edge.transmit.driver", "class A:\n    from paho.mqtt import client", "imported at the top"),
        ("edge.newcomer", "", "has no row"),
    ],
)
def test_a_bad_import_is_told(module: str, source: str, told: str) -> None:
    (found,) = violations(source, module)
    assert told in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("edge.transmit.driver", "def f():\n    import paho.mqtt.client as mqtt"),
        ("edge.transmit.driver", "if TYPE_CHECKING:\n    from paho.mqtt.client import Client"),
        ("edge.infer.runtime", "def f():\n    import_module('ai_edge_litert.interpreter')"),
        (
            "edge.capture.worker",
            "from edge import records\nfrom edge.capture.slot import Slot\nimport threading",
        ),
        ("edge.recognize.digits", "F = 'edge.recognize.digits.settings:DigitsSettings'"),
        ("edge.recognize.registry", "def f():\n    from edge.recognize.digits import DESCRIPTOR"),
        ("edge.recognize.faces.settings", "from pydantic import Field\nfrom edge.section import Section"),
        ("edge.settings.compose", "from edge.capture.settings import CameraSettings"),
        ("edge.cli.run", "from edge.daemon import Daemon\nfrom rich.table import Table"),
        ("edge.cli.main", "from edge import __version__\nimport_module(f'edge.cli.{name}')"),
        ("edge.track.vote", "from edge.track.settings import TrackingSettings\nimport numpy as np"),
    ],
)
def test_a_good_import_is_not_told(module: str, source: str) -> None:
    assert violations(source, module) == []
