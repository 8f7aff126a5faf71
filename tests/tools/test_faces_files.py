"""Labels, tars and ``.npz`` that anybody may have made: what is not whole is told, and nothing is run."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from tools.evaluate.faces.archive import open_pictures
from tools.evaluate.faces.labels import load_labels
from tools.evaluate.faces.npz import Arrays
from tools.evaluate.faces.pairs import load_pairs
from tools.evaluate.faces.persons import persons_of


def face(box: list[float] | None = None, **changes: Any) -> dict[str, Any]:
    whole = {"box": box or [90, 80, 60, 80], "landmarks": None, "masked": False, "ignore": False}
    return {**whole, **changes}


def line(file: str = "a.png", faces: list[Any] | None = None, **changes: Any) -> str:
    found = [face()] if faces is None else faces
    return json.dumps({"file": file, "size": [320, 240], "faces": found, "main_face_only": False, **changes})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("", "names no pictures"),
        ("{", ":1: not whole .JSONDecodeError"),
        (line() + "\n" + line("b.png")[:-2], ":2: not whole"),
        (line() + "\n\n[]", ":3: not whole"),
        (line() + "\n" + "[" * 100_000, ":2: not whole .RecursionError|:2: not whole .JSONDecodeError"),
        (json.dumps({"file": "a.png", "size": [320, 240]}), "KeyError: 'faces'"),
        (line(size=[320]), ":1: not whole .ValueError"),
        (line(size=[0, 240]), ":1: the size 0x240 is impossible"),
        (line(faces=[face([1, 2, 0, 4])]), ":1: not whole .ValueError: box .* impossible"),
        (line(faces=[face([1, 2, 1e400, 4])]), ":1: not whole"),
        (line(faces=[face(landmarks=[[1, 2]])]), "landmarks are 1, 5 points"),
        (line(faces=[{"box": [1, 2, 3, 4]}]), "KeyError: 'landmarks'"),
        (line() + "\n" + line(), "a.png stands in it twice"),
    ],
)
def test_labels_that_are_not_whole_are_told_with_their_line(
    tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "labels.jsonl"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        load_labels(file)
    assert "\n" not in str(raised.value)


def png(value: int = 120) -> bytes:
    return cv2.imencode(".png", np.full((240, 320, 3), value, np.uint8))[1].tobytes()


def tarred(file: Path, *members: tuple[str, bytes | None]) -> Path:
    """A tar of names with their bytes; None: a link to a secret."""
    with tarfile.open(file, "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                member.size = len(content)
            archive.addfile(member, None if content is None else io.BytesIO(content))
    return file


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "holds no pictures"),
        ([("notes.txt", b"x")], "holds no pictures"),
        ([("../../a.png", png())], "leads out of the tar"),
        ([("/etc/a.png", png())], "leads out of the tar"),
        ([("a\n.png", png())], "leads out of the tar"),
        ([("a.png", None)], "is no plain file"),
    ],
)
def test_a_tar_with_tricks_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes | None]], message: str
) -> None:
    with pytest.raises(InputError, match=message) as raised:
        open_pictures(tarred(tmp_path / "x.tar", *members))
    assert "\n" not in str(raised.value)
    assert [file.name for file in tmp_path.iterdir()] == ["x.tar"], "something was unpacked"


def test_what_is_no_tar_is_told(tmp_path: Path) -> None:
    whole = tarred(tmp_path / "x.tar", ("a.png", png()))
    (tmp_path / "z.tar").write_bytes(gzip.compress(whole.read_bytes()))
    (tmp_path / "cut.tar").write_bytes(whole.read_bytes()[:700])
    (tmp_path / "empty.tar").write_bytes(b"")
    for name in ("z.tar", "cut.tar", "empty.tar", "missing.tar"):
        with pytest.raises(InputError):
            open_pictures(tmp_path / name)


def test_a_damaged_picture_is_told_by_its_name(tmp_path: Path) -> None:
    pictures = open_pictures(
        tarred(tmp_path / "x.tar", ("a.png", png()), ("b.jpg", b"\xff\xd8\xff junk"), ("c.png", png()[:300]))
    )
    assert pictures["a.png"].shape == (240, 320, 3)
    for name in ("b.jpg", "c.png", "d.png"):
        with pytest.raises(InputError, match=name):
            _ = pictures[name]


def jpegs(count: int = 4, side: int = 112) -> np.ndarray[Any, Any]:
    """JPEG files of crops, as an array of objects."""
    found = np.empty(count, object)
    for place in range(count):
        crop = np.full((side, side, 3), 20 * place, np.uint8)
        found[place] = cv2.imencode(".jpg", crop)[1].tobytes()
    return found


def whole(**changes: Any) -> dict[str, Any]:
    """What a set of pairs holds: two persons with two pictures each."""
    names = np.array(["anna/1.jpg", "anna/2.jpg", "bert/1.jpg", "bert/2.jpg"])
    pairs = np.array([[0, 1], [2, 3], [0, 2], [1, 3]])
    same = np.array([True, True, False, False])
    return {"images": jpegs(), "names": names, "pairs": pairs, "same": same, **changes}


def stored(file: Path, arrays: dict[str, Any]) -> Path:
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
    return file


def test_a_set_of_pairs_is_read(tmp_path: Path) -> None:
    found = load_pairs(stored(tmp_path / "x.npz", whole(fold=np.arange(4))))
    assert len(found.crops) == 4
    assert found.crops.image(1).shape == (112, 112, 3)
    assert found.fold is None, "four folds are not ten"
    assert persons_of(found).tolist() == ["anna", "anna", "bert", "bert"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "has no array images; it holds: names, pairs, same"),
        ({"pairs": None}, "has no array pairs"),
        ({"images": np.zeros((4, 112, 112, 3), np.uint8)}, "images is uint8"),
        ({"pairs": np.array([[0, 1], [2, 4], [0, 2], [1, 3]])}, "names image 4 of 4"),
        ({"pairs": np.array([0, 1, 2, 3])}, r"pairs is int64 \(4,\)"),
        ({"pairs": np.array([[0, 1], [2, 3], [0, 2], [1, 3]], float)}, "pairs is float64"),
        ({"same": np.ones(4, bool)}, "same is bool, 4 of 4"),
        ({"same": np.ones(3, bool)}, r"same is \(3,\)"),
        ({"names": np.array(["anna/1.jpg"])}, "1 names of 4 images"),
        ({"protocol": np.array(["FF"])}, r"protocol is \(1,\)"),
    ],
)
def test_a_set_that_is_not_whole_is_told(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        load_pairs(stored(tmp_path / "x.npz", whole(**changes)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_npz_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"no \.npz"):
        Arrays(tmp_path / "x.npz")
    with pytest.raises(InputError, match="no such file"):
        Arrays(tmp_path / "y.npz")


def test_a_damaged_crop_is_told_by_its_number(tmp_path: Path) -> None:
    images = jpegs()
    images[1], images[2] = b"\xff\xd8\xff no", jpegs(1, 96)[0]
    found = load_pairs(stored(tmp_path / "x.npz", whole(images=images)))
    with pytest.raises(InputError, match="image 1: "):
        found.crops.image(1)
    with pytest.raises(InputError, match="image 2 is 96x96"):
        found.crops.image(2)


class Trap:
    """Would make a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.file}",)


