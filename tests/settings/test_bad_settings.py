"""Files that nobody means, and some that a tired person writes: a line each with its place, never a hang."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.errors import ConfigError, Problem, SettingsError
from edge.settings.load import load, parse
from edge.settings.sections import StateSettings


def only(text: str) -> Problem:
    with pytest.raises(SettingsError) as caught:
        parse(text, "edge.yaml")
    (problem,) = caught.value.problems
    assert str(problem).isprintable()
    return problem


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('camera:\n  source: "a\\0b"\n', "camera.source", "U+0000"),
        ('camera:\n  source: "\\ud800"\n', "camera.source", "U+D800"),
        ('mqtt:\n  password_file: "\\e[31m"\n', "mqtt.password_file", "U+001B"),
        ("camera:\n  source: \x1b[31m\n", "", "U+001B"),
        ("camera:\n  source: 2026-99-99\n", "camera.source", "month must be"),
        (f"camera:\n  fps: {'9' * 5000}\n", "camera.fps", ""),
        ("camera:\n  fps: !!binary aGVsbG8=\n", "", "tags are not read"),
        ("camera:\n  masks: !!set {a}\n", "", "tags are not read"),
        ("mqtt:\n  host: a..b\n", "mqtt.host", "1 to 63 characters"),
        (f"mqtt:\n  host: {'a' * 64}.net\n", "mqtt.host", "1 to 63 characters"),
    ],
)
def test_a_value_that_nobody_means_is_told_with_its_line(text: str, key: str, words: str) -> None:
    problem = only(text)
    assert (problem.line, problem.key) == (2, key)
    assert words in problem.message


@pytest.mark.parametrize("host", ["mqtts://camera:hunter2@broker", "camera:hunter2@broker", "a:hunter2@x@b"])
def test_a_password_in_the_broker_s_name_is_not_shown(host: str) -> None:
    problem = only(f"mqtt:\n  host: {host}\n")
    assert "hunter2" not in str(problem)
    assert "***@b" in problem.message
    assert "password_file" in problem.message


def test_a_password_in_the_place_of_a_key_is_not_shown() -> None:
    assert "hunter2" not in str(only("camera:\n  rtsp://admin:hunter2@camera/1: 1\n"))


def test_lines_of_windows_and_its_mark_at_the_beginning_are_read(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_bytes(b"\xef\xbb\xbfcamera:\r\n  fps: 3\r\n")
    assert load(file).camera.fps == 3


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="a pipe"):
        load(tmp_path / "pipe")


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="larger than"):
        load(Path("/dev/zero"))


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    with pytest.raises(ConfigError, match=r"state\.folder"):
        StateSettings().resolved()


def test_a_key_that_would_steer_a_terminal_is_shown_harmless() -> None:
    problem = only("loop:\n  \u202edeadline\u2066: 1\n")
    assert "\u202e" in problem.key, "the key itself is as it was written"


def test_a_place_with_too_few_numbers_is_an_error_of_ours() -> None:
    with pytest.raises(SettingsError, match=r"camera\.masks"):
        parse("camera:\n  masks: [[]]\n", "edge.yaml")
