"""Data sets: the idx format, damaged and missing files, the real sets where they are."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, InputError
from tools.data import data_folder, letters, mnist, optdigits, semeion
from tools.data.__main__ import main
from tools.data.idx import read_idx
from tools.data.sets import OPTDIGITS, SEMEION


def idx(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_idx_gives_the_shape_of_its_header(tmp_path: Path) -> None:
    pictures = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "pictures.gz"
    path.write_bytes(gzip.compress(idx(pictures)))
    np.testing.assert_array_equal(read_idx(path), pictures)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no idx file"),
        (gzip.compress(b""), "no idx file"),
        (b"\0\0\x08\x01\0\0\0\x02ab", "no whole gzip"),
        (gzip.compress(idx(np.zeros(9, np.uint8)))[:-9], "no whole gzip"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x01abcd"), "no idx file"),
        (gzip.compress(b"\0\0\x08\x03\0\0\0\x02"), "within its header"),
        (gzip.compress(idx(np.zeros((4, 4), np.uint8))[:-1]), "15 values"),
        (gzip.compress(idx(np.zeros((4, 4), np.uint8)) + b"x"), "17 values"),
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "damaged.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_no_data_folder_is_a_wrong_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="--data"):
        data_folder(tmp_path)
    (tmp_path / "data" / "digits").mkdir(parents=True)
    assert data_folder(tmp_path / "data") == tmp_path / "data"
    assert data_folder(tmp_path / "data" / "digits") == tmp_path / "data"
    monkeypatch.setenv("EDGE_SHARED", str(tmp_path))
    assert data_folder() == tmp_path / "data"


def test_missing_sets_are_told_with_where_they_are_had(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "digits" / "mnist").mkdir(parents=True)
    assert main(["--data", str(tmp_path), "--json"]) == 1
    states = json.loads(capsys.readouterr().out)
    assert len(states) == 7
    assert all("is missing" in state and "usually had from" in state for state in states.values())


def test_the_command_without_a_data_folder_ends_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 78
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.shared
def test_a_changed_byte_is_found(shared: Path, tmp_path: Path) -> None:
    for source in (SEMEION, OPTDIGITS):
        (tmp_path / source.path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shared / "data" / source.path, tmp_path / source.path)
    content = bytearray((tmp_path / SEMEION.path).read_bytes())
    content[1000] ^= 1
    (tmp_path / SEMEION.path).write_bytes(content)
    with pytest.raises(InputError, match="damaged or another file"):
        semeion(tmp_path)
    assert len(optdigits(tmp_path).digits) == 1797


@pytest.mark.shared
def test_the_sets_are_what_their_papers_say(shared: Path) -> None:
    root = shared / "data"
    sets = {
        "train": mnist(root, "train"),
        "test": mnist(root, "test"),
        "s": semeion(root),
        "o": optdigits(root),
    }
    shapes = {name: found.pictures.shape for name, found in sets.items()}
    assert shapes == {
        "train": (60000, 28, 28),
        "test": (10000, 28, 28),
        "s": (1593, 16, 16),
        "o": (1797, 32, 32),
    }
    for found in sets.values():
        assert set(found.digits) == set(range(10))
        assert found.pictures[:, 0, 0].mean() < 128, "ink is bright on black"
    drawn = letters(root)
    assert drawn.shape[1:] == (105, 105)
    assert 0.01 < (drawn > 0).mean() < 0.1
