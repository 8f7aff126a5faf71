"""Mangled settings files: settings, or an error of ours with its line; never anything else, never long."""

from __future__ import annotations

import pytest

from edge.errors import ConfigError
from edge.settings.load import parse
from tools.soak import configs


def test_two_thousand_mangled_files_are_settings_or_an_error_of_ours() -> None:
    wrong, good = configs.search(0, 2000)
    assert not wrong, f"try them again by tools.soak.configs.mangled(NUMBER): {wrong}"
    # Neither all nonsense nor all harmless: both roads were taken.
    assert 20 < good < 1900


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_mangled_files() -> None:
    """The soak of the daemon has a hundred thousand."""
    wrong, good = configs.search(1_000_000, 10_000)
    assert 100 < good < 9500
    assert not wrong


def test_a_file_is_known_by_its_number() -> None:
    assert configs.mangled(7) == configs.mangled(7)
    assert len({configs.mangled(number) for number in range(100)}) > 95


def test_what_is_not_ours_would_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(_text: str, _name: str) -> None:
        raise KeyError("x")

    monkeypatch.setattr(configs, "parse", fault)
    assert configs.judge(b"camera: {}") == "KeyError: 'x'"
    monkeypatch.setattr(configs, "parse", parse)
    assert configs.judge(b"camera: {}") is None
    with pytest.raises(ConfigError):
        parse("camera: {fps: 0}", "edge.yaml")
