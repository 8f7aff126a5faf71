"""The table of the trials, for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.soak.trial import Report


def show(reports: Sequence[Report]) -> None:
    """What each trial did and measured, what it claimed, and whether that held."""
    console = Console()
    table = Table("trial", "did", "shown", "s", "result", title="soak", title_justify="left", show_lines=True)
    for report in reports:
        shown = Text()
        for claim in report.claims:
            shown.append("+ " if claim.held else "- ", "green" if claim.held else "bold red")
            shown.append(claim.what).append(f" ({claim.seen})\n" if claim.seen else "\n", "dim")
        shown.rstrip()
        verdict = Text("passed", "green") if report.passed else Text("FAILED", "bold red")
        did = Text("\n".join([report.summary, *report.did]))
        table.add_row(report.name, did, shown, f"{report.seconds:.0f}", verdict)
    console.print(table)
