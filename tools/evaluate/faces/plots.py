"""Curves of the face models: true over false accepts, recall over false boxes, precision over recall."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.evaluate.plots import pyplot, save

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
FEWEST = 1e-4
"""False accepts below it say little: there are too few pairs."""


def write_roc(file: Path, curves: Mapping[str, Curve], title: str = "") -> None:
    """False accepts (logarithmic) across, true accepts up, a curve for each model. Raises ``InputError``."""
    figure, axes = pyplot().subplots(figsize=(5.2, 4.2))
    for name, (false, true) in curves.items():
        axes.plot(np.maximum(false, FEWEST), true, drawstyle="steps-post", label=name, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_xlim(FEWEST, 1)
    axes.set_xlabel("pairs of two persons that are accepted, share")
    axes.set_ylabel("pairs of one person that are accepted, share")
    _finish(file, figure, axes, title)


def write_froc(file: Path, curves: Mapping[str, Curve], title: str = "") -> None:
    """False boxes a picture (logarithmic) across, recall up, a curve for each detector. Raises
    ``InputError``."""
    figure, axes = pyplot().subplots(figsize=(5.2, 4.2))
    for name, (rates, found) in curves.items():
        axes.plot(rates, found, label=name, linewidth=1.2)
    axes.set_xscale("log")
    axes.set_ylim(0, 1)
    axes.set_xlabel("false boxes a picture")
    axes.set_ylabel("faces found, share")
    _finish(file, figure, axes, title)


def write_precision(file: Path, curves: Mapping[str, Curve], title: str = "") -> None:
    """Recall across, precision up, a curve for each detector. Raises ``InputError``."""
    figure, axes = pyplot().subplots(figsize=(5.2, 4.2))
    for name, (found, right) in curves.items():
        axes.plot(found, right, label=name, linewidth=1.2)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("faces found, share")
    axes.set_ylabel("boxes that are faces, share")
    _finish(file, figure, axes, title)


def _finish(file: Path, figure: Any, axes: Any, title: str) -> None:
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="best")
    if title:
        axes.set_title(title, fontsize=9)
    save(figure, file)
