"""Cards and model files that nobody means: one line, never a hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.errors import ModelError
from edge.infer.card import FILE_NAME, load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import built_in, find


def test_a_date_that_there_is_not_is_no_card(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("name: 2026-99-99\n")
    with pytest.raises(ModelError, match="is no YAML: month must be"):
        load_card(tmp_path)


def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    card = sorted(built_in().glob(f"*/{FILE_NAME}"))[0]
    (tmp_path / FILE_NAME).write_bytes(card.read_bytes())
    os.mkfifo(tmp_path / load_card(tmp_path).variants[0].file)
    with pytest.raises(ModelError, match="a pipe, no file"):
        Model.load(f"{tmp_path}/", InferSettings())


def test_the_home_of_a_stranger_is_no_fault() -> None:
    with pytest.raises(ModelError, match="is no model"):
        find("~nobody-of-this-name/model", InferSettings())
