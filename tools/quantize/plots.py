"""The pictures of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.quantize.report import Findings


def write_plots(findings: Findings, folder: Path) -> list[str]:
    """Draws what there is to draw as PNG files in ``folder``; gives their names."""
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
    figure, axes = plt.subplots(figsize=(6, 3.6))
    _sizes(axes, findings)
    figure.tight_layout()
    figure.savefig(folder / drawn[-1], dpi=90)
    plt.close(figure)
    return drawn


def _noise(axes: Any, findings: Findings) -> None:
    names, ratios = zip(*findings.noise, strict=True)
    kept = [name in findings.kept for name in names]
    axes.barh(names, ratios, color=["#bbbbbb" if was_kept else "#3b6ea5" for was_kept in kept])
    axes.invert_yaxis()
    axes.set_xlabel("signal to noise of the layer's output, dB (grey: kept in float)")
    axes.tick_params(labelsize=8)


def _sizes(axes: Any, findings: Findings) -> None:
    """Size against accuracy, or where there are no labels against agreement with the float model."""
    labelled = all(row.accuracy is not None for row in findings.rows)
    for row in findings.rows:
        quality = row.accuracy if labelled else (row.agreement or {"same": 1.0})["same"]
        axes.plot(row.bytes / 1000, 100 * (quality or 0.0), "o", label=row.scheme)
        axes.annotate(
            row.scheme, (row.bytes / 1000, 100 * (quality or 0.0)), (5, 5), textcoords="offset points"
        )
    axes.set_xlabel("size, kB")
    axes.set_ylabel("accuracy, %" if labelled else "same answer as float, %")
    axes.margins(0.2)
    axes.grid(alpha=0.3)
