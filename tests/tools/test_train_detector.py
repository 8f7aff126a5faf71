"""Training of the face detector: the cache, views, losses, a stage, and the files of a model."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.errors import ConfigError, InputError
from edge.recognize.faces.detector import boxes_of, places
from tools.train_faces.detector.compose import Composer
from tools.train_faces.detector.material import POOLS, Faces, Material, Writer, load
from tools.train_faces.detector.wear import masked_up, printed, seen_by_camera

torch = pytest.importorskip("torch", reason="training needs PyTorch: make training")

from tools.train_faces.__main__ import main  # noqa: E402
from tools.train_faces.detector.export import honest  # noqa: E402
from tools.train_faces.detector.judge import Verdict, calibration_error, platt  # noqa: E402
from tools.train_faces.detector.learn import Learner, split  # noqa: E402
from tools.train_faces.detector.losses import Losses, decoded, truth  # noqa: E402
from tools.train_faces.detector.net import NECK, DetectorNet, fused, normalised  # noqa: E402

POINTS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)


def one_face(x: float, y: float, side: float) -> Faces:
    points = (POINTS * side + (x, y))[None].astype(np.float32)
    off = np.zeros(1, np.bool_)
    return Faces(np.array([[x, y, side, side]], np.float32), points, off, off.copy())


def drawn(rng: np.random.Generator, face: bool) -> tuple[np.ndarray, Faces]:
    """A picture with a thing that could be a face to a net that has seen no other: a disc with two dots."""
    image = np.full((150, 200, 3), rng.integers(0, 120), np.uint8)
    if not face:
        cv2.rectangle(image, (40, 40), (120, 110), (90, 200, 90), -1)
        return image, Faces.none()
    x, y, side = rng.integers(10, 100), rng.integers(10, 60), rng.integers(40, 80)
    cv2.ellipse(
        image, (int(x + side / 2), int(y + side / 2)), (side // 2, side // 2), 0, 0, 360, (170, 190, 230), -1
    )
    for dx, dy in POINTS[:2]:
        cv2.circle(image, (int(x + dx * side), int(y + dy * side)), side // 10, (20, 20, 20), -1)
    return image, one_face(float(x), float(y), float(side))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache of drawn pictures: with faces, cut to one, and without any."""
    rng = np.random.default_rng(3)
    for pool in (
        POOLS[0],
        next(p for p in POOLS if p.kind == "cut"),
        next(p for p in POOLS if p.kind == "none"),
    ):
        writer = Writer(tmp_path, pool)
        for _ in range(24):
            writer.add(*drawn(rng, pool.kind != "none"))
        writer.close()
    return tmp_path


# -- the cache --------------------------------------------------------------------------------


def test_the_cache_gives_back_what_was_put_in(cache: Path) -> None:
    rng = np.random.default_rng(3)
    first = load(cache)[0]
    for place in range(3):
        image, faces = drawn(rng, face=True)
        assert (first.picture(place) == image).all()
        assert (first.faces[place].boxes == faces.boxes).all()


