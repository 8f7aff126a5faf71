"""Training of the digit detector: scenes, views, what places are taught, and that learning works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_scenes import ROW, written

from edge.errors import ConfigError
from tools.evaluate.digit_detector import STRIDES, Seen, places
from tools.evaluate.scene_labels import Scene, load_scenes

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from tools.train_digits.detector.__main__ import main  # noqa: E402
from tools.train_digits.detector.export import honest  # noqa: E402
from tools.train_digits.detector.judge import honesty, matched  # noqa: E402
from tools.train_digits.detector.learn import Learner  # noqa: E402
from tools.train_digits.detector.losses import Losses, overlaps, truth  # noqa: E402
from tools.train_digits.detector.material import picture  # noqa: E402
from tools.train_digits.detector.net import DigitDetectorNet, normalised  # noqa: E402
from tools.train_digits.detector.release import command  # noqa: E402
from tools.train_digits.detector.views import Batch  # noqa: E402
from tools.train_faces.detector.losses import decoded  # noqa: E402
from tools.train_faces.detector.net import fused  # noqa: E402

KEPT = Path(__file__).parents[2] / "models" / "digits-detector" / "stage.pt"


@pytest.fixture
def scenes(tmp_path: Path) -> list[Scene]:
    return load_scenes(written(tmp_path / "scenes", ROW, "", "805"))


# -- the net and its losses -------------------------------------------------------------------


def test_the_net_says_something_of_every_place_and_is_as_small_as_it_must_be() -> None:
    net = DigitDetectorNet()
    products = 0

    def count(module: Any, _: object, out: Any) -> None:
        nonlocal products
        products += out.shape[2] * out.shape[3] * module.weight.numel()

    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        said = net.eval()(normalised(np.zeros((1, 480, 640), np.uint8)))
    length = len(places((640, 480))[0])
    assert [tuple(part.shape) for part in said] == [(1, length, width) for width in (1, 10, 4)]
    assert products <= 600e6
    assert sum(part.numel() for part in net.parameters()) <= 250_000
    assert float(said[0].sigmoid().mean()) < 0.05, "digits are rare"


def test_folding_changes_no_sum() -> None:
    net = DigitDetectorNet()
    images = normalised(np.random.default_rng(1).integers(0, 256, (2, 64, 96)).astype(np.uint8))
    net(images)  # moves the running means
    with torch.no_grad():
        for whole, folded in zip(net.eval()(images), fused(net)(images), strict=True):
            assert torch.allclose(whole, folded, atol=1e-4)


def one(box: tuple[float, ...], *, ignore: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([box], np.float32), np.array([7], np.intp), np.array([ignore])


@pytest.mark.parametrize(
    ("longer", "strides"), [(16, {4}), (25, {4, 8}), (40, {8}), (56, {8, 16}), (90, {16})]
)
def test_a_digit_is_taught_on_the_maps_of_its_size_around_its_middle(longer: int, strides: set[int]) -> None:
    middles, of = places((128, 128))
    taught, spared, *_ = truth([one((30, 20, longer * 0.7, longer))], 128)
    mine = taught[0].numpy() == 0
    assert set(of[mine].tolist()) == strides
    apart = np.abs(middles - (30 + longer * 0.35, 20 + longer / 2))
    reach = np.maximum(0.2 * np.array([longer * 0.7, longer]), 0.52 * of[:, None])
    np.testing.assert_array_equal(mine, (apart <= reach).all(axis=1) & np.isin(of, list(strides)))
    assert set(of[spared[0].numpy()].tolist()) == set(STRIDES) - strides, "it is not denied elsewhere"


def test_of_two_digits_the_nearer_is_taught_and_what_does_not_count_is_left_alone() -> None:
    _, of = places((64, 64))
    pair = (np.array([(8, 8, 20, 28), (20, 8, 20, 28)], np.float32), np.array([1, 2]), np.zeros(2, bool))
    taught, _, boxes, digits = truth([one((0, 0, 9, 9)), pair], 64)
    assert boxes.shape == (3, 4)
    assert digits.tolist() == [7, 1, 2]
    finest = taught[1, of == 4].reshape(16, 16)
    assert finest[5, 4] == 1
    assert finest[5, 7] == 2
    taught, spared, *_ = truth([one((8, 8, 20, 28), ignore=True)], 64)
    assert (taught < 0).all()
    for stride in STRIDES:
        assert spared[0, of == stride].any()
        assert not spared[0, of == stride].all()
    nothing = truth([(np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(0, bool))], 64)
    assert (nothing.taught < 0).all()
    assert not nothing.spared.any()


def test_what_is_said_rightly_costs_next_to_nothing() -> None:
    middles, strides = places((64, 64))
    losses, true = Losses(64, "cpu"), truth([one((20, 12, 20, 28))], 64)
    count = len(strides)
    scores, classes, boxes = (
        torch.full((1, count, 1), -6.0),
        torch.zeros(1, count, 10),
        torch.zeros(1, count, 4),
    )
    nothing = [float(part) for part in losses((scores, classes, boxes), true)]
    for place in (true.taught[0] >= 0).nonzero()[:, 0].tolist():
        away = (np.array([30.0, 26.0]) - middles[place]) / strides[place]
        scores[0, place], classes[0, place, 7] = 8.0, 12.0
        boxes[0, place] = torch.tensor([*away, *np.log(np.array([20, 28]) / strides[place])])
    right = [float(part) for part in losses((scores, classes, boxes), true)]
    assert max(right) < 0.01
    assert min(nothing) > 0.1
    false = scores.clone()
    false[0, 0] = 4.0
    assert float(losses((false, classes, boxes), true)[0]) > 0.3
    empty = truth([(np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(0, bool))], 64)
    bare = losses((torch.full((1, count, 1), -6.0), classes, boxes), empty)
    assert [round(float(part), 2) for part in bare] == [0, 0, 0]


def test_generalized_overlap_falls_with_distance() -> None:
    here = torch.tensor([[0.0, 0, 10, 10]] * 4)
    there = torch.tensor([[0.0, 0, 10, 10], [5, 0, 10, 10], [20, 0, 10, 10], [90, 0, 10, 10]])
    plain, generalized = overlaps(here, there)
    assert plain.tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert generalized.tolist() == pytest.approx([1, 1 / 3, -1 / 3, -0.8])


# -- learning ---------------------------------------------------------------------------------


def test_two_scenes_are_learnt_by_heart(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    scenes = load_scenes(written(tmp_path, ROW, "805"))
    pictures = [picture(scene) for scene in scenes]
    # The two scenes as they are, without views: what is wrong then is wrong with the net or its losses.
    images = np.stack([np.pad(one.grey, ((0, 40), (0, 0))) for one in pictures])
    true = truth([(one.boxes, one.digits, np.zeros(len(one.digits), bool)) for one in pictures], 160)
    learner, losses = Learner(1, "cpu"), Losses(160, "cpu")
    first = learner.step(losses, Batch(images, true))
    for _ in range(70):
        last = learner.step(losses, Batch(images, true))
    assert last.sum() < 0.25 * first.sum()
    with torch.no_grad():
        scores, classes, boxes = learner._net.eval()(normalised(images))
    middles, strides = (torch.from_numpy(some) for some in places((160, 160)))
    for view, known in enumerate(pictures):
        for box, digit in zip(torch.from_numpy(known.boxes), known.digits.tolist(), strict=True):
            told = decoded(boxes[view], middles, strides[:, None])
            fits = overlaps(told, box.expand_as(told))[0] * scores[view, :, 0].sigmoid()
            place = int(fits.argmax())
            assert float(fits[place]) > 0.3, (view, digit)
            assert int(classes[view, place].argmax()) == digit


def test_a_stage_saves_and_is_gone_on_from(scenes: list[Scene], tmp_path: Path) -> None:
    torch.set_num_threads(1)
    file = tmp_path / "new" / "last.pt"
    learner = Learner(1, "cpu")
    shares: list[float] = []
    learner.stage(scenes, 0.03, lambda share, _: shares.append(share), file, batch=2, side=64)
    history = learner.history
    assert (history.stages, history.minutes, history.scenes) == (1, 0.03, 3)
    assert history.views == 2 * history.steps > 0
    assert shares == sorted(shares)
    again = Learner(2, "cpu")
    again.load(file)
    assert again.history == history
    for name, value in again.average.state_dict().items():
        assert torch.equal(value, learner.average.state_dict()[name])
    assert f"--minutes 0.03 --seed 1: {history.views} views" in command(history, 1)


@pytest.mark.parametrize("kind", ["missing", "damaged", "another"])
def test_an_unusable_checkpoint_is_told(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "last.pt"
    if kind == "damaged":
        file.write_bytes(b"nothing")
    if kind == "another":
        torch.save({"net": {"stem.weight": torch.zeros(3)}}, file)
    with pytest.raises(
        ConfigError, match=r"no usable checkpoint in .*last\.pt.*; start without --resume"
    ) as told:
        Learner(1, "cpu").load(file)
    assert "\n" not in str(told.value)


# -- honest scores ----------------------------------------------------------------------------


def test_honesty_is_part_of_the_net() -> None:
    net = DigitDetectorNet().eval()
    image = normalised(np.random.default_rng(1).integers(0, 256, (1, 64, 96)).astype(np.uint8))
    scales = [(1.5, -0.5), (1.0, 0.0), (0.5, 2.0)]
    with torch.no_grad():
        before, after = net(image), honest(net, scales, 2.0).eval()(image)
    _, of = places((96, 64))
    for stride, (slope, offset) in zip(STRIDES, scales, strict=True):
        here = torch.from_numpy(of == stride)
        assert torch.allclose(after[0][:, here], before[0][:, here] * slope + offset, atol=1e-4)
    assert torch.allclose(after[1], before[1] / 2, atol=1e-4)
    assert torch.equal(after[2], before[2])


class Boasting:
    """A detector that sees all digits, and three times as much that is none, and is as sure of that."""

    def __init__(self, scenes: list[Scene]) -> None:
        self._boxes = iter([scene.boxes for scene in scenes])
        self._rng = np.random.default_rng(1)

    def find(self, grey: np.ndarray) -> Seen:
        boxes = np.tile(next(self._boxes), (4, 1))
        boxes[len(boxes) // 4 :, 1] += 90
        scores = np.sort(self._rng.uniform(0.3, 0.8, len(boxes)).astype(np.float32))[::-1]
        digits = np.full((len(boxes), 10), 0.001, np.float32)
        digits[:, 7] = 0.991
        shuffled = self._rng.permutation(len(boxes))
        return Seen(boxes[shuffled], scores, digits, np.full(len(boxes), 8, np.float32))


def test_a_boasting_detector_is_made_honest(scenes: list[Scene]) -> None:
    told = honesty(Boasting(scenes * 20), scenes * 20)  # type: ignore[arg-type]
    slope, offset = told.scales[STRIDES.index(8)]
    logit = np.log(0.55 / 0.45)
    assert 1 / (1 + np.exp(-(slope * logit + offset))) == pytest.approx(0.25, abs=0.06)
    assert told.scales[STRIDES.index(4)] == (1, 0), "nothing was seen there"
    assert told.temperature > 2, "one of six is a 7"


def test_each_label_is_matched_once_by_the_surest(scenes: list[Scene]) -> None:
    boxes = np.concatenate([scenes[0].boxes[:1], scenes[0].boxes[:1] + 1, scenes[0].boxes[2:]])
    seen = Seen(
        boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros((3, 10), np.float32), np.zeros(3, np.float32)
    )
    assert matched(scenes[0], seen).tolist() == [2, -1, 4]
    assert matched(scenes[1], seen).tolist() == [-1, -1, -1]


# -- the command ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--minutes", "301"],
        ["--minutes", "-1"],
        ["--minutes", "nan"],
        ["--minutes", "0"],
        ["--side", "100"],
        ["--batch", "1"],
        ["--threads", "0"],
    ],
)
def test_impossible_wishes_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "allowed" in said or "must be" in said or "learnt nothing" in said


def test_missing_scenes_and_checkpoints_end_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(written(tmp_path / "scenes", ROW))
    nowhere = str(tmp_path / "nowhere")
    assert main(["--scenes", nowhere, "--validation", folder]) == 1
    assert main(["--scenes", folder, "--validation", nowhere]) == 1
    assert main(["--scenes", folder, "--validation", folder, "--resume", "--checkpoint", nowhere]) == 78
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3
    assert "--split train" in said[0]
    assert "--split validation" in said[1]
    assert not (tmp_path / "models").exists()


def test_what_is_kept_for_good_can_be_gone_on_from() -> None:
    learner = Learner(1, "cpu")
    learner.load(KEPT)
    assert learner.history.stages == 3
    assert learner.history.minutes == pytest.approx(62)
    learnt = learner.average.state_dict()
    assert any(
        not torch.equal(value, learnt[name]) for name, value in Learner(1, "cpu").average.state_dict().items()
    )
