"""Frozen and black pictures are told from still and dark ones."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from edge.capture.looks import Looks
from edge.records import Image

SIZES = [(480, 640), (1080, 1920), (40, 30), (1, 1), (97, 3)]


def noisy(level: float, noise: float, seed: int, shape: tuple[int, int] = (480, 640)) -> Image:
    chance = np.random.default_rng(seed)
    return np.clip(chance.normal(level, noise, (*shape, 3)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", SIZES)
def test_the_same_bytes_again_are_a_repetition(shape: tuple[int, int]) -> None:
    looks, picture = Looks(), noisy(120, 20, 1, shape)
    seen = [looks.at(picture.copy())[0] for _ in range(4)]
    assert seen == [False, False, True, True]  # from the second on it is looked at closely
    assert not looks.at(255 - picture)[0]


def test_the_noise_of_a_still_scene_is_no_repetition() -> None:
    looks = Looks()
    assert not any(looks.at(noisy(120, 0.7, seed))[0] for seed in range(10))


def test_a_change_between_the_points_of_the_grid_is_seen() -> None:
    looks, picture = Looks(), np.full((480, 640, 3), 90, np.uint8)
    for number in range(6):
        picture[8, 12] = number
        assert not looks.at(picture)[0]


def test_a_change_of_size_is_no_repetition() -> None:
    looks = Looks()
    for shape in SIZES:
        assert not looks.at(np.full((*shape, 3), 90, np.uint8))[0]


@pytest.mark.parametrize(
    ("picture", "black"),
    [
        (np.zeros((480, 640, 3), np.uint8), True),
        (noisy(6, 4, 1), True),  # a lens cap, with amplified noise
        (noisy(60, 10, 1), False),
        (np.zeros((1, 1, 3), np.uint8), True),
    ],
)
def test_black(picture: Image, black: bool) -> None:
    assert Looks().at(picture)[1] is black


def test_a_lit_display_in_the_dark_is_not_black() -> None:
    picture = noisy(3, 2, 1)
    cv2.putText(picture, "0742", (280, 240), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (40, 40, 220), 4)
    assert not Looks().at(picture)[1]


def test_a_look_costs_little() -> None:
    pictures = [noisy(120, 5, seed) for seed in range(4)]
    looks, taken = Looks(), []
    for number in range(200):
        begun = time.thread_time()
        looks.at(pictures[number % 4])
        taken.append(time.thread_time() - begun)
    assert sorted(taken)[100] < 0.3e-3
