"""Faces that are learnt from: cut out, with the teacher's embedding of each, whole or not at all."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from dlib_file import network

from edge.errors import InputError

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from tools.train_faces.harvest import STORED, harvest, load  # noqa: E402
from tools.train_faces.net import SIZE, TEACHER, FaceNet, fill  # noqa: E402
from tools.train_faces.sources import Picture  # noqa: E402

POINTS = np.array([(40, 40), (80, 40), (60, 60), (45, 85), (75, 85)], np.float32)


class Finder:
    """Finds as many faces as a picture's brightest level says, or is interrupted."""

    def __init__(self, stop_after: int = 10**6) -> None:
        self.left = stop_after

    def points(self, picture: Picture) -> list[np.ndarray]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return [POINTS] * int(picture.image.max() // 100)


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """Ann alone, Ann with somebody else, and nobody."""
    work = tmp_path / "repositories" / "udacity+P1_Facial_Keypoints"
    (work / "data").mkdir(parents=True)
    for name, level in (("Ann_Ex_00.png", 120), ("Ann_Ex_01.png", 220), ("Ann_Ex_02.png", 20)):
        assert cv2.imwrite(str(work / "data" / name), np.full((128, 128, 3), level, np.uint8))
    git = ["git", "-C", str(work), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "pictures"], check=True)
    lists = tmp_path / "lists" / "verify"
    lists.mkdir(parents=True)
    (lists / "ytf_train_persons.txt").write_text("Ann_Ex\n")
    (lists / "lfw_identity_overlap.txt").write_text("")
    return tmp_path


def test_a_cache_holds_each_person_s_own_faces_and_is_whole_or_none(repositories: Path) -> None:
    teacher = FaceNet(TEACHER).eval()
    fill(teacher, network())
    places, cache = (repositories / "repositories", repositories / "lists"), repositories / "cache"
    told: list[tuple[str, int, int, int]] = []

    def crops(finder: Finder) -> int:
        return harvest(*places, finder, teacher, cache=cache, tell=lambda *said: told.append(said))  # type: ignore[arg-type]

    assert crops(Finder()) == 1, "of two faces nobody knows which is Ann's"
    assert told[-1] == ("udacity/P1_Facial_Keypoints", 3, 3, 1)
    chips, targets, faces = load(cache)
    assert chips.shape == (1, STORED, STORED, 3)
    assert abs(int(chips.max()) - 120) <= 1
    assert targets.shape == (1, SIZE)
    assert np.abs(targets).max() > 0
    assert faces == [("udacity/P1_Facial_Keypoints", "Ann_Ex")]
    with pytest.raises(KeyboardInterrupt):
        crops(Finder(stop_after=1))
    with pytest.raises(InputError, match="no whole cache"):
        load(cache)
