"""The samples that calibrate and judge: checked, chosen before they are prepared, made one by one."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import InputError
from edge.infer.card import Colour
from tools.data import Labelled
from tools.quantize import samples as loading
from tools.quantize.samples import Normalisation, load_samples, split

PIXELS = Normalisation()
SHAPE = (1, 32, 32, 1)


def archive(folder: Path, name: str = "inputs.npz", **arrays: Any) -> str:
    np.savez(folder / name, **arrays)
    return str(folder / name)


def test_sample_files_are_checked(tmp_path: Path) -> None:
    good = np.zeros((2, 32, 32, 1), np.float32)
    (tmp_path / "empty").mkdir()
    (tmp_path / "none").write_bytes(b"")
    whole = Path(archive(tmp_path, "whole.npz", inputs=good))
    (tmp_path / "cut.npz").write_bytes(whole.read_bytes()[:60])
    np.save(tmp_path / "bare.npy", good)
    with zipfile.ZipFile(tmp_path / "text.npz", "w") as other:
        other.writestr("inputs", "no array")
    for where, says in (
        (archive(tmp_path, "bytes.npz", inputs=good.astype(np.uint8)), "uint8"),
        (archive(tmp_path, "named.npz", pictures=good), "inputs"),
        (archive(tmp_path, "labels.npz", inputs=good, labels=np.zeros(3, np.int64)), "3 labels for 2"),
        (archive(tmp_path, "kinds.npz", inputs=good, labels=np.zeros(2, np.float32)), "labels are float32"),
        (archive(tmp_path, "point.npz", inputs=np.float32(1)), "one sample a row"),
        (str(tmp_path / "cut.npz"), "no .npz"),
        (str(tmp_path / "missing"), "no .npz"),
        (str(tmp_path / "none"), "no .npz"),
        (str(tmp_path / "bare.npy"), "one array without a name: numpy.savez"),
        (str(tmp_path / "text.npz"), "no such array"),
        (str(tmp_path / "empty"), "no pictures"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            load_samples(where, SHAPE, PIXELS)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"no picture", b""])
def test_a_picture_that_cannot_be_read_is_named_when_it_is_asked_for(tmp_path: Path, content: bytes) -> None:
    assert cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9), np.uint8))
    (tmp_path / "b.png").write_bytes(content)
    samples = load_samples(str(tmp_path), SHAPE, PIXELS)
    assert samples.made(0).shape == SHAPE[1:]
    with pytest.raises(InputError, match=r"b\.png: is no picture"):
        samples.inputs()


def test_pictures_of_another_colour_than_the_model_takes_are_refused(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "a.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match=r"grey pictures do not fit.*rgb, bgr"):
        load_samples(str(tmp_path), (1, 8, 8, 3), PIXELS)
    with pytest.raises(InputError, match=r"rgb pictures do not fit.*: grey"):
        load_samples(str(tmp_path), (1, 8, 8), Normalisation("rgb"))


def test_a_folder_of_pictures_is_labelled_by_its_folders(tmp_path: Path) -> None:
    for label, level in (("dark", 10), ("light", 240)):
        (tmp_path / label).mkdir()
        for number in range(3):
            picture = np.full((50, 40, 3), level + number, np.uint8)
            assert cv2.imwrite(str(tmp_path / label / f"{number}.png"), picture)
    samples = load_samples(str(tmp_path), SHAPE, PIXELS)
    assert samples.inputs().shape == (6, 32, 32, 1)
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert samples.made(0).max() == pytest.approx(10 / 255)
    colour = load_samples(str(tmp_path), (1, 8, 8, 3), Normalisation("rgb", (127.5,), (127.5,))).inputs()
    assert colour.shape == (6, 8, 8, 3)
    assert -1 <= colour.min() <= colour.max() <= 1


def test_channels_come_in_the_order_that_the_model_was_trained_on(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "red.png"), np.full((8, 8, 3), (0, 0, 200), np.uint8))
    orders: dict[Colour, list[int]] = {"rgb": [200, 0, 0], "bgr": [0, 0, 200]}
    for colour, values in orders.items():
        samples = load_samples(str(tmp_path), (1, 4, 4, 3), Normalisation(colour, (0.0,), (1.0,)))
        assert samples.made(0)[2, 2].tolist() == values


def test_calibration_takes_as_many_of_each_label_and_leaves_the_others(tmp_path: Path) -> None:
    labels = np.array([0] * 50 + [1] * 10 + [2] * 4)
    inputs = np.arange(64, dtype=np.float32)[:, None, None, None] * np.ones(SHAPE, np.float32)
    samples = load_samples(archive(tmp_path, inputs=inputs, labels=labels), SHAPE, PIXELS)
    chosen, rest = split(samples, 18, 64, seed=3)
    assert chosen.labels is not None
    assert np.bincount(chosen.labels).tolist() == [7, 7, 4]
    together = np.concatenate([chosen.inputs(), rest.inputs()])[:, 0, 0, 0]
    assert sorted(together) == list(range(64))
    again, _ = split(samples, 18, 64, seed=3)
    assert np.array_equal(again.inputs(), chosen.inputs())


def test_what_judges_is_not_the_first_labels_only(tmp_path: Path) -> None:
    """Folders by label come one after the other: their first so many are of few labels."""
    labels = np.repeat(np.arange(10), 40)
    inputs = np.zeros((400, *SHAPE[1:]), np.float32)
    samples = load_samples(archive(tmp_path, inputs=inputs, labels=labels), SHAPE, PIXELS)
    _, judged = split(samples, 100, 100, seed=1)
    assert len(judged) == 100
    assert judged.labels is not None
    assert set(judged.labels) == set(range(10))


def test_only_chosen_samples_are_prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A whole set as a larger model takes it does not fit into memory."""
    pictures = np.arange(2000, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    prepared: list[int] = []
    real = loading._real

    def counted(image: Any, shape: tuple[int, ...], pixels: Normalisation) -> Any:
        prepared.append(int(image[50, 50, 0]))
        return real(image, shape, pixels)

    monkeypatch.setattr(loading, "_real", counted)
    monkeypatch.setattr(loading, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(
        loading, "mnist", lambda *_: Labelled(pictures, (np.arange(2000) % 10).astype(np.uint8))
    )
    samples = load_samples("mnist-train", (1, 112, 112, 3), Normalisation("rgb"))
    chosen, judged = split(samples, 8, 4, seed=1)
    assert prepared == []
    assert chosen.inputs().shape == (8, 112, 112, 3)
    assert len(prepared) == 8
    assert len(list(judged)) == 4
    assert len(prepared) == 12
    assert chosen.made(0)[50, 50].tolist() == [pytest.approx(prepared[0] / 255)] * 3
    assert chosen.made(0)[0, 0].tolist() == [0, 0, 0]
