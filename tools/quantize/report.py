"""The report of a quantizing: one record of figures, shown as a table, as Markdown with plots, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tools.quantize.judge import Timing
from tools.quantize.legend import COLUMNS, KINDS, NOISE, granularity

WORST = 8
"""Layers named in the table; the plot shows them all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One file: what it is, its size, what it still can, how fast it is."""

    scheme: str
    file: str
    bytes: int
    accuracy: float | None
    agreement: dict[str, float] | None
    timings: list[Timing]
    float_operations: int


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that one run found. ``noise``: (layer, dB) in the order of the graph."""

    model: str
    calibration: dict[str, int]
    calibrated_from: str
    judged: int
    judged_on: str
    rows: list[Row]
    noise: list[tuple[str, float]]
    kept: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    per_tensor: bool = False

    def as_json(self) -> dict[str, Any]:
        """The record as JSON can hold it."""
        return asdict(self)

    @property
    def worst(self) -> list[tuple[str, float]]:
        """The layers with the most noise, worst first."""
        return sorted(self.noise, key=lambda item: item[1])[:WORST]


_HEADINGS = ("kind", "bytes", "accuracy", "same as float", "error", "float operations")


def show(findings: Findings, console: Console) -> None:
    """The tables on a terminal."""
    # Narrow, so that the columns of two runtimes fit into a terminal of eighty columns.
    table = Table(title=findings.model, box=SIMPLE_HEAD, padding=0)
    for heading in _headings(findings):
        table.add_column(heading.replace("-", "-\n"), overflow="fold")
    for row in findings.rows:
        table.add_row(*_cells(row, findings))
    console.print(table)
    console.print(f"{_about(findings)}.", *_missing(findings), sep="\n")
    if findings.noise:
        layers = Table("worst layers", "SNR, dB", title="what int8 leaves of each layer's output")
        for name, ratio in findings.worst:
            layers.add_row(name, f"{ratio:.1f}")
        console.print(layers)
    if findings.kept:
        console.print(f"kept in float: {', '.join(findings.kept)}")


def write_markdown(findings: Findings, file: Path, plots: Sequence[str], command: str) -> None:
    """The same as a page, with the plots (PNG files beside it) and the command that makes it again."""
    lines = [f"# {Path(findings.model).name}, quantized", "", _about(findings).capitalize() + ".", ""]
    headings = _headings(findings)
    lines += ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(_cells(row, findings)) + " |" for row in findings.rows]
    lines += [line for missing in _missing(findings) for line in ("", missing)]
    if findings.noise:
        lines += ["", "| worst layers | SNR, dB |", "|---|---|"]
        lines += [f"| {name} | {ratio:.1f} |" for name, ratio in findings.worst]
        lines += ["", NOISE]
    if findings.kept:
        lines += ["", f"Kept in float: {', '.join(findings.kept)}."]
    lines += ["", *(f"![{Path(plot).stem}]({plot})" for plot in plots)]
    made = {row.scheme: KINDS[row.scheme] for row in findings.rows}
    for title, meanings in (("Kinds", made), ("Columns", COLUMNS)):
        lines += ["", f"{title}:", "", *(f"- {name}: {meaning}" for name, meaning in meanings.items())]
    lines += ["", f"Made by `{command}`.", ""]
    file.write_text("\n".join(lines), "utf-8")


def _about(findings: Findings) -> str:
    samples = sum(findings.calibration.values())
    each = ", ".join(f"{label}: {count}" for label, count in findings.calibration.items())
    judged = (
        f"judged on {findings.judged:,} samples of {findings.judged_on}" if findings.judged else "not judged"
    )
    scaled = granularity(per_tensor=findings.per_tensor)
    return f"calibrated with {samples} samples of {findings.calibrated_from} ({each}), {judged}; {scaled}"


def _runtimes(findings: Findings) -> list[str]:
    """Those that ran at least one of the files."""
    return list(
        dict.fromkeys(
            timing.runtime for row in findings.rows for timing in row.timings if timing.p50 is not None
        )
    )


def _missing(findings: Findings) -> list[str]:
    """A sentence for each runtime that could not be asked, and for what could not be made."""
    untimed = {timing.runtime: timing.trouble for timing in findings.rows[0].timings if timing.p50 is None}
    return [
        f"Not timed with {runtime}: {trouble}." for runtime, trouble in untimed.items()
    ] + findings.troubles


def _headings(findings: Findings) -> list[str]:
    return [*_HEADINGS, *(f"ms, {runtime} (XNNPACK parts)" for runtime in _runtimes(findings))]


def _cells(row: Row, findings: Findings) -> list[str]:
    same, error = (
        (f"{row.agreement['same']:.2%}", f"{row.agreement['error']:.3%}") if row.agreement else ("", "")
    )
    times = {timing.runtime: f"{timing.p50:g} ({timing.parts})" for timing in row.timings if timing.p50}
    return [
        row.scheme,
        f"{row.bytes:,}",
        "" if row.accuracy is None else f"{row.accuracy:.2%}",
        same,
        error,
        str(row.float_operations),
        *(times.get(runtime, "does not run") for runtime in _runtimes(findings)),
    ]
