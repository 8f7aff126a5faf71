"""Rotation, flip, masks, region: against numpy's own, and without needless copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.orient import Orientation
from edge.capture.settings import CameraSettings
from edge.records import Image

FLIPS = {"none": None, "horizontal": 1, "vertical": 0, "both": (0, 1)}


def noise(width: int = 9, height: int = 6) -> Image:
    return np.random.default_rng(1).integers(1, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("writeable", [True, False])
@pytest.mark.parametrize("flip", FLIPS)
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_rotation_clockwise_then_flip(rotate: int, flip: str, writeable: bool) -> None:
    picture = noise()
    expected = np.rot90(picture, -rotate // 90)
    expected = expected if flip == "none" else np.flip(expected, FLIPS[flip])
    expected = expected.copy()
    picture.flags.writeable = writeable
    settings = CameraSettings.model_validate({"rotate": rotate, "flip": flip})
    turned, region = Orientation(settings).apply(picture)
    assert region is None
    assert np.array_equal(turned, expected)


def test_nothing_to_do_is_the_same_array() -> None:
    picture = noise()
    assert Orientation(CameraSettings()).apply(picture)[0] is picture
    opposite = CameraSettings(rotate=180, flip="both")
    assert Orientation(opposite).apply(picture)[0] is picture


@pytest.mark.parametrize(
    "settings",
    [CameraSettings(rotate=180), CameraSettings(flip="vertical"), CameraSettings(masks=((0, 0, 0.5, 1),))],
)
def test_what_can_be_done_in_place_is(settings: CameraSettings) -> None:
    picture = noise()
    assert np.shares_memory(Orientation(settings).apply(picture)[0], picture)


def test_masks_and_region_are_places_of_the_turned_picture() -> None:
    picture = noise(width=20, height=10)
    settings = CameraSettings(rotate=90, masks=((0, 0, 0.5, 0.25),), region=(0, 0, 1, 0.5))
    result, region = Orientation(settings).apply(picture.copy())
    expected = np.rot90(picture, -1).copy()
    assert expected.shape == (20, 10, 3)
    expected[0:5, 0:5] = 0
    expected[10:] = 0
    assert region == (0, 0, 10, 10)
    assert np.array_equal(result, expected)


def test_places_follow_a_change_of_size() -> None:
    orientation = Orientation(CameraSettings(region=(0.25, 0.5, 0.5, 0.5)))
    assert orientation.apply(noise(8, 8))[1] == (2, 4, 4, 4)
    assert orientation.apply(noise(80, 40))[1] == (20, 20, 40, 20)


def test_a_read_only_picture_is_masked_in_a_copy() -> None:
    picture = noise()
    before = picture.copy()
    picture.flags.writeable = False
    result, _ = Orientation(CameraSettings(masks=((0, 0, 1, 1),))).apply(picture)
    assert not result.any()
    assert np.array_equal(picture, before)


@st.composite
def places(draw: st.DrawFn) -> tuple[float, float, float, float]:
    """Places of at least a thousandth, with any corner."""
    x, y = draw(st.floats(0, 0.999)), draw(st.floats(0, 0.999))
    return x, y, draw(st.floats(0.001, 1 - x)), draw(st.floats(0.001, 1 - y))


side = st.integers(1, 70)


@given(places(), side, side)
def test_a_mask_hides_every_pixel_that_it_touches(
    place: tuple[float, float, float, float], width: int, height: int
) -> None:
    x, y, w, h = place
    picture = np.full((height, width, 3), 255, np.uint8)
    result, _ = Orientation(CameraSettings(masks=(place,))).apply(picture)
    slack = 1e-4
    columns, rows = np.arange(width), np.arange(height)
    across = (columns + 1 > x * width + slack) & (columns < (x + w) * width - slack)
    down = (rows + 1 > y * height + slack) & (rows < (y + h) * height - slack)
    assert not result[down[:, None] & across[None, :]].any()
    beside = (columns + 1 < x * width - slack) | (columns > (x + w) * width + slack)
    assert (result[:, beside] == 255).all()


@given(places(), side, side)
def test_outside_of_the_region_all_is_black_and_inside_nothing(
    place: tuple[float, float, float, float], width: int, height: int
) -> None:
    picture = np.full((height, width, 3), 255, np.uint8)
    result, region = Orientation(CameraSettings(region=place)).apply(picture)
    assert region is not None
    left, top, across, down = region
    assert across >= 1
    assert down >= 1
    assert result.any(axis=2).sum() == across * down
    assert (result[top : top + down, left : left + across] == 255).all()
