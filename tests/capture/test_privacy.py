"""What a mask covers, or a region leaves out, is gone before anybody else sees the frame.

All that a recognizer, a snapshot or a drawn picture gets of a camera is ``Frame.image``. Two cameras that
differ only in what is hidden must therefore give frames that are the same to the byte, and no array that a
frame leads to may hold a hidden pixel.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from fakes import Blocked, FakeSource

from edge.annotate import annotate
from edge.capture.settings import CameraSettings
from edge.capture.worker import CaptureWorker
from edge.clock import SystemClock
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.digits.settings import DigitsSettings
from edge.recognize.registry import descriptors, resolve
from edge.records import Box, Detection, Frame, Image

CLOCK = SystemClock()
SECRET = 201
LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0)


def taken(picture: Image, **settings: Any) -> Frame:
    """The frame that everybody else gets of it."""
    rest = Blocked()
    worker = CaptureWorker(
        CameraSettings(source="demo", **settings), CLOCK, FakeSource([[picture, rest]], CLOCK, live=True)
    )
    worker.start()
    frame = worker.take(10)
    rest.release.set()
    assert worker.stop()
    assert frame is not None
    return frame


def written(text: str) -> Image:
    picture = np.full((240, 320, 3), 235, np.uint8)
    cv2.putText(picture, text[0], (50, 160), cv2.FONT_HERSHEY_SIMPLEX, 3, (20, 20, 20), 8, cv2.LINE_AA)
    cv2.putText(picture, text[1], (210, 160), cv2.FONT_HERSHEY_SIMPLEX, 3, (20, 20, 20), 8, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("hidden", [{"masks": (LEFT,)}, {"region": RIGHT}])
@pytest.mark.parametrize(
    "turned", [{}, {"rotate": 180, "flip": "horizontal"}, {"rotate": 90}, {"rotate": 270}]
)
def test_what_is_hidden_changes_nothing(hidden: dict[str, Any], turned: dict[str, Any]) -> None:
    chance = np.random.default_rng(0)
    first = chance.integers(0, 200, (48, 64, 3), np.uint8)
    # Where it is hidden in the picture as the camera gives it is found with one that is all secret.
    shown = taken(np.full((48, 64, 3), SECRET, np.uint8), **hidden, **turned).image
    other = first.copy()
    frame = taken(first, **hidden, **turned)
    covered = shown[:, :, 0] == 0
    assert 0.4 < covered.mean() < 0.6
    for row, column in np.argwhere(_back(covered, turned)):
        other[row, column] = SECRET
    assert (other == SECRET).any()
    assert (taken(other, **hidden, **turned).image == frame.image).all()
    assert not frame.image[covered].any()


def _back(covered: Any, turned: dict[str, Any]) -> Any:
    """A picture of flags as it was before rotation and flip."""
    if turned.get("flip") == "horizontal":
        covered = covered[:, ::-1]
    return np.rot90(covered, turned.get("rotate", 0) // 90)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("writeable", [True, False])
def test_no_array_behind_a_frame_holds_a_hidden_pixel(rotate: int, writeable: bool) -> None:
    picture = np.full((48, 64, 3), SECRET, np.uint8)
    picture.flags.writeable = writeable
    frame = taken(picture, rotate=rotate, masks=((0.0, 0.0, 1.0, 1.0),))
    image: Any = frame.image
    while isinstance(image, np.ndarray):
        assert SECRET not in image
        image = image.base
    with pytest.raises(ValueError, match="read-only"):
        frame.image[0, 0] = 1


def test_recognizer_and_drawn_picture_see_only_what_is_shown() -> None:
    factory = resolve(descriptors()["digits"].factory)
    recognizer = factory(DigitsSettings(), lambda name: Model.load(name, InferSettings()))
    assert {found.label for found in recognizer.detect(taken(written("73")))} == {"7", "3"}
    for hidden in ({"masks": (LEFT,)}, {"region": RIGHT}):
        frame = taken(written("73"), **hidden)
        assert {found.label for found in recognizer.detect(frame)} == {"3"}
        shown = annotate(frame.image, [Detection(Box(200, 60, 60, 120), "3", 0.99)], [])
        assert not shown[:, :150].any()
