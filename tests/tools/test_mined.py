"""Mined crops as training takes them: shards that are whole, digits and rejects in their shares."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import InputError
from tools.train_digits.mined import DIGITS, Mined


def shard(folder: Path, name: str, labels: list[int]) -> None:
    values = np.array(labels, np.uint8)
    crops = np.repeat(values * 10, 32 * 32).reshape(-1, 32, 32)
    np.savez(folder / name, pictures=crops, labels=values)


def test_crops_keep_their_labels_and_digits_their_share(tmp_path: Path) -> None:
    shard(tmp_path, "train-1-0000.npz", [10] * 50 + [3])
    shard(tmp_path, "train-1-0001.npz", [10] * 50 + [7])
    shard(tmp_path, "validation-1-0000.npz", [5] * 50)
    mined = Mined(tmp_path)
    assert len(mined) == 102
    crops, labels = np.empty((4000, 32, 32), np.uint8), np.empty(4000, np.uint8)
    mined.sample(np.random.default_rng(1), crops, labels)
    assert set(labels) == {3, 7, 10}
    assert (labels < 10).mean() == pytest.approx(DIGITS, abs=0.03)
    np.testing.assert_array_equal(crops[:, 5, 5], labels * 10)


def test_a_folder_without_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no train-"):
        Mined(tmp_path)
    shard(tmp_path, "train-1-0000.npz", [10] * 5)
    with pytest.raises(InputError, match="only rejects"):
        Mined(tmp_path)


def test_damaged_shards_are_named(tmp_path: Path) -> None:
    path = tmp_path / "train-1-0000.npz"
    np.savez(path, pictures=np.zeros((2, 28, 28), np.uint8), labels=np.zeros(2, np.uint8))
    with pytest.raises(InputError, match="32x32"):
        Mined(tmp_path)
    np.savez(path, pictures=np.zeros((1, 32, 32), np.uint8), labels=np.array([11], np.uint8))
    with pytest.raises(InputError, match="0 to 10"):
        Mined(tmp_path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=str(path)):
        Mined(tmp_path)


def test_shards_that_come_later_are_taken_up(tmp_path: Path) -> None:
    shard(tmp_path, "train-1-0000.npz", [10, 3])
    mined = Mined(tmp_path)
    assert not mined.grow()
    shard(tmp_path, "train-1-0001.npz", [10, 7])
    assert mined.grow()
    crops, labels = np.empty((200, 32, 32), np.uint8), np.empty(200, np.uint8)
    mined.sample(np.random.default_rng(1), crops, labels)
    assert set(labels) == {3, 7, 10}


def test_what_is_known_is_handed_out_less_often(tmp_path: Path) -> None:
    shard(tmp_path, "train-1-0000.npz", [10] * 10 + list(range(10)))
    mined = Mined(tmp_path)
    rng = np.random.default_rng(1)
    crops, labels = np.empty((1000, 32, 32), np.uint8), np.empty(1000, np.uint8)
    for _ in range(200):
        mined.sample(rng, crops, labels)
        mined.learnt(np.where(labels == 4, 1.0, 0.01).astype(np.float32))
    digits = labels[labels < 10]
    assert (digits == 4).mean() > 0.3, "a tenth of the digits, but the only one that is not known"
    assert set(digits) == set(range(10)), "the others are met still"
