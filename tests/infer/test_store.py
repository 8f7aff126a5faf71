"""Where models are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import Linear, folder_of

from edge.errors import ModelError
from edge.infer import store
from edge.infer.settings import InferSettings


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder of models with two in it and something else."""
    folder_of(tmp_path / "own" / "first", Linear())
    folder_of(tmp_path / "own" / "second", Linear())
    (tmp_path / "own" / "notes").mkdir()
    (tmp_path / "own" / "README").write_text("no model")
    return tmp_path / "own"


@pytest.fixture
def built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of the models that come with edge."""
    folder_of(tmp_path / "share" / "second", Linear())
    folder_of(tmp_path / "share" / "third", Linear())
    monkeypatch.setattr(store, "built_in", lambda: tmp_path / "share")
    return tmp_path / "share"


def test_the_settings_folder_comes_before_the_built_in_one(own: Path, built_in: Path) -> None:
    settings = InferSettings(models=str(own))
    assert store.find("first", settings) == own / "first"
    assert store.find("second", settings) == own / "second"
    assert store.find("third", settings) == built_in / "third"
    assert store.installed(settings) == [own / "first", own / "second", built_in / "third"]


def test_a_name_with_a_slash_is_a_folder(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.parent)
    assert store.find("own/first", InferSettings()) == Path("own/first")
    assert store.find(str(own / "first"), InferSettings()) == own / "first"


@pytest.mark.parametrize("name", ["fourth", "notes", "README", "..", ""])
def test_a_name_that_is_not_there_is_told_with_those_that_are(own: Path, built_in: Path, name: str) -> None:
    with pytest.raises(ModelError, match="there is: first, second, third") as caught:
        store.find(name, InferSettings(models=str(own)))
    assert repr(name) in str(caught.value)


def test_a_folder_without_a_card_is_no_model(own: Path) -> None:
    with pytest.raises(ModelError, match=r"notes: is no model: card\.yaml is not there"):
        store.find(str(own / "notes"), InferSettings())


def test_a_settings_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: cannot be listed: No such file"):
        store.installed(InferSettings(models=str(tmp_path / "nowhere")))


def test_the_built_in_models_are_those_of_the_checkout() -> None:
    assert store.built_in() == Path(__file__).parents[2] / "models"
