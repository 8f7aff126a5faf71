"""The model's card, written from what was measured."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import yaml

from tools import card as cards
from tools.train_digits.figures import Measured
from tools.train_digits.layout import INT8
from tools.train_digits.net import LABELS

_SOURCES: tuple[Mapping[str, str], ...] = (
    {"name": "MNIST, training set without its last 5000", "terms": "Yann LeCun et al., cited"},
    {"name": "Omniglot, small background set 1, no shapes that are digits", "terms": "MIT"},
    {"name": "characters of Debian fonts-* packages", "terms": "free licences; no font is included"},
    {"name": "surfaces, displays, scenes drawn by tools.ink and tools.compose", "terms": "Apache-2.0"},
)  # fmt: skip


class Accepting(Protocol):
    """A threshold, and what it means in words."""

    @property
    def value(self) -> float:
        """The score."""

    @property
    def meaning(self) -> str:
        """For the card."""


def write_card(
    folder: Path,
    *,
    version: int,
    temperature: float,
    accept: Accepting | None,
    figures: Sequence[Measured],
    command: str,
    seed: int,
    name: str = "digits-cnn",
    labels: Sequence[str] = LABELS,
    sources: Sequence[Mapping[str, str]] = _SOURCES,
) -> None:
    """Writes ``card.yaml`` into ``folder`` without its golden output, which tools.card adds."""
    card: dict[str, Any] = {
        "name": name,
        "version": version,
        "task": "digit",
        "variants": [
            {
                "file": INT8,
                "sha256": hashlib.sha256((folder / INT8).read_bytes()).hexdigest(),
                "width": 32,
                "height": 32,
            }
        ],
        "input": {"colour": "grey", "mean": [0.0], "std": [255.0]},
        "output": {
            "tensors": {"scores": 0},
            "decoding": "softmax",
            "temperature": temperature,
            "labels": list(labels),
        },
        "thresholds": {"accept": {"value": accept.value, "meaning": accept.meaning}} if accept else {},
        "figures": [
            {
                "metric": figure.metric,
                "value": round(figure.value, 4),
                "data": figure.data,
                "command": figure.command,
                "machine": platform.machine(),
                "date": date.today(),
            }
            for figure in figures
        ],
        "licence": "Apache-2.0",
        "made_by": {
            "command": command,
            "seed": seed,
            "data": [dict(source) for source in sources],
            "teachers": [],
        },
    }
    text = yaml.safe_dump(card, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    (folder / "card.yaml").write_text(text, encoding="utf-8")


def add_golden(folder: Path) -> None:
    """Writes what the model gives for the golden picture into its card. Raises ModelError."""
    with contextlib.redirect_stdout(sys.stderr):  # standard output is for the figures
        cards.main([str(folder), "--write"])