@pytest.mark.parametrize("inside", [True, False], ids=["an item", "the whole"])
def test_a_pickle_runs_nothing(tmp_path: Path, inside: bool) -> None:
    trap, sprung = Trap(tmp_path / "sprung"), tmp_path / "sprung"
    images = jpegs()
    if inside:
        images[2] = trap
        file = stored(tmp_path / "x.npz", whole(images=images))
    else:
        file = stored(tmp_path / "x.npz", whole(images=None))
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": (4,)})
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr("images.npy", header.getvalue() + pickle.dumps(trap))
    with pytest.raises(InputError, match=r"posix\.system, which no array of JPEG files needs"):
        load_pairs(file)
    assert not sprung.exists()
    if inside:
        np.load(file, allow_pickle=True)["images"]
        assert sprung.exists(), "the trap is none"


def test_an_array_of_anything_but_bytes_is_refused(tmp_path: Path) -> None:
    images = jpegs()
    images[0] = [1, 2]
    with pytest.raises(InputError, match="an item is not bytes"):
        load_pairs(stored(tmp_path / "x.npz", whole(images=images)))


def test_names_that_do_not_agree_with_the_pairs_tell_nobody(tmp_path: Path) -> None:
    file = stored(tmp_path / "x.npz", whole(names=np.array(["a/1", "b/1", "a/2", "b/2"])))
    with pytest.raises(InputError, match="agrees with its pairs"):
        persons_of(load_pairs(file))
    with pytest.raises(InputError, match="no folders"):
        persons_of(load_pairs(stored(file, whole(names=np.array(["1", "2", "3", "4"])))))
