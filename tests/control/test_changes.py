"""What commands have changed: kept whole or not at all, on disks that fail, and read whatever lies there."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.cli.main import main
from edge.control.changes import ASKERS, FILE, RETRY, Changes, ChangesFile, UnusableError, read

CHANGES = Changes(detect=False, thresholds={"digits": 0.9})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / FILE


def keep(file: ChangesFile, changes: Changes, now: float = 0.0) -> list[bool]:
    """Has them written; gives what the asker was told."""
    told: list[bool] = []
    file.want(changes, told.append)
    file.tend(now)
    return told


def test_what_was_kept_is_there_for_the_next_process(path: Path) -> None:
    assert keep(ChangesFile(path), CHANGES) == [True]
    assert ChangesFile(path).load() == read(path) == CHANGES
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == [FILE], "nothing else is left there"


def test_no_changes_are_no_file(path: Path) -> None:
    file = ChangesFile(path)
    assert file.load() == Changes()
    keep(file, CHANGES)
    assert keep(file, Changes()) == [True]
    assert not path.exists()
    assert file.counters()["changes_written"] == 2


def test_the_card_is_written_only_when_something_differs(path: Path) -> None:
    file = ChangesFile(path)
    keep(file, CHANGES)
    before = path.stat().st_mtime_ns
    assert [keep(file, CHANGES) for _ in range(10)] == [[True]] * 10
    told: list[bool] = []
    for number in range(10):
        file.want(Changes(thresholds={"digits": number / 10}), told.append)
    file.want(CHANGES, told.append)
    file.tend(0.0)
    assert told == [True] * 11
    assert file.counters()["changes_written"] == 2, "eleven wishes in one turn are one writing"
    assert path.stat().st_mtime_ns >= before
    assert read(path) == CHANGES


def test_they_are_named_for_the_topic_and_for_people() -> None:
    assert CHANGES.names() == ["detect", "thresholds.digits"]
    assert CHANGES.describe() == "detect off, threshold of digits 0.9"
    assert Changes(None, {"a\x1b[31m\nb": 0.5}).describe() == "threshold of a\\x1b[31m\\nb 0.5"
    assert not Changes()
    assert Changes(detect=True)


BAD = [
    b"", b"{", b"[]", b"null", b"\xff", b'{"schema": 2}', b'{"schema": 1, "detect": 1}',
    b'{"schema": 1, "thresholds": []}', b'{"schema": 1, "thresholds": {"digits": 1.5}}',
    b'{"schema": 1, "thresholds": {"digits": NaN}}', b'{"schema": 1, "thresholds": {"digits": true}}',
    b"[" * 60_000, b" " * 70_000,
]  # fmt: skip


@pytest.mark.parametrize("content", BAD, ids=lambda content: repr(content[:30]))
def test_a_file_that_is_none_is_set_aside_and_told(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(UnusableError):
        read(path)
    file = ChangesFile(path)
    assert file.load() == Changes()
    assert not path.exists()
    assert path.with_name("changes.json.unusable").read_bytes() == content
    assert "set aside as changes.json.unusable" in caplog.text
    assert keep(file, CHANGES) == [True]
    assert read(path) == CHANGES


@given(content=st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_changes_or_are_none(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    with contextlib.suppress(UnusableError):
        assert isinstance(read(path), Changes)


def test_whatever_lies_there_under_this_name_holds_nobody_up(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(UnusableError):
        read(path)
    path.unlink()
    path.symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="symbolic link"):
        read(path)
    assert ChangesFile(path).load() == Changes()


@pytest.fixture
def broken(path: Path) -> Iterator[Path]:
    """A state's folder that cannot be written to, though root may do anything: it is a file."""
    path.parent.write_bytes(b"")
    yield path
    if path.parent.is_file():
        path.parent.unlink()


def test_a_disk_in_trouble_is_told_once_and_tried_again(
    broken: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = ChangesFile(broken)
    assert keep(file, CHANGES, now=0.0) == [False]
    assert keep(file, CHANGES, now=1.0) == [False], "who asks is answered at once, though it fails again"
    assert caplog.text.count("cannot be written") == 1
    broken.parent.unlink()
    file.tend(2.0)
    assert not broken.exists(), "not at every turn"
    file.tend(1.0 + RETRY)
    assert read(broken) == CHANGES
    assert file.counters() == {"changes_written": 1, "changes_failures": 2}
    assert keep(file, CHANGES) == [True]


def test_a_full_disk_leaves_the_old_file_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = ChangesFile(path)
    keep(file, CHANGES)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert keep(file, Changes(detect=False), now=0.0) == [False]
    assert read(path) == CHANGES
    monkeypatch.undo()
    file.tend(RETRY)
    assert read(path) == Changes(detect=False)
    assert [found.name for found in path.parent.iterdir()] == [FILE]


def test_those_who_wait_are_bounded(path: Path) -> None:
    file = ChangesFile(path)
    told: list[bool] = []
    for number in range(ASKERS + 5):
        file.want(Changes(thresholds={"digits": number / 1000}), told.append)
    assert told == [False] * 5
    file.tend(0.0)
    assert told == [False] * 5 + [True] * ASKERS
    assert read(path).thresholds == {"digits": (ASKERS + 4) / 1000}


def test_a_power_cut_between_writing_and_renaming_leaves_what_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(ChangesFile(path), CHANGES)
    path.with_name(f".{FILE}.new").write_text(json.dumps({"schema": 1, "det"[:3]: 1})[:9])
    assert ChangesFile(path).load() == CHANGES
    assert keep(ChangesFile(path), Changes(detect=False)) == [True]
    assert read(path) == Changes(detect=False)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (None, 0, "nothing is changed by command"),
        ('{"schema": 1, "detect": false, "thresholds": {"digits": 0.9}}', 0,
         "changed by command: detect off, threshold of digits 0.9"),
        ('{"schema": 9}', 78, "not an object with schema 1; the service sets it aside"),
    ],
)  # fmt: skip
def test_edge_check_shows_them(
    path: Path, content: str | None, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.parent.mkdir()
    if content is not None:
        path.write_text(content)
    cv2.imwrite(str(path.parent / "white.png"), np.full((48, 64, 3), 255, np.uint8))
    config = path.parent / "edge.yaml"
    told = {
        "camera": {"source": str(path.parent / "white.png")},
        "state": {"folder": str(path.parent)},
        "sinks": ["stdout"],
    }
    config.write_text(json.dumps(told))  # JSON is YAML
    assert main(["check", "--json", "-c", str(config)]) == code
    checks = json.loads(capsys.readouterr().out)["checks"]
    (found,) = [check["message"] for check in checks if check["part"] == "commands"]
    assert words in found
    assert content is None or path.read_text() == content, "looking changes nothing"
