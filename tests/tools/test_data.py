"""Data sets: the idx format, damaged and missing files, the real sets where they are."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import ConfigError, InputError
from tools.data import data_folder, letters, mnist, optdigits, semeion
from tools.data import states as checks
from tools.data.__main__ import main
from tools.data.idx import read_idx
from tools.data.sets import OPTDIGITS, SEMEION, SOURCES
from tools.data.states import PHOTOGRAPHS


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
    found = json.loads(capsys.readouterr().out)
    assert len(found) == checks.COUNT
    for source in SOURCES:
        assert found[source.path] == {"state": "missing", "remedy": source.origin}
    for folder in PHOTOGRAPHS:
        assert found[folder.path] == {"state": "missing", "remedy": f"only for reports; {folder.origin}"}


def test_the_table_fits_into_eighty_columns_and_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "digits" / "mnist").mkdir(parents=True)
    (tmp_path / OPTDIGITS.path).parent.mkdir()
    (tmp_path / OPTDIGITS.path).write_bytes(b"something else")
    assert main(["--data", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    files, words, origins = ("".join(column) for column in zip(*rows, strict=True))
    for source in SOURCES:
        assert source.path in files
        assert source.origin.replace(" ", "") in origins.replace(" ", "")
    assert words.count("missing") >= len(SOURCES) - 1 + len(PHOTOGRAPHS)
    assert words.count("damaged") == 1
    assert "…" not in files + origins
    assert str(tmp_path) not in "".join(origins)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder where nothing with a checksum is wanted."""
    monkeypatch.setattr(checks, "SOURCES", ())
    for folder in PHOTOGRAPHS:
        place = tmp_path / folder.path
        place.mkdir(parents=True)
        for name in ("a.png", "b.jpg"):
            assert cv2.imwrite(str(place / name), np.zeros((9, 9), np.uint8))
        (place / "labels.json").write_text(json.dumps({"a.png": {}, "b.jpg": {}}))
    return tmp_path


def test_photographs_are_looked_for_by_their_labels(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def found() -> tuple[int, dict[str, str]]:
        code = main(["--data", str(published), "--json"])
        return code, json.loads(capsys.readouterr().out)[place]

    place = PHOTOGRAPHS[0].path
    folder = published / place
    assert found() == (0, {"state": "ok", "remedy": ""})
    (folder / "b.jpg").write_bytes(b"no picture")
    code, state = found()
    assert (code, state["state"]) == (1, "damaged")
    assert "1 of 2 pictures cannot be read, as b.jpg" in state["remedy"]
    (folder / "b.jpg").unlink()
    assert found() == (code, state)
    for text in ("[]", "{}", "{", '"a"'):
        (folder / "labels.json").write_text(text)
        code, state = found()
        assert (code, state["state"]) == (1, "damaged")
    (folder / "labels.json").unlink()
    code, state = found()
    assert (code, state["state"]) == (0, "missing"), "only reports need it"


@pytest.mark.parametrize(
    ("there", "word", "says"),
    [
        ("fonts-a installed\nfonts-b installed\nfonts-c installed", "ok", ""),
        ("fonts-a installed\nfonts-b config-files", "incomplete", "1 of 2 packages are not there"),
        ("other installed", "missing", "2 of 2 packages are not there.*tools/environment fonts"),
        (None, "unknown", "no Debian here"),
    ],
)
def test_fonts_are_looked_for_by_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, there: str | None, word: str, says: str
) -> None:
    (tmp_path / "fonts.txt").write_text("# a comment\nfonts-a\nfonts-b\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    if there is not None:
        lister = tmp_path / "dpkg-query"
        lister.write_text(f"#!/bin/sh\necho '{there}'\n")
        lister.chmod(0o755)
    state = checks._fonts(tmp_path / "fonts.txt")
    assert state.word == word
    assert not state.fails
    assert re.search(says, state.remedy)


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
