"""Figures of digit models: what a card states is what its command prints."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edge.infer.card import load_card
from tools.data import Labelled
from tools.train_digits import figures

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.parametrize("name", ["digits-cnn", "digits-mlp"])
def test_what_a_card_says_is_printed_by_its_commands(
    shared: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The names, not the values: nothing is run here."""
    folder = MODELS / name
    tiny = Labelled(np.zeros((20, 32, 32), np.uint8), np.arange(20, dtype=np.uint8) % 11)
    monkeypatch.setattr(figures, "scene_set", lambda *_: tiny)
    monkeypatch.setattr(figures, "drawn_set", lambda *_: tiny)
    monkeypatch.setattr(figures, "run", lambda model, crops, what: np.full((len(crops), 11), 1 / 11))
    monkeypatch.setattr("tools.quantize.judge.run", lambda file, values: np.zeros((len(values), 11)))
    printed = {(found.metric, found.data) for found in figures.measure(folder, shared / "data")}
    fonts_differ = re.compile(r"type of \d+ |together \(\d+\)")
    names = {(metric, fonts_differ.sub("", data)) for metric, data in printed}
    command = f"python -m tools.train_digits.figures models/{folder.name}"
    stated = [figure for figure in load_card(folder).figures if figure.command == command]
    assert len(stated) >= 8
    for figure in stated:
        if "type of" not in figure.data:  # there only where fonts are installed
            assert (figure.metric, fonts_differ.sub("", figure.data)) in names
