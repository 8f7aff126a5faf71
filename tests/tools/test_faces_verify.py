"""``faces-verify``, ``faces-calibrate`` and ``faces-groups``: figures of pairs, and what they print."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.infer.card import load_card
from edge.recognize.faces.similarity import similarity
from tools.evaluate.__main__ import main
from tools.evaluate.faces.calibrate import rewritten
from tools.evaluate.faces.calibration import (
    common_of,
    compared,
    interval,
    logistic,
    single,
    threshold_at,
)
from tools.evaluate.faces.groups import Seen
from tools.evaluate.faces.groups import figures as group_figures
from tools.evaluate.faces.verify_figures import (
    accepted_at,
    area,
    best_threshold,
    figures,
    folded_accuracy,
    roc,
)

ROOT = Path(__file__).parents[2]
SAME = np.array([True, True, True, False, False, False])
ALIKE = np.array([0.9, 0.8, 0.3, 0.5, 0.2, 0.1], np.float32)


def test_figures_of_six_pairs() -> None:
    threshold, accuracy = best_threshold(ALIKE, SAME)
    assert accuracy == pytest.approx(5 / 6)
    assert 0.5 < threshold < 0.8
    assert area(ALIKE, SAME) == pytest.approx(8 / 9)
    assert accepted_at(ALIKE, SAME, 1e-3) == pytest.approx(2 / 3)
    assert accepted_at(ALIKE, SAME, 0.34) == pytest.approx(1.0)
    false, true = roc(ALIKE, SAME)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    told = figures(ALIKE, SAME, None, 0.25)
    assert told["accuracy"] == pytest.approx(5 / 6)
    assert told["threshold"] == 0.25


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_no_threshold_is_better_than_the_best(pairs: list[tuple[int, bool]]) -> None:
    alike = np.array([value / 10 for value, _ in pairs], np.float32)
    same = np.array([one for _, one in pairs])
    threshold, accuracy = best_threshold(alike, same)
    assert ((alike >= threshold) == same).mean() == pytest.approx(accuracy)
    assert all(((alike >= other) == same).mean() <= accuracy + 1e-9 for other in np.arange(-0.05, 1.1, 0.1))


def test_a_fold_is_judged_by_the_others() -> None:
    # The second fold's own best threshold is another one, and must not be used.
    alike = np.array([0.9, 0.8, 0.1, 0.2] * 9 + [0.4, 0.4, 0.3, 0.3], np.float32)
    same = np.array([True, True, False, False] * 10)
    accuracy, error = folded_accuracy(alike, same, np.repeat(np.arange(10), 4))
    assert accuracy == pytest.approx(0.95)
    assert error == pytest.approx(0.05)


def people(count: int, looks: int, noise: float, seed: int = 1) -> dict[str, Any]:
    """Embeddings around a direction for each person."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(count, 1, 32))
    vectors = centres + noise * generator.normal(size=(count, looks, 32))
    return {f"p{place}": some.astype(np.float32) for place, some in enumerate(vectors)}


def test_thresholds_let_as_many_impostors_through_as_they_say() -> None:
    found = compared(people(40, 8, 1.0), "cosine")
    for rate in (1e-2, 1e-3):
        threshold = threshold_at(found.impostors, rate)
        assert 0 < (found.impostors >= threshold).mean() <= rate
        low, high = interval(found, rate)
        assert low < threshold < high
    looks = single(people(40, 8, 1.0), "cosine")
    assert len(looks.impostors) == 320 * 319 / 2 - 40 * 28
    assert len(looks.genuine) == 40 * 28
    assert found.genuine.mean() > looks.genuine.mean(), "means are more alike than single looks"


