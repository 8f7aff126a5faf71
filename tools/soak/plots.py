"""Plots of the trials, PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


def bars(file: Path, values: Mapping[int, int], x: str, y: str, title: str) -> None:
    """Counts over whole seconds."""
    import matplotlib as mpl  # noqa: PLC0415  (half a second, for one trial)

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    file.parent.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(8, 3), dpi=120, layout="constrained")
    axes.bar([second + 0.5 for second in values], list(values.values()), width=0.9)
    axes.set(xlabel=x, ylabel=y, title=title, xlim=(0, max(values, default=0) + 1))
    figure.savefig(file)
    pyplot.close(figure)


@dataclass(frozen=True, slots=True)
class Panel:
    """One of several plots over the same axis: values by their name. ``zero``: the axis begins there."""

    label: str
    values: Mapping[str, Sequence[float]]
    zero: bool = False


def lines(file: Path, x: str, at: Sequence[float], title: str, *panels: Panel) -> None:
    """Panels one below the other."""
    import matplotlib as mpl  # noqa: PLC0415  (half a second, for one trial)

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    file.parent.mkdir(parents=True, exist_ok=True)
    size = (8, 1 + 2 * len(panels))
    figure, rows = pyplot.subplots(
        len(panels), figsize=size, dpi=120, layout="constrained", sharex=True, squeeze=False
    )
    for axes, panel in zip(rows[:, 0], panels, strict=True):
        for name, values in panel.values.items():
            axes.plot(at, values, linewidth=1, label=name)
        axes.set_ylabel(panel.label)
        axes.grid(visible=True, alpha=0.3)
        if panel.zero:
            axes.set_ylim(bottom=0)
        if len(panel.values) > 1:
            axes.legend(loc="upper left", fontsize="small")
    rows[0, 0].set_title(title)
    rows[-1, 0].set_xlabel(x)
    figure.savefig(file)
    pyplot.close(figure)
