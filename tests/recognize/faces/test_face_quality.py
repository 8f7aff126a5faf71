"""Whether a look is good enough: a real portrait blurred, shrunk, turned, dimmed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from astronaut import LANDMARKS, portrait, scaled, turned
from hypothesis import given
from hypothesis import strategies as st

from edge.recognize.faces.quality import DEPTH, FLAT, Gates, Quality, pose
from edge.recognize.faces.settings import FacesSettings
from edge.records import Image, Points

GATES = Gates(FacesSettings())


def measured(image: Image, landmarks: Points = LANDMARKS) -> Quality:
    return GATES.measure(image, landmarks)


def blurred(image: Image, share: float) -> Image:
    """Out of focus by ``share`` of the distance between the eyes."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), share * 47), np.uint8)


def seen_from(yaw: float, pitch: float, roll: float, size: float) -> Points:
    """The five points of a head that is turned so, in degrees, far away."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    head = np.column_stack([FLAT, DEPTH])
    return np.asarray((head @ (about_z @ about_x @ about_y).T)[:, :2] * size + (300, 200), np.float32)


def test_a_good_portrait_passes() -> None:
    quality = measured(portrait())
    assert GATES.refusal(quality) is None
    assert quality.eyes == pytest.approx(41, abs=4)
    assert quality.sharpness > 0.5
    assert abs(quality.yaw) < 25
    assert abs(quality.pitch) < 25
    assert quality.total > 0.5


def test_a_small_face_is_refused_in_words() -> None:
    image, landmarks = scaled(portrait(), 0.25)
    reason = GATES.refusal(measured(image, landmarks))
    assert reason is not None
    assert reason.code == "too-small"
    assert reason.words == "too small: 10 pixels between the eyes, 14 are needed"


@pytest.mark.parametrize("share", [0.1, 0.15, 0.3, 1.0])
def test_a_blurred_face_is_refused_in_words(share: float) -> None:
    reason = GATES.refusal(measured(blurred(portrait(), share)))
    assert reason is not None
    assert reason.code == "too-blurred"
    assert "sharpness 0." in reason.words
    assert "0.25 is needed" in reason.words


def test_more_blur_is_never_sharper() -> None:
    found = [measured(blurred(portrait(), share)).sharpness for share in (0.01, 0.03, 0.06, 0.12, 0.25)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 3 * found[-1]


@pytest.mark.parametrize("scale", [0.45, 0.7, 1.5, 3.0])
def test_sharpness_does_not_depend_on_size(scale: float) -> None:
    image, landmarks = scaled(portrait(), scale)
    assert measured(image, landmarks).sharpness == pytest.approx(measured(portrait()).sharpness, rel=0.3)
    blurry, landmarks = scaled(blurred(portrait(), 0.12), scale)
    assert GATES.refusal(measured(blurry, landmarks)) is not None


@pytest.mark.parametrize(("gain", "offset"), [(0.3, 0), (0.5, 100), (0.8, -10)])
def test_sharpness_does_not_depend_on_light(gain: float, offset: float) -> None:
    dim = np.clip(portrait().astype(np.float32) * gain + offset, 0, 255).astype(np.uint8)
    assert measured(dim).sharpness == pytest.approx(measured(portrait()).sharpness, rel=0.25)


def test_a_flat_grey_place_is_not_sharp() -> None:
    assert measured(np.full((512, 512, 3), 90, np.uint8)).sharpness == 0


@pytest.mark.parametrize("degrees", [-40, 20, 90, 180])
def test_a_head_that_lies_on_its_side_is_not_turned_away(degrees: float) -> None:
    straight, quality = measured(portrait()), measured(*turned(degrees))
    assert quality.yaw == pytest.approx(straight.yaw, abs=1)
    assert quality.pitch == pytest.approx(straight.pitch, abs=1)
    assert quality.eyes == pytest.approx(straight.eyes, rel=0.01)
    assert GATES.refusal(quality) is None


@given(st.floats(-70, 70), st.floats(-40, 40), st.floats(-180, 180), st.floats(5, 500))
def test_pose_is_found_again(yaw: float, pitch: float, roll: float, size: float) -> None:
    found = pose(seen_from(yaw, 0, roll, size))
    assert found[0] == pytest.approx(yaw, abs=2)
    assert found[1] == pytest.approx(0, abs=2)
    found = pose(seen_from(0, pitch, roll, size))
    assert found[0] == pytest.approx(0, abs=2)
    assert found[1] == pytest.approx(pitch, abs=2)


@pytest.mark.parametrize(
    ("yaw", "pitch", "words"), [(70, 0, "sideways"), (-75, 10, "sideways"), (0, 55, "up or down")]
)
def test_a_face_that_is_turned_away_is_refused_in_words(yaw: float, pitch: float, words: str) -> None:
    reason = GATES.refusal(measured(portrait(), seen_from(yaw, pitch, 5, 60)))
    assert reason is not None
    assert reason.code == "turned-away"
    assert words in reason.words


def test_the_better_look_weighs_more() -> None:
    best = measured(portrait()).total
    small, landmarks = scaled(portrait(), 0.4)
    assert measured(small, landmarks).total < best
    assert measured(blurred(portrait(), 0.05)).total < best
    for yaw in (30, 50):
        assert measured(portrait(), seen_from(yaw, 0, 0, 47)).total < best
    assert 0 <= best <= 1


def test_gates_are_settings() -> None:
    strict = Gates(FacesSettings(min_eyes=60.0))
    reason = strict.refusal(strict.measure(portrait(), LANDMARKS))
    assert reason is not None
    assert "60 are needed" in reason.words
    loose = Gates(FacesSettings(min_sharpness=0.0))
    assert loose.refusal(loose.measure(blurred(portrait(), 0.3), LANDMARKS)) is None


@given(
    st.lists(
        st.tuples(st.floats(-1e4, 1e4, width=32), st.floats(-1e4, 1e4, width=32)), min_size=5, max_size=5
    )
)
def test_any_points_are_measured_or_refused(pairs: list[tuple[float, float]]) -> None:
    try:
        quality = measured(np.full((40, 40, 3), 99, np.uint8), np.array(pairs, np.float32))
    except ValueError:
        return
    assert 0 <= quality.total <= 1
    assert np.isfinite([quality.eyes, quality.yaw, quality.pitch, quality.sharpness]).all()
