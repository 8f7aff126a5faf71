"""A file is replaced whole or not at all, whatever lies beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edge import atomic


@pytest.mark.parametrize("synced", [True, False])
def test_it_holds_the_new_content_alone_and_is_ours_alone(tmp_path: Path, synced: bool) -> None:
    file = tmp_path / "changes.json"
    file.write_text("what was there before, and longer")
    file.chmod(0o644)
    atomic.write(file, b"new", synced=synced)
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["changes.json"]


def test_what_was_left_half_written_is_no_obstacle(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    (tmp_path / ".file.new").symlink_to(elsewhere)
    atomic.write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert elsewhere.read_text() == "not ours"


def test_a_disk_that_refuses_leaves_what_was(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    (tmp_path / ".file.new").mkdir()
    with pytest.raises(IsADirectoryError):
        atomic.write(file, b"new")
    assert file.read_bytes() == b"before"
