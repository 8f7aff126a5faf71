"""What faces are learnt from, without PyTorch: whose pictures, the teacher's file, views, targets."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from dlib_file import STORED, dat, network

from edge.errors import ConfigError, InputError
from tools.train_faces.bend import Batches, bent
from tools.train_faces.dat import tensors
from tools.train_faces.names import pulled, shown, told
from tools.train_faces.sources import SOURCES, pictures


def test_the_file_is_read_to_the_last_value(tmp_path: Path) -> None:
    parts = network()
    (tmp_path / "net.dat").write_bytes(dat(parts))
    read = [values for values in tensors(tmp_path / "net.dat") if len(values) >= 32]
    assert len(read) == len(parts) == 59
    assert all(np.array_equal(a, b) for a, b in zip(read, parts, strict=True))
    for wrong in (b"", b"nothing of the kind" * 30):
        (tmp_path / "net.dat").write_bytes(wrong)
        with pytest.raises(InputError, match="no tensors"):
            tensors(tmp_path / "net.dat")
    with pytest.raises(InputError, match="cannot be read"):
        tensors(tmp_path / "missing.dat")


def test_views_are_of_the_student_s_size_and_seeded() -> None:
    stored = np.random.default_rng(2).integers(0, 256, (STORED, STORED, 3)).astype(np.uint8)
    views = [bent(np.random.default_rng(seed), stored) for seed in range(40)]
    assert {view.shape for view in views} == {(112, 112, 3)}
    assert np.array_equal(views[3], bent(np.random.default_rng(3), stored))
    with Batches(np.stack([stored] * 8), np.arange(4), 4, seed=1) as batches:
        made, places = next(batches)
    assert made.shape == (4, 112, 112, 3)
    assert sorted(places) == [0, 1, 2, 3]


def test_names_are_learnt_of_trusted_sources_and_not_of_those_who_judge() -> None:
    trusted = next(source.repository for source in SOURCES if source.trusted)
    other = next(source.repository for source in SOURCES if not source.trusted)
    faces = [(trusted, f"{number // 2:03d}") for number in range(24)] + [(other, "a"), (trusted, "")]
    names = [person for _, person in told(faces)]
    assert names[24:] == ["", ""]
    judges = {faces[place][1] for place in range(24) if not names[place]}
    assert judges == {"000", "006"}, "every sixth, with all pictures"
    assert all(names[place] == faces[place][1] for place in range(24) if names[place])


def test_names_that_can_be_trusted_pull_targets_to_their_person() -> None:
    trusted = next(source for source in SOURCES if source.pull and source.often > 1)
    other = next(source for source in SOURCES if not source.pull)
    faces = [
        (trusted.repository, "a"),
        (trusted.repository, "a"),
        (trusted.repository, ""),
        (other.repository, "a"),
    ]
    targets = np.array([[0.0, 2.0], [2.0, 0.0], [5.0, 5.0], [9.0, 9.0]], np.float32)
    moved = pulled(targets, faces)
    assert np.allclose(moved[0], [trusted.pull, 2 - trusted.pull])
    assert np.array_equal(moved[2:], targets[2:])
    assert np.array_equal(targets[0], [0, 2])
    times = np.bincount(shown(np.arange(4), faces), minlength=4)
    assert times.tolist() == [trusted.often, trusted.often, trusted.often, 1]


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """A repository of one of the sources, with three persons: learnt, tested, and not on the list."""
    work = tmp_path / "repositories" / "udacity+P1_Facial_Keypoints"
    (work / "data" / "training").mkdir(parents=True)
    for name in ("Ann_Ex_00.jpg", "Bo_Test_01.jpg", "Cy_Other_02.jpg", "Ann_Ex_03.txt"):
        assert cv2.imwrite(str(work / "p.jpg"), np.full((60, 60, 3), 99, np.uint8))
        (work / "p.jpg").rename(work / "data" / "training" / name)
    (work / "data" / "training" / "Ann_Ex_04.jpg").write_bytes(b"broken")
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "pictures"], check=True)
    lists = tmp_path / "lists" / "verify"
    lists.mkdir(parents=True)
    (lists / "ytf_train_persons.txt").write_text("Ann_Ex\nBo_Test\n")
    (lists / "lfw_identity_overlap.txt").write_text("# who is in the test\nytf\tBo_Test\n")
    return tmp_path


def test_a_person_s_number_comes_from_the_repository_s_own_list(repositories: Path) -> None:
    work = repositories / "repositories" / "udacity+P1_Facial_Keypoints"
    (work / "numbers.txt").write_text("Ann_Ex_00.jpg 7\nno line\n")
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "numbers"], check=True)
    source = next(one for one in SOURCES if one.repository == "udacity/P1_Facial_Keypoints")
    numbered = replace(source, numbers="numbers.txt")
    places = repositories / "repositories", repositories / "lists"
    assert [one.identity for one in pictures(*places, lambda *_: None, [numbered])] == ["7"]
    missing = replace(source, numbers="nowhere.txt")
    assert [one.identity for one in pictures(*places, lambda *_: None, [missing])] == ["Ann_Ex"]


def test_nobody_of_the_test_and_nobody_off_the_list_is_learnt(repositories: Path) -> None:
    told: list[tuple[str, int]] = []
    found = list(
        pictures(repositories / "repositories", repositories / "lists", lambda *said: told.append(said))
    )
    assert [picture.identity for picture in found] == ["Ann_Ex"]
    assert told == [("udacity/P1_Facial_Keypoints", 2)]
    (repositories / "lists" / "verify" / "lfw_identity_overlap.txt").unlink()
    with pytest.raises(InputError, match="must not be learnt"):
        list(pictures(repositories / "repositories", repositories / "lists", lambda *_: None))
    (repositories / "lists" / "verify" / "lfw_identity_overlap.txt").write_text("")
    with pytest.raises(ConfigError, match="none of the repositories"):
        list(pictures(repositories / "lists", repositories / "lists", lambda *_: None))
