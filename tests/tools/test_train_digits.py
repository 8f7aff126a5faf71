"""Training: crops are drawn as seeded, scores are calibrated, a stage can be gone on from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, InputError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from tools.data import mnist
from tools.ink.alphabet import VALIDATION, Alphabet, alphabet, scans_of
from tools.train_digits.calibrate import (
    REJECT,
    acceptance,
    calibration_error,
    choose_acceptance,
    honest,
)
from tools.train_digits.crops import drawn, scanned
from tools.train_digits.feed import Drawer
from tools.train_digits.figures import run
from tools.train_digits.kept_out import kept_out
from tools.train_digits.pool import Pool
from tools.train_digits.rejects import Rejects

pytest.importorskip("torch", reason="training needs PyTorch: make training")

import torch

from tools.train_digits import mlp
from tools.train_digits.__main__ import main
from tools.train_digits.learn import Learner
from tools.train_digits.release import command, made_by

MODEL = Path(__file__).parents[2] / "models" / "digits-cnn"


@pytest.fixture(scope="module")
def shapes(shared: Path) -> Alphabet:
    return alphabet(shared / "data", "validation", limit=300)


def crops(shapes: Alphabet, seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    pictures, labels = np.zeros((count, 32, 32), np.uint8), np.zeros(count, np.uint8)
    Drawer(shapes, [seed]).fill(pictures, labels)
    return pictures, labels


def test_a_seed_gives_the_same_crops(shapes: Alphabet) -> None:
    first, again, other = crops(shapes, 1), crops(shapes, 1), crops(shapes, 2)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert first[1].max() == REJECT
    assert first[0][first[1] < REJECT].std((1, 2)).min() > 0, "no digit is blank"


def test_a_scan_is_left_as_it_is_or_bent_a_little(shared: Path) -> None:
    rng = np.random.default_rng(1)
    picture = scans_of(shared / "data", "validation").pictures[0]
    outs = np.zeros((40, 32, 32), np.uint8)
    for out in outs:
        scanned(rng, picture, out)
    plain = np.pad(picture, 2)
    same = [np.array_equal(out, plain) for out in outs]
    assert 2 <= sum(same) <= 20
    ink = outs.reshape(40, -1).sum(1) / plain.sum()
    assert 0.25 < ink.min() < ink.max() < 3


def test_the_shipped_net_reads_what_is_drawn_and_rejects_what_is_none(shapes: Alphabet) -> None:
    model = Model(MODEL, load_card(MODEL), InferSettings(threads=1))
    rng = np.random.default_rng(3)
    out = np.zeros((300, 32, 32), np.uint8)
    labels = [drawn(rng, shapes, crop) for crop in out]
    scores = run(model, out, "")
    assert (scores[:, :REJECT].argmax(1) == labels).mean() > 0.9
    assert (scores.argmax(1) == labels).mean() > 0.82, "when in doubt it rejects"
    rejects = Rejects(shapes)
    for crop in out:
        rejects.draw(rng, crop)
    assert (run(model, out, "").argmax(1) == REJECT).mean() > 0.92


def test_the_shipped_net_reads_mnist(shared: Path) -> None:
    """On the validation part, by the int8 file; the test set's figure stands in the card."""
    model = Model(MODEL, load_card(MODEL), InferSettings(threads=1))
    training = mnist(shared / "data", "train")
    pictures = np.pad(training.pictures[-VALIDATION::5], ((0, 0), (2, 2), (2, 2)))
    assert (run(model, pictures, "").argmax(1) == training.digits[-VALIDATION::5]).mean() >= 0.99
    stated = {(figure.metric, figure.data): figure.value for figure in model.card.figures}
    assert stated["accuracy, reject counts as wrong", "MNIST test (10 000)"] >= 0.993


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True), np.float32)


