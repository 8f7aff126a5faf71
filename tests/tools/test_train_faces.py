"""Training of faces: the teacher is rebuilt exactly, a stage learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dlib_file import cached, network

from edge.errors import ConfigError, InputError

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from tools.train_faces.harvest import load  # noqa: E402
from tools.train_faces.learn import Learner  # noqa: E402
from tools.train_faces.margin import Prototypes  # noqa: E402
from tools.train_faces.narrow import narrow  # noqa: E402
from tools.train_faces.net import SIZE, STUDENT, TEACHER, FaceNet, Shape, fill, normalised  # noqa: E402
from tools.train_faces.replay import Replay  # noqa: E402


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


def faces(count: int, side: int) -> Tensor:
    return normalised(np.random.default_rng(7).integers(0, 256, (count, side, side, 3)).astype(np.uint8))


def whole(shape: Shape) -> FaceNet:
    net = FaceNet(shape)
    net.eval()
    fill(net, network())
    return net


def test_narrowed_to_all_directions_a_network_computes_the_same() -> None:
    shape = Shape(side=56, blocks=5)
    teacher, net = whole(shape), FaceNet(replace(shape, ranks=((64, 64), (64, 0)))).eval()
    narrow(net, teacher, [faces(3, 56), faces(2, 56)])
    with torch.no_grad():
        assert torch.allclose(net.maps(faces(2, 56)), teacher.maps(faces(2, 56)), atol=1e-3)


def test_the_more_directions_are_kept_the_nearer_a_network_stays_to_the_teacher() -> None:
    shape, seen = Shape(side=56, blocks=5), faces(6, 56)
    teacher = whole(shape)
    errors, sizes = [], []
    for rank in (4, 16, 48):
        net = FaceNet(replace(shape, ranks=((rank, rank),))).eval()
        narrow(net, teacher, [seen])
        with torch.no_grad():
            errors.append(float((net.maps(seen) - teacher.maps(seen)).square().mean()))
        sizes.append(sum(parameter.numel() for parameter in net.parameters()))
    assert errors == sorted(errors, reverse=True)
    assert sizes == sorted(sizes)
    # Of a map of one pixel nothing but the centre of a 3x3 is seen.
    student = FaceNet(STUDENT)
    assert student.blocks[-1].second.kernel_size == (1, 1)
    assert sum(parameter.numel() for parameter in student.parameters()) < 2.4e6


def test_what_is_kept_for_another_look_is_the_latest() -> None:
    replay = Replay((2, 3), seed=1, kept=10)
    for start in range(0, 24, 4):
        places = np.arange(start, start + 4)
        replay.put(torch.from_numpy(places).float()[:, None, None].expand(4, 2, 3), places)
    assert len(replay) == 10
    maps, places = replay.some(200)
    assert set(places.tolist()) == set(range(14, 24))
    assert torch.equal(maps[:, 1, 2].float(), torch.from_numpy(places).float())


def test_a_face_is_drawn_to_its_person_and_off_the_others() -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(3, 1, SIZE)) + 4
    targets = (centres + 0.3 * rng.normal(size=(3, 6, SIZE))).reshape(18, SIZE).astype(np.float32)
    named = [("source", "abc"[number // 6]) for number in range(18)] + [("source", ""), ("source", "few")]
    targets = np.concatenate([targets, targets[:2]])
    prototypes = Prototypes(targets, named, range(20))
    assert prototypes.persons == [("source", name) for name in "abc"]
    said = torch.from_numpy(targets)
    with torch.no_grad():
        right = prototypes(said, torch.arange(20))
        assert right < prototypes(said.roll(6, 0), torch.arange(20))
        assert prototypes(said[18:], torch.arange(18, 20)) == 0
    moving = said[:6].clone().requires_grad_()
    prototypes(moving, torch.arange(6)).backward()
    own = functional.normalize(prototypes.directions.detach())[0]
    assert float((-moving.grad @ own).mean()) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_stage_changes_the_weights_and_the_next_goes_on_from_them(tmp_path: Path) -> None:
    cached(tmp_path, 400)
    chips, targets, _ = load(tmp_path)
    learner = Learner(STUDENT, chips, targets, seed=1, held_out=100)
    learner.start(lambda net: fill(net, network()))

    def changed(before: dict[str, Tensor]) -> set[str]:
        after = learner.average.state_dict().items()
        return {
            ".".join(name.split(".")[:2]) for name, value in after if not torch.equal(value, before[name])
        }

    before = {name: value.clone() for name, value in learner.average.state_dict().items()}
    learner.stage(0.1, 5e-4, lambda *_: None, tmp_path / "weights.pt", tail=True)
    assert changed(before) == {"blocks.10", "blocks.11", "blocks.12", "blocks.13", "head.weight", "head.bias"}
    before = {name: value.clone() for name, value in learner.average.state_dict().items()}
    learner.stage(0.1, 5e-4, lambda *_: None, tmp_path / "weights.pt", keep=7)
    assert "blocks.7" in changed(before)
    assert not changed(before) & {"stem.weight", "blocks.6"}
    assert learner.history.stages == 2
    assert learner.history.faces_seen > 0
    again = Learner(STUDENT, chips, targets, seed=1, held_out=100)
    again.load(tmp_path / "weights.pt")
    assert again.held_out() == pytest.approx(learner.history.held_out, rel=0.02)  # half precision
    assert again.history == learner.history
    (tmp_path / "weights.pt").write_bytes(b"damaged")
    with pytest.raises(ConfigError, match="no usable weights"):
        again.load(tmp_path / "weights.pt")


def test_a_cache_that_is_not_whole_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no whole cache"):
        load(tmp_path)
