"""Tables of an evaluation of scenes: recipes side by side, and the first one picture by picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from tools.evaluate.matching import Outcome

Records = Mapping[str, Mapping[str, Any]]
"""The figures by the name of the recipe."""

_WIDEST = 1000
"""Columns within which a table finds how wide it wants to be."""


def show(
    records: Records, outcomes: Sequence[Outcome], on_empty: Sequence[Outcome], models: Mapping[str, str]
) -> None:
    """Prints all tables. ``outcomes`` of the first recipe on labelled pictures, ``on_empty`` on pictures
    without a digit, either may be none; ``models``: whose word counts in a recipe."""
    tables = [_by_picture(outcomes)] if outcomes else []
    if on_empty:
        tables.append(_by_empty_picture(on_empty))
    if outcomes:
        tables.append(_of_digits(records))
    if any(outcome.scene.lines for outcome in outcomes):
        tables.append(_of_lines(records))
    if on_empty:
        tables.append(_of_empty(records))
    console = Console()
    wide = console.options.update(width=_WIDEST)
    for table in tables:
        # A pipe is taken for 80 columns: figures would be cut.
        console.width = max(console.width, Measurement.get(console, wide, table).maximum)
        console.print(table)
    read_by = "; ".join(f"{name}: {model}" for name, model in models.items())
    console.print(f"read by: {read_by}", soft_wrap=True, highlight=False, markup=False)


def _of_digits(records: Records) -> Table:
    table = _table(
        "digits in photographs",
        *("recipe", "F1 ordinary", "precision", "recall", "F1 all", "precision", "recall", "right", "told"),
        *("false on empty", "per MP", "ECE", "ms"),
    )
    for recipe, figures in records.items():
        shares = [
            f"{figures[part][key]:.3f}"
            for part in ("ordinary", "all")
            for key in ("f1", "precision", "recall")
        ]
        empty = figures["negatives"]
        table.add_row(
            recipe,
            *shares,
            _of(figures["all"]["right"], figures["all"]["n"]),
            str(figures["all"]["found"]),
            f"{empty['false_digits']} in {empty['pictures']}",
            _dense(empty),
            f"{figures['ece']:.3f}",
            f"{figures['ms_per_picture']:.0f}",
        )
    return table


def _of_lines(records: Records) -> Table:
    """Lines and, where the labels tell them, numbers."""
    parts = [
        part
        for part in ("lines_ordinary", "lines", "numbers_ordinary", "numbers")
        if any(figures[part] and figures[part]["n"] for figures in records.values())
    ]
    numbers = "numbers" in parts
    heads = [part.replace("_", ", ") if "_" in part else f"{part}, all" for part in parts]
    table = _table("read exactly", "recipe", *heads, *(("numbers told", "ECE of numbers") if numbers else ()))
    for recipe, figures in records.items():
        row = [
            f"{_of(figures[part]['right'], figures[part]['n'])} ({figures[part]['exact']:.2f})"
            for part in parts
        ]
        if numbers:
            row += [str(figures["numbers"]["found"]), f"{figures['numbers']['ece']:.3f}"]
        table.add_row(recipe, *row)
    return table


def _of_empty(records: Records) -> Table:
    table = _table(
        "pictures without a digit",
        *("recipe", "pictures", "with false digits", "false digits", "megapixels", "per MP", "surest", "ms"),
    )
    for recipe, figures in records.items():
        empty = figures["empty"]
        table.add_row(
            recipe,
            str(empty["pictures"]) + (f" ({empty['left_out']} left out)" if empty["left_out"] else ""),
            str(empty["pictures_with_false_digits"]),
            str(empty["false_digits"]),
            f"{empty['megapixels']:.1f}",
            _dense(empty),
            "" if empty["surest"] is None else f"{empty['surest']:.2f}",
            f"{empty['ms_per_picture']:.0f}",
        )
    return table


def _by_picture(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="by picture")
    for place, head in enumerate(
        ("picture", "", "digits", "right", "missed", "misread", "false", "lines", "numbers", "ms")
    ):
        table.add_column(head, justify="right" if place > 1 else "left")
    for outcome in outcomes:
        kinds = [mistake.kind for mistake in outcome.mistakes]
        numbers = outcome.numbers
        table.add_row(
            outcome.scene.path.name,
            "" if outcome.scene.ordinary else "hard",
            str(outcome.tally.labelled),
            str(outcome.tally.right),
            *(str(kinds.count(kind) or "") for kind in ("missed", "misread", "false")),
            f"{outcome.lines_right}/{len(outcome.scene.lines)}",
            "" if numbers is None else f"{numbers.right}/{numbers.labelled}",
            f"{outcome.ms:.0f}",
        )
    return table


def _by_empty_picture(outcomes: Sequence[Outcome]) -> Table:
    """Those of which something is told."""
    table = _table("digits told of pictures without any", "picture", "false", "surest", "told")
    for outcome in outcomes:
        if outcome.mistakes:
            surest = max(mistake.score for mistake in outcome.mistakes)
            told = " ".join(str(mistake.read) for mistake in outcome.mistakes)
            table.add_row(outcome.scene.path.name, str(outcome.tally.found), f"{surest:.2f}", told[:60])
    return table


def _table(title: str, *heads: str) -> Table:
    """The first column to the left, all others to the right."""
    table = Table(title=title)
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left", no_wrap=True)
    return table


def _of(some: int, n: int) -> str:
    return f"{some} of {n}"


def _dense(figures: Mapping[str, Any]) -> str:
    return "" if figures["per_megapixel"] is None else f"{figures['per_megapixel']:.2f}"
