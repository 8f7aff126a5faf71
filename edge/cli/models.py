"""``edge models [NAME …]``: the models, verified as at start, with thresholds and figures of their cards."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from edge.cli.terminal import Terminal
from edge.errors import ModelError
from edge.infer.card import load_card
from edge.infer.golden import check_golden
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import find, installed
from edge.settings.load import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which models, and how to show them."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="names or folders (default: all that are installed)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def main(args: argparse.Namespace) -> int:
    """Verifies each; the exit code is 78 when one is wrong."""
    settings = load(args.config).infer
    folders = [find(name, settings) for name in args.names] or installed(settings)
    rows = [_row(folder, settings) for folder in folders]
    if args.json:
        for row in rows:
            print(json.dumps(row))
    else:
        _table(rows)
    wrong = [row for row in rows if row["error"]]
    for row in wrong:
        print(f"edge: {row['error']}", file=sys.stderr)
    return ModelError.exit_code if wrong else 0


def _row(folder: Path, settings: InferSettings) -> dict[str, Any]:
    row: dict[str, Any] = {"name": folder.name, "folder": str(folder), "error": None, "warning": None}
    try:
        card = load_card(folder)
        row |= {
            "name": card.name,
            "version": card.version,
            "task": card.task,
            "kilobytes": round(
                sum((folder / variant.file).stat().st_size for variant in card.variants) / 1024, 1
            ),
            "licence": card.licence,
            "thresholds": {name: one.model_dump(mode="json") for name, one in card.thresholds.items()},
            "figures": [figure.model_dump(mode="json") for figure in card.figures],
        }
        model = Model.load(str(folder), settings)
        row |= {"runtime": model.runtime, "delegated": model.delegated, "warning": check_golden(model)}
    except ModelError as error:
        row["error"] = str(error)
    return row


def _table(rows: list[dict[str, Any]]) -> None:
    """Each model in a line, then of each what its thresholds mean, its figures, and its licence in full."""
    console = Terminal(highlight=False)
    overview = Table(
        "model", "version", "task", "KiB", "runtime", "licence", "state", box=None, pad_edge=False
    )
    for row in rows:
        cells = (row.get(key) for key in ("version", "task", "kilobytes", "runtime"))
        state = Text("wrong", "red") if row["error"] else Text(row["warning"] or "verified", "green")
        overview.add_row(
            row["name"],
            *(str(cell) if cell is not None else "" for cell in cells),
            Text(_first(row.get("licence", ""))),
            state,
        )
    console.print(overview)
    for row in rows:
        if row.get("thresholds"):
            thresholds = Table("threshold", "value", "what it means", **_beneath(row["name"]))
            for name, one in row["thresholds"].items():
                thresholds.add_row(name, _number(one["value"]), Text(one["meaning"], "dim"))
            console.print("", thresholds)
        if row.get("figures"):
            figures = Table("figure", "value", "data", **_beneath(row["name"]))
            for item in row["figures"]:
                figures.add_row(item["metric"], _number(item["value"]), Text(item["data"], "dim"))
            console.print("", figures)
        if _first(row.get("licence", "")) != row.get("licence", ""):
            console.print()
            console.print(Text(f"{row['name']}: {row['licence']}", "dim"))


def _beneath(name: str) -> dict[str, Any]:
    """How a table of one model looks."""
    return {"title": name, "title_justify": "left", "box": None, "pad_edge": False}


def _first(licence: str) -> str:
    """What stands before the conditions of a licence that tells more than a name."""
    return licence.partition(";")[0]


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:g}"
