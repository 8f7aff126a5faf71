"""Pictures of an evaluation: which digit is read as which, and whether a score means what it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError

BINS = 10
"""Bars of the reliability diagram."""


def write_confusion(
    file: Path, counts: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str]
) -> None:
    """``counts`` (rows, columns): how often what is ``rows`` was read as ``columns``. Raises InputError."""
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(0.5 * len(columns) + 1.6, 0.45 * len(rows) + 1.4))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # The root shows single mistakes beside thousands of right ones.
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.3 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(columns)), columns, rotation=45 if max(map(len, columns)) > 2 else 0)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel("read")
    axes.set_ylabel("true")
    save(figure, file)


def write_reliability(
    file: Path, scores: NDArray[np.float32], right: NDArray[np.bool_], error: float, what: str = "digits"
) -> None:
    """Share of right ones by score, with how many there are (Guo et al. 2017, arXiv 1706.04599).

    ``scores`` (N,) 0..1; ``right`` (N,); ``error``: the expected calibration error, and ``what`` is
    read, for the title. Raises InputError.
    """
    plt = pyplot()
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(4.6, 5.2), sharex=True, gridspec_kw={"height_ratios": (3, 1)}
    )
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    seen = counts > 0
    means = np.bincount(places, scores, BINS)[seen] / counts[seen]
    shares = np.bincount(places, right, BINS)[seen] / counts[seen]
    above.plot((0, 1), (0, 1), color="#bbbbbb", linewidth=1)
    above.plot(means, shares, "o-", color="#3b6ea5", markersize=4)
    above.set_ylabel("share that is right")
    above.set_title(f"expected calibration error {error:.3f}, {len(scores):,} {what} read", fontsize=9)
    below.bar((np.arange(BINS) + 0.5) / BINS, counts, width=0.9 / BINS, color="#3b6ea5")
    if counts.any():  # nothing has no logarithm
        below.set_yscale("log")
    below.set_ylabel("count")
    below.set_xlabel("score")
    for axes in (above, below):
        axes.grid(alpha=0.3)
    save(figure, file)


def pyplot() -> Any:
    """matplotlib without a display."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only here

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    return plt


def save(figure: Any, file: Path) -> None:
    """Writes and closes ``figure``. Raises ``InputError`` where the file cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.tight_layout()
        figure.savefig(file, dpi=90)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error}", "give --plots a folder of yours") from error
    finally:
        pyplot().close(figure)
