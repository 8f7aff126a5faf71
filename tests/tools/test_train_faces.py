"""Training of faces: cuts lie where they should, the teacher is rebuilt exactly, a stage learns."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from dlib_file import cached, dat, network

from edge.errors import ConfigError, InputError
from tools.train_faces.dat import tensors
from tools.train_faces.sources import pictures

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from tools.train_faces.bend import Batches, bent  # noqa: E402
from tools.train_faces.harvest import STORED, load  # noqa: E402
from tools.train_faces.learn import Learner  # noqa: E402
from tools.train_faces.net import SIZE, STUDENT, TEACHER, FaceNet, fill, normalised  # noqa: E402


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


def test_folded_parameters_compute_what_dlib_computes() -> None:
    """The stem by hand: convolution, then scale and shift of each channel."""
    parts = network()
    net = FaceNet(TEACHER).eval()
    fill(net, parts)
    chips = np.random.default_rng(5).integers(0, 256, (2, 150, 150, 3)).astype(np.uint8)
    x = normalised(chips)
    weights, bias = np.split(parts[0], [32 * 3 * 49])
    gamma, beta = np.split(parts[1], 2)
    plain = torch.nn.functional.conv2d(
        x, torch.from_numpy(weights.reshape(32, 3, 7, 7)), torch.from_numpy(bias), 2
    )
    wanted = plain * torch.from_numpy(gamma)[:, None, None] + torch.from_numpy(beta)[:, None, None]
    with torch.no_grad():
        assert torch.allclose(net.stem(x), wanted, atol=1e-4)
        assert net(x).shape == (2, SIZE)
        assert net.features(x).shape == (2, 256)
    with pytest.raises(InputError, match="tensors"):
        fill(FaceNet(TEACHER), parts[:-3])
    with pytest.raises(InputError, match="other sizes"):
        fill(FaceNet(TEACHER), [parts[2], *parts[1:]])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_stage_changes_the_weights_and_the_next_goes_on_from_them(tmp_path: Path) -> None:
    cached(tmp_path, 400)
    chips, targets, _ = load(tmp_path)
    learner = Learner(STUDENT, chips, targets, seed=1, held_out=100)
    learner.start(lambda net: fill(net, network()))
    before = {name: value.clone() for name, value in learner.average.state_dict().items()}
    learner.stage(0.05, 5e-4, lambda *_: None, tmp_path / "weights.pt")
    assert learner.history.faces_seen > 0
    assert any(not torch.equal(value, before[name]) for name, value in learner.average.state_dict().items())
    again = Learner(STUDENT, chips, targets, seed=1, held_out=100)
    again.load(tmp_path / "weights.pt")
    assert again.held_out() == pytest.approx(learner.history.held_out, rel=0.02)  # half precision
    assert again.history == learner.history
    (tmp_path / "weights.pt").write_bytes(b"damaged")
    with pytest.raises(ConfigError, match="no usable weights"):
        again.load(tmp_path / "weights.pt")


def test_views_are_of_the_student_s_size_and_seeded() -> None:
    stored = np.random.default_rng(2).integers(0, 256, (STORED, STORED, 3)).astype(np.uint8)
    views = [bent(np.random.default_rng(seed), stored) for seed in range(40)]
    assert {view.shape for view in views} == {(112, 112, 3)}
    assert np.array_equal(views[3], bent(np.random.default_rng(3), stored))
    chips, targets = np.stack([stored] * 8), np.eye(8, SIZE, dtype=np.float32)
    with Batches(chips, targets, np.arange(4), 4, seed=1) as batches:
        made, wanted = next(batches)
    assert made.shape == (4, 112, 112, 3)
    assert sorted(wanted.argmax(axis=1)) == [0, 1, 2, 3]


def test_a_cache_that_is_not_whole_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no whole cache"):
        load(tmp_path)


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