def told(seed: int, *, rejects: float, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits of an honest net that saw all labels equally often, sharpened, where rejects are a share."""
    rng = np.random.default_rng(seed)
    share = np.array([(1 - rejects) / 10] * 10 + [rejects])
    labels = rng.choice(11, 6000, p=share)
    logits = rng.standard_normal((6000, 11))
    logits[np.arange(6000), labels] += 3  # two normals 3 apart: their log likelihood ratio is 3 x
    return (3 * logits * sharpness).astype(np.float32), labels.astype(np.uint8)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("rejects", [1 / 11, 0.6])
def test_scores_are_made_honest(sharpness: float, rejects: float) -> None:
    logits, labels = told(1, rejects=rejects, sharpness=sharpness)
    found = honest(logits, labels)
    assert found.temperature == pytest.approx(sharpness, rel=0.12)
    prior = np.log(rejects / ((1 - rejects) / 10))
    assert found.doubt == pytest.approx(min(prior * sharpness, 3), abs=0.35)
    fresh, truth = told(2, rejects=rejects, sharpness=sharpness)
    fresh[:, REJECT] += found.doubt
    assert calibration_error(softmax(fresh / found.temperature), truth) < 0.025


def test_the_calibration_error_of_a_boaster_is_its_boast() -> None:
    scores = np.full((1000, 11), 0.001, np.float32)
    scores[:, 4] = 0.99
    labels = np.where(np.arange(1000) < 800, 4, 5).astype(np.uint8)
    assert calibration_error(scores, labels) == pytest.approx(0.19, abs=0.001)


def test_acceptance_counts_digits_and_rejects() -> None:
    labels = np.array([0, 1, 2, 10, 10], np.uint8)
    found = np.full((5, 11), 0.01, np.float32)
    for row, (named, score) in enumerate([(0, 0.9), (1, 0.6), (3, 0.8), (4, 0.7), (10, 0.9)]):
        found[row, named] = score
    low = acceptance(found, labels, 0.5)
    assert low == pytest.approx((0.5, 2 / 4, 2 / 3, 1 / 2))
    assert choose_acceptance(found, labels, 1.0).value == pytest.approx(0.81)


@pytest.mark.parametrize("content", [None, b"no checkpoint", b"PK\x03\x04"])
def test_a_checkpoint_that_is_none_is_one_line(
    shared: Path, tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "last.pt"
    if content is not None:
        path.write_bytes(content)
    call = [
        "--resume",
        "--checkpoint",
        str(path),
        "--data",
        str(shared / "data"),
        "--out",
        str(tmp_path / "m"),
    ]
    assert main(call) == ConfigError.exit_code
    assert "start without --resume" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_missing_data_and_wrong_numbers_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == ConfigError.exit_code
    assert main(["--minutes", "-1"]) == 2
    (tmp_path / "digits").mkdir()
    assert main(["--data", str(tmp_path), "--minutes", "0"]) == InputError.exit_code
    assert capsys.readouterr().err.count("\n") == 3


def test_a_pool_shows_what_is_not_known_more_often() -> None:
    rng = np.random.default_rng(1)
    pool = Pool(100)
    for _ in range(300):
        places = pool.draw(rng, 64)
        assert places.min() >= 0
        assert places.max() < 100
        pool.learnt(places, np.where(places < 10, 2.0, 0.0).astype(np.float32))
    share = (pool.draw(rng, 20_000) < 10).mean()
    assert 0.3 < share < 0.6, "a tenth of the places, the only ones not known"


def test_training_starts_from_a_finished_model(tmp_path: Path) -> None:
    learner = Learner(1, "cpu")
    learner.start(MODEL / "weights.pt", made_by(MODEL))
    crops = np.random.default_rng(1).integers(0, 256, (4, 32, 32), np.uint8)
    kept = torch.load(MODEL / "weights.pt", weights_only=True)
    before = learner.average.state_dict()
    assert all(torch.equal(before[name], value) for name, value in kept.items())
    assert command(learner.progress, 1).endswith(load_card(MODEL).made_by.command)
    learner.save(tmp_path / "last.pt")
    again = Learner(2, "cpu")
    again.load(tmp_path / "last.pt")
    np.testing.assert_array_equal(again.logits(crops), learner.logits(crops))
    assert again.progress == learner.progress


def test_a_blend_lies_between_what_was_learnt_and_what_was_known(tmp_path: Path) -> None:
    learner = Learner(1, "cpu")
    fresh = {name: value.clone() for name, value in learner.average.state_dict().items()}
    known = torch.load(MODEL / "weights.pt", weights_only=True)
    learner.blend([MODEL / "weights.pt"], 0.25)
    blended = learner.average.state_dict()
    for name in ("body.0.weight", "head.bias"):
        torch.testing.assert_close(blended[name], 0.25 * fresh[name] + 0.75 * known[name])
    assert "--share 0.25" in command(learner.progress, 1, learner.blended)
    other = Learner(2, "cpu")
    other.save(tmp_path / "other.pt")
    before = learner.average.head.bias.clone()
    learner.blend([MODEL / "weights.pt", tmp_path / "other.pt"], 1 / 3)
    mean = (before + known["head.bias"] + other.average.head.bias) / 3
    torch.testing.assert_close(learner.average.head.bias, mean)
    with pytest.raises(ConfigError, match=r"none\.pt"):
        learner.blend([tmp_path / "none.pt"], 0.5)


def test_a_teacher_is_followed_where_crops_were_mined() -> None:
    rng = np.random.default_rng(1)
    crops = np.stack(
        [np.roll(picture, rng.integers(-9, 9), 1) for picture in rng.integers(0, 256, (48, 32, 32), np.uint8)]
    )
    labels = np.full(48, 3, np.uint8)
    said = Learner(1, "cpu")
    said.start(MODEL / "weights.pt", "")
    wanted = softmax(said.logits(crops))
    far = {}
    for taught in (False, True):
        learner = Learner(2, "cpu")
        if taught:
            learner.teach(MODEL / "weights.pt")
        for _ in range(25):
            losses = learner._step(crops, labels, slice(16, 48))
        assert losses.shape == (48,)
        learner.average.load_state_dict(learner._net.state_dict())
        found = softmax(learner.logits(crops))
        far[taught] = float(-(wanted * np.log(found + 1e-6)).sum(1)[16:].mean())
        assert learner.progress.taught == taught
    assert far[True] < 0.6 * far[False], far


def test_weights_that_are_none_are_one_line(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "weights.pt"
    torch.save({"a": torch.zeros(2)}, other)
    call = ["--data", str(shared / "data"), "--out", str(tmp_path / "m"), "--start"]
    assert main([*call, str(other)]) == ConfigError.exit_code
    assert main([*call, str(tmp_path / "none.pt")]) == ConfigError.exit_code
    assert main([*call, str(other), "--resume"]) == 2
    assert main([*call, str(other), "--kind", "mlp"]) == 2
    assert main([*call, str(other), "--teacher", str(other)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 5
    assert "--mined" in said[4]
    assert "give weights.pt" in said[0]


@pytest.mark.slow
def test_a_perceptron_learns_and_becomes_a_model(shared: Path, tmp_path: Path) -> None:
    """Seconds of learning, so a poor one, but whole: int8, calibrated, with its card and golden output."""
    shares: list[float] = []
    net = mlp.train(shared / "data", 0.15, 1, lambda share, loss: shares.append(share))
    measured = mlp.release(net, shared / "data", tmp_path, minutes=0.15, seed=1)
    assert shares
    accuracy = {figure.metric: figure.value for figure in measured if figure.data.startswith("MNIST test")}
    assert accuracy["accuracy, the ten digits"] > 0.5
    assert abs(accuracy["accuracy, the ten digits"] - accuracy["accuracy, float"]) < 0.01
    model = Model(tmp_path, load_card(tmp_path), InferSettings(threads=1))
    assert model.labels == tuple("0123456789")
    assert 0 < model.thresholds["accept"] < 1
    assert model.card.golden is not None


def test_kept_out_shapes_are_whole_and_the_same_each_time() -> None:
    first, again = kept_out(), kept_out()
    assert any(name.startswith("displays") for name in first)
    for name, labelled in first.items():
        assert len(labelled.digits) >= 10
        assert labelled.pictures.shape == (len(labelled.digits), 32, 32)
        assert set(labelled.digits) == set(range(10))
        np.testing.assert_array_equal(labelled.pictures, again[name].pictures)
        if name.endswith("clean"):
            assert labelled.pictures.max((1, 2)).min() > 200, "ink is bright"