def test_a_missing_a_cut_and_a_damaged_cache_are_said(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pictures in .*; make them: train_faces labels"):
        load(tmp_path / "nowhere")
    name = POOLS[0].name
    whole = (cache / f"{name}.bin").read_bytes()
    (cache / f"{name}.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=f"{name}.npz is damaged .*fewer pictures"):
        load(cache)
    (cache / f"{name}.npz").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(InputError, match=f"{name}.npz is damaged"):
        load(cache)
    assert main(["detector", "--cache", str(cache), "--out", str(tmp_path / "out")]) == 1


def test_a_pool_without_pictures_leaves_nothing(cache: Path) -> None:
    before = {file.name for file in cache.iterdir()}
    Writer(cache, next(pool for pool in POOLS if pool.name == "scenes")).close()
    assert {file.name for file in cache.iterdir()} == before


def test_what_is_held_out_is_never_learnt(cache: Path) -> None:
    materials = load(cache)
    learnt, kept = split(materials, held_out=False), split(materials, held_out=True)
    for one, other, whole in zip(learnt, kept, materials, strict=True):
        assert len(one) + len(other) == len(whole)
        assert not set(one.starts.tolist()) & set(other.starts.tolist())
        assert len(other)


# -- views ------------------------------------------------------------------------------------


def test_views_are_whole_and_their_faces_inside(cache: Path) -> None:
    composer = Composer(load(cache), (160, 120), (1,))
    shown = 0
    for _ in range(60):
        view = composer.view()
        assert view.image.shape == (120, 160, 3)
        assert view.image.dtype == np.uint8
        boxes = view.faces.boxes
        assert (boxes[:, :2] >= 0).all()
        assert (boxes[:, :2] + boxes[:, 2:] <= (160.01, 120.01)).all()
        assert not (view.blank and len(boxes))
        shown += len(boxes)
    assert shown > 30


def test_a_face_is_where_its_label_says(cache: Path) -> None:
    """The discs are brighter than all else that is warm: the middles of labels lie on them."""
    composer = Composer(load(cache)[:1], (160, 120), (2,))
    hits = []
    for _ in range(40):
        view = composer._scene(whole=False)
        for box, ignore in zip(view.faces.boxes, view.faces.ignore, strict=True):
            if not ignore and box[2:].min() > 12:
                x, y = (box[:2] + box[2:] / 2).astype(int)
                hits.append(int(view.image[y, x, 2]) > 150)
    assert len(hits) > 20
    assert np.mean(hits) > 0.95


def test_at_the_end_of_a_stage_few_cuts_lie_side_by_side(cache: Path) -> None:
    composer = Composer([one for one in load(cache) if one.pool.kind == "cut"], (160, 120), (2,))
    assert max(len(composer._mosaic().faces) for _ in range(40)) > 4
    composer.calm = True
    assert max(len(composer._mosaic().faces) for _ in range(40)) <= 4


def test_the_same_seed_makes_the_same_views(cache: Path) -> None:
    one, other = (Composer(load(cache), (96, 64), (5, 1)) for _ in range(2))
    for _ in range(10):
        assert (one.view().image == other.view().image).all()


def test_what_hides_and_spoils_keeps_the_picture_a_picture() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        image = printed(rng, (80, 60))
        assert image.shape == (60, 80, 3)
        before = image.copy()
        masked_up(rng, image, POINTS * 50 + 5)
        assert (image[42, 28:32] != before[42, 28:32]).any() or (before == image).all() is np.False_
        spoiled = seen_by_camera(rng, image)
        assert spoiled.shape == (60, 80, 3)
        assert spoiled.dtype == np.uint8


# -- the net and its losses -------------------------------------------------------------------


def test_folding_changes_no_sum() -> None:
    net = DetectorNet()
    image = np.random.default_rng(1).integers(0, 256, (2, 120, 160, 3)).astype(np.uint8)
    net(normalised(image))  # moves the running means
    with torch.no_grad():
        for whole, folded in zip(net.eval()(normalised(image)), fused(net)(normalised(image)), strict=True):
            assert torch.allclose(whole, folded, atol=1e-4)
            assert whole.shape[1] == 400


def test_a_tower_changes_nothing_before_it_has_learnt() -> None:
    net = DetectorNet()
    maps = torch.rand(2, NECK, 6, 8)
    for tower in (*net.judging, *net.placing):
        assert torch.equal(tower(maps), maps)


def test_what_is_said_rightly_costs_less() -> None:
    middles, strides = places((160, 120))
    losses = Losses(middles, strides, "cpu")
    true = truth([one_face(48, 40, 24), Faces.none()])
    count = len(strides)
    scores, boxes, points = (
        torch.full((2, count, 1), -6.0),
        torch.zeros(2, count, 4),
        torch.zeros(2, count, 10),
    )
    nothing = sum(float(part) for part in losses((scores, boxes, points), true))
    taught = (losses._assigned(true)[0][0] >= 0).nonzero()[:, 0]
    assert len(taught)
    for place in taught.tolist():
        away = (np.array([60.0, 52.0]) - middles[place]) / strides[place]
        scores[0, place] = 6.0
        boxes[0, place] = torch.tensor([*away, *np.log([24 / strides[place]] * 2)])
        wanted = (POINTS * 24 + (48, 40) - middles[place]) / strides[place]
        points[0, place] = torch.from_numpy(wanted.ravel())
    right = sum(float(part) for part in losses((scores, boxes, points), true))
    assert right < 0.05 < nothing


def test_a_face_that_nobody_is_sure_of_is_neither_taught_nor_denied() -> None:
    middles, strides = places((160, 120))
    losses = Losses(middles, strides, "cpu")
    faces = one_face(48, 40, 24)
    faces.ignore[:] = True
    taught, spared = losses._assigned(truth([faces]))
    assert (taught < 0).all()
    assert spared.any()
    assert not spared.all()


def test_the_box_is_the_same_as_on_the_device() -> None:
    said = np.random.default_rng(1).normal(0, 0.5, (1580, 4)).astype(np.float32)
    middles, strides = places((320, 240))
    mine = decoded(torch.from_numpy(said), torch.from_numpy(middles), torch.from_numpy(strides)[:, None])
    assert np.allclose(mine.numpy(), boxes_of(said, middles, strides), atol=1e-2)


def test_a_stage_learns_and_goes_on_from_its_weights(cache: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    materials: list[Material] = load(cache)
    learner = Learner(materials, seed=1, size=(96, 64), batch=4)
    told_of: list[int] = []
    learner.stage(0.04, 3e-3, lambda _share, _text, views: told_of.append(views), tmp_path / "weights.pt")
    assert learner.history.stages == 1
    assert learner.history.views > 0
    again = Learner(materials, seed=2, size=(96, 64), batch=4)
    again.load(tmp_path / "weights.pt")
    assert again.history == learner.history
    for name, value in again.average.state_dict().items():
        assert torch.equal(value, learner.average.state_dict()[name])


def test_damaged_weights_are_said(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"nothing")
    learner = Learner(load(cache), seed=1, size=(96, 64))
    with pytest.raises(ConfigError, match=r"no usable weights in .*; start without --resume"):
        learner.load(tmp_path / "weights.pt")


# -- honest scores ----------------------------------------------------------------------------


def verdict(right: np.ndarray, wrong: np.ndarray, blank: np.ndarray | None = None) -> Verdict:
    """Every second box is of a map whose stride is 8, the others of one of 16."""
    told, other, none = (
        np.stack([scores, np.where(np.arange(len(scores)) % 2, 16.0, 8.0)], axis=1)
        for scores in (right, wrong, np.zeros(0) if blank is None else blank)
    )
    return Verdict(told, other, none, np.concatenate([right, np.zeros(5)]), np.zeros(0), 10, 10)


def test_scores_are_made_honest() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, 20_000)
    truly = rng.random(20_000) < 1 / (1 + np.exp(-(2 * logits - 1)))
    scores = 1 / (1 + np.exp(-logits))
    found = verdict(scores[truly], scores[~truly])
    for stride in (None, 8, 16):
        slope, offset = platt(*found.scores(stride))
        assert slope == pytest.approx(2, abs=0.2)
        assert offset == pytest.approx(-1, abs=0.2)
    better = 1 / (1 + np.exp(-(slope * logits + offset)))
    assert calibration_error(verdict(better[truly], better[~truly])) < 0.02 < calibration_error(found)


def test_where_nothing_was_found_scores_stay() -> None:
    nothing = verdict(np.zeros(0), np.zeros(0))
    assert platt(*nothing.scores(32)) == (1, 0)


def test_honesty_is_part_of_the_net() -> None:
    net = DetectorNet().eval()
    image = normalised(np.random.default_rng(1).integers(0, 256, (1, 64, 96, 3)).astype(np.uint8))
    scales = [(1.5, -0.5), (1.0, 0.0), (0.5, 2.0)]
    with torch.no_grad():
        before, after = net(image), honest(net, scales).eval()(image)
    strides = torch.from_numpy(places((96, 64))[1])
    for stride, (slope, offset) in zip((8, 16, 32), scales, strict=True):
        of = strides == stride
        assert torch.allclose(after[0][:, of], before[0][:, of] * slope + offset, atol=1e-4)
    assert torch.equal(after[1], before[1])


def test_pictures_without_a_face_count_less() -> None:
    right, wrong = np.full(100, 0.5), np.full(100, 0.5)
    assert platt(*verdict(right, wrong).scores())[1] == pytest.approx(0, abs=0.01)
    assert platt(*verdict(right, np.zeros(0), wrong).scores())[1] == pytest.approx(np.log(4), abs=0.05)


def test_the_threshold_keeps_its_promise() -> None:
    found = verdict(np.array([0.9, 0.8, 0.7]), np.array([0.1, 0.65]), np.array([0.1, 0.35]))
    value = found.threshold(0.1)
    assert found.false(value) <= 0.1
    assert found.false(value - 0.02) > 0.1
    assert found.recall(0.75) == pytest.approx(2 / 8)


# -- the command ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["--minutes", "91"],
        ["--minutes", "-1"],
        ["--minutes", "0"],
        ["--minutes", "nan"],
        ["--rate", "0"],
        ["--rate", "nan"],
        ["--size", "100", "100"],
        ["--batch", "1"],
    ],
)
def test_impossible_wishes_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detector", *arguments]) == 2
    said = capsys.readouterr().err
    assert "allowed" in said or "must be" in said or "learnt nothing" in said