def test_a_threshold_means_the_same_after_one_look_and_after_many() -> None:
    """All faces have much in common here, so that means are nearer to everybody's than looks are."""
    faces = {name: some + 6 for name, some in people(60, 10, 1.5).items()}
    common = common_of(faces, "cosine")
    assert common > 0.8
    assert common_of(faces, "euclidean") == 0

    def reached(looks: int, freely: float) -> float:
        few = {name: some[: 2 * looks] for name, some in faces.items()}
        found = compared(few, "cosine", freely)
        threshold = np.quantile(single(faces, "cosine").impostors, 0.99)
        return float((found.impostors >= threshold).mean())

    assert reached(1, 0.0) == pytest.approx(0.01, abs=0.005)
    assert reached(5, 0.0) > 3 * reached(1, 0.0), "what is to be taken away"
    assert reached(5, common) < 1.5 * reached(1, 0.0)


def test_no_picture_is_compared_with_itself() -> None:
    some = {
        "one": np.eye(1, 32, dtype=np.float32),
        "two": np.eye(2, 32, 3, dtype=np.float32),
        **people(3, 4, 1.0),
    }
    found = compared(some, "cosine")
    assert found.genuine.max() < 1 - 1e-6
    assert not found.counted[:8, :8].any(), "one look is no track and template"


def test_the_calibration_is_the_share_that_is_one_person() -> None:
    generator = np.random.default_rng(3)
    values = generator.uniform(-1, 1, 40_000).astype(np.float32)
    same = generator.uniform(size=len(values)) < 1 / (1 + np.exp(-(6 * values - 1.5)))
    slope, offset = logistic(values[same], values[~same])
    prior = np.log(same.sum() / (~same).sum())  # both kinds weigh alike
    assert slope == pytest.approx(6, abs=0.3)
    assert offset + prior == pytest.approx(-1.5, abs=0.15)
    far = logistic(np.array([0.9, 0.8], np.float32), np.array([0.1, 0.2], np.float32))
    assert np.isfinite(far).all()


def test_a_card_keeps_the_rest_of_its_text() -> None:
    record = {
        "thresholds": {"one-in-100": {"value": 0.5, "meaning": "new: 'words'"}},
        "calibration": {"slope": 2.0, "offset": -1.0},
    }
    text = """# kept
name: x
thresholds:
  old: {value: 1, meaning: old}
# kept too
licence: y
"""
    new = rewritten(text, record)
    assert yaml.safe_load(new) == {"name": "x", "licence": "y", **record}
    assert "# kept\nname" in new
    assert "# kept too" in new
    assert rewritten(new, record) == new


def test_groups_are_told_apart() -> None:
    vectors = np.concatenate([np.ones((40, 4)), np.eye(4)[np.arange(40) % 4]]).astype(np.float32)
    seen = Seen(np.ones(80, bool), np.ones(80, bool), vectors, np.ones(80, np.float32))
    first = np.arange(80) < 40

    groups = {"kind": {"a": first, "b": ~first, "few": np.arange(80) < 5}}
    told = group_figures(seen, groups, partial(similarity, distance="cosine"), {1000: 0.9})
    assert set(told["kind"]) == {"a", "b"}
    shares = {name: one["false_match"]["1000"]["share"] for name, one in told["kind"].items()}
    assert shares["a"] == 1.0
    assert shares["b"] == pytest.approx(9 / 39)


def test_cards_of_public_embedders_can_be_read() -> None:
    folders = sorted((ROOT / "config" / "examples" / "cards").iterdir())
    assert len(folders) == 3
    for folder in folders:
        card = load_card(folder)
        assert card.name == folder.name
        assert card.task == "face-embedder"
        assert card.golden is not None
        assert card.calibration is not None
        assert set(card.thresholds) == {"one-in-100", "one-in-1000", "one-in-10000"}


def beside_its_card(shared: Path, folder: Path, name: str) -> Path:
    """A public MobileFaceNet beside its card, as a user would put it there."""
    card = ROOT / "config" / "examples" / "cards" / name / "card.yaml"
    (folder / name).mkdir(parents=True)
    (folder / name / "card.yaml").write_text(card.read_text("utf-8"), "utf-8")
    file = load_card(folder / name).variants[0].file
    (folder / name / file).symlink_to(shared / "models-public" / "face_embed" / file)
    return folder / name


