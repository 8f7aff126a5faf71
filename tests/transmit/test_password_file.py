"""What may stand where the password's file should be: one line, never a hang or all of the memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.errors import ConfigError
from edge.transmit.credentials import password
from edge.transmit.settings import MqttSettings


def refused(place: Path) -> str:
    with pytest.raises(ConfigError, match=r"mqtt\.password_file: ") as caught:
        password(MqttSettings(password_file=str(place)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_pipe_a_device_and_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for place in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        assert f"cannot read {place}" in refused(place)


def written(folder: Path, content: bytes) -> Path:
    file = folder / "password"
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\nmore\r\n", "hunter2"),
        (b"\xef\xbb\xbfhunter2\n", "hunter2"),
        (b" blanks stay \n", " blanks stay "),
        ("g\u00e4nsef\u00fc\u00dfchen".encode(), "g\u00e4nsef\u00fc\u00dfchen"),
        (b"x" * 65_535 + b"\n", "x" * 65_535),
        (b"hunter2\n" + b"\xff" * 1_000_000, "hunter2"),
    ],
)
def test_the_first_line_is_the_password(tmp_path: Path, content: bytes, found: str) -> None:
    assert password(MqttSettings(password_file=str(written(tmp_path, content)))) == found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\nhunter2\n", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"x" * 65_536, "is longer than a password can be"),
        (b"x" * 10_000_000, "is longer than a password can be"),
        (b"hunter\x002\n", "has control characters"),
        (b"hunter\x1b[2J\n", "has control characters"),
        (b"hunter2\xff\n", "it is not UTF-8"),
        ("hunter2\n".encode("utf-16"), "it is not UTF-8"),
    ],
)
def test_what_is_no_password_is_told_without_showing_it(tmp_path: Path, content: bytes, told: str) -> None:
    words = refused(written(tmp_path, content))
    assert told in words
    assert "hunter" not in words


def test_a_link_counts_as_the_file_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file := written(tmp_path, b"hunter2"))
    assert password(MqttSettings(password_file=str(tmp_path / "link"))) == "hunter2"
    file.chmod(0o644)
    assert "has mode 0644, so others can use it" in refused(tmp_path / "link")
    file.unlink()
    assert "No such file" in refused(tmp_path / "link")


def test_an_empty_credential_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mqtt-password").touch()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(ConfigError, match="the systemd credential mqtt-password: the first line"):
        password(MqttSettings())
