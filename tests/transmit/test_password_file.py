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