@pytest.fixture
def public(shared: Path, tmp_path: Path) -> Path:
    """The smallest of them."""
    return beside_its_card(shared, tmp_path / "peers", "mobilefacenet-ltk-uint8")


def small_set(shared: Path, file: Path) -> Path:
    """The pairs of the first ten persons of the development set."""
    arrays = dict(np.load(shared / "data" / "faces" / "verify" / "cfp_dev_pairs.npz", allow_pickle=True))
    persons = np.array([name.split("/")[3] for name in arrays["names"]])
    images = np.flatnonzero(np.isin(persons, np.unique(persons)[:10]))
    chosen = np.isin(arrays["pairs"], images).all(axis=1)
    pairs = np.searchsorted(images, arrays["pairs"][chosen])
    columns = {name: arrays[name][chosen] for name in ("same", "protocol", "fold")}
    np.savez(file, images=arrays["images"][images], names=arrays["names"][images], pairs=pairs, **columns)
    return file


@pytest.mark.shared
def test_a_public_embedder_is_judged_by_its_card(
    shared: Path, public: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = small_set(shared, tmp_path / "some.npz")
    command = ["faces-verify", "--set", str(file), "--model", str(public)]
    beside_its_card(shared, tmp_path / "peers", "mobilefacenet-zye")  # it takes 96x112
    more = ["--plots", str(tmp_path / "out"), "--sheet", str(tmp_path / "sheet.png")]
    assert main([*command, *more, "--peers", str(public.parent), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) >= {"accuracy", "tar_at_far", "auc", "n", "by_protocol", "peers"}
    assert told["n"] == sum(part["n"] for part in told["by_protocol"].values()) > 100
    assert told["auc"] > 0.8
    assert set(told["peers"]) == {"mobilefacenet-zye"}, "a model is no peer of itself"
    assert told["peers"]["mobilefacenet-zye"]["by_protocol"]["FP"]["auc"] > 0.9
    for name in ("FF", "FP"):
        picture = cv2.imread(str(tmp_path / "out" / f"roc-some-{name}.png"))
        assert picture is not None
        assert np.ptp(picture) > 200
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    assert main([*command, "--threshold", "nan"]) == 2
    assert main([*command, "--peers", str(tmp_path / "out")]) == 1


@pytest.mark.shared
def test_calibrating_puts_the_thresholds_into_the_card(
    shared: Path, public: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = small_set(shared, tmp_path / "some.npz")
    command = ["faces-calibrate", "--model", str(public), "--set"]
    before = load_card(public)
    assert main([*command, str(file), "--json", "--write"]) == 0
    told, card = json.loads(capsys.readouterr().out), load_card(public)
    assert card.thresholds["one-in-100"].value == told["thresholds"]["one-in-100"]["value"]
    assert card.calibration is not None
    assert card.calibration.slope == told["calibration"]["slope"]
    assert card.model_copy(update={"thresholds": {}, "calibration": None}) == before.model_copy(
        update={"thresholds": {}, "calibration": None}
    )
    assert main([*command, str(shared / "data" / "faces" / "verify" / "lfw_pairs.npz")]) == 1
    assert "has ten folds, so it is a test" in capsys.readouterr().err
    assert main(["faces-calibrate", "--model", str(public)]) == 2


@pytest.mark.slow
@pytest.mark.shared
def test_public_embedders_have_the_figures_that_others_measured(
    shared: Path, public: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verify = shared / "data" / "faces" / "verify"
    command = ["faces-verify", "--model", str(public), "--json", "--set"]
    assert main([*command, str(verify / "lfw_pairs.npz")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["accuracy"] == pytest.approx(0.9822, abs=0.0006)
    assert told["tar_at_far"]["1e-3"] == pytest.approx(0.951, abs=0.002)
    assert main([*command, str(verify / "cfp_dev_pairs.npz")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["by_protocol"]["FF"]["accuracy"] == pytest.approx(0.991, abs=0.002)
    assert told["by_protocol"]["FP"]["accuracy"] == pytest.approx(0.810, abs=0.002)
