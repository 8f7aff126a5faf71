"""The pictures of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.quantize.report import Findings

_BAR, _KEPT = "#3b6ea5", "#bbbbbb"


def write_plots(findings: Findings, folder: Path) -> list[str]:
    """Draws what there is to draw as PNG files in ``folder``; gives their names. Raises OSError."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only here

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    drawn = []
    if findings.noise:
        drawn.append("layers.png")
        figure, axes = plt.subplots(figsize=(7, 0.3 * len(findings.noise) + 1.2))
        _noise(axes, findings)
        figure.tight_layout()
        figure.savefig(folder / drawn[-1], dpi=90)
        plt.close(figure)
    drawn.append("sizes.png")
    figure = draw_sizes(plt.figure(figsize=(7, 0.35 * len(findings.rows) + 1.2)), findings)
    figure.savefig(folder / drawn[-1], dpi=90)
    plt.close(figure)
    return drawn


def _noise(axes: Any, findings: Findings) -> None:
    names, ratios = zip(*findings.noise, strict=True)
    kept = [name in findings.kept for name in names]
    axes.barh(names, ratios, color=[_KEPT if was_kept else _BAR for was_kept in kept])
    axes.invert_yaxis()
    axes.set_xlabel("signal to noise of the layer's output, dB (grey: kept in float)")
    axes.tick_params(labelsize=8)


def draw_sizes(figure: Any, findings: Findings) -> Any:
    """Size, and beside it accuracy, or where there are no labels agreement with the float model; in
    ``figure``, which it gives back.

    A row for each kind: as points in one plane, kinds of one size and one accuracy hide each other.
    """
    labelled = all(row.accuracy is not None for row in findings.rows)
    judged = labelled or any(row.agreement for row in findings.rows)
    panels = figure.subplots(1, 2 if judged else 1, sharey=True, squeeze=False)[0]
    names = [row.scheme for row in findings.rows]
    sizes = [row.bytes / 1000 for row in findings.rows]
    # Room at the right for the numbers, which stand behind the bars and the points.
    bars = panels[0].barh(names, sizes, color=_BAR)
    panels[0].bar_label(bars, [f"{size:,.0f}" for size in sizes], padding=3, fontsize=8)
    panels[0].set_xlabel("size, kB")
    panels[0].set_xlim(0, 1.25 * max(sizes))
    panels[0].invert_yaxis()
    if judged:
        shares = [
            100 * (row.accuracy or 0.0)
            if labelled
            else 100 * (row.agreement["same"] if row.agreement else 1.0)
            for row in findings.rows
        ]
        panels[1].plot(shares, names, "o", color=_BAR)
        for name, share in zip(names, shares, strict=True):
            panels[1].annotate(
                f"{share:.2f}", (share, name), (6, 0), textcoords="offset points", va="center", fontsize=8
            )
        lowest, span = min(shares), max(max(shares) - min(shares), 0.1)
        panels[1].set_xlim(lowest - 0.1 * span, lowest + 1.35 * span)
        panels[1].ticklabel_format(axis="x", useOffset=False)
        panels[1].set_xlabel("accuracy, %" if labelled else "same answer as float, %")
        panels[1].grid(alpha=0.3)
    for panel in panels:
        panel.tick_params(labelsize=8)
        panel.locator_params(axis="x", nbins=5, prune="both")  # none at the ends, where two panels meet
    figure.tight_layout()
    return figure
