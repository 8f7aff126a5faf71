"""Where faces are: the arithmetic on maps made by hand, and the model that ships on real pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from astronaut import LANDMARKS, portrait
from numpy.typing import NDArray
from skimage import data

from edge.errors import ModelError
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.faces.detector import (
    CANDIDATES,
    LOWER,
    FaceDetector,
    Letterbox,
    agreed,
    boxes_of,
    places,
    suppressed,
)
from edge.records import Image

FACE = np.array([171.0, 66.0, 102.0, 112.0])
"""Of the portrait: x, y, w, h, from above the brows to the chin."""

SIZES = (160, 320, 640)


class Told:
    """A network that says what it is told to, of whatever it is shown."""

    labels: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = {}

    def __init__(
        self, size: tuple[int, int] = (160, 120), colour: Literal["grey", "rgb", "bgr"] = "bgr"
    ) -> None:
        self.input_size, self.colour = size, colour
        count = len(places(size)[1])
        self.said = {
            "scores": np.zeros((count, 1), np.float32),
            "boxes": np.zeros((count, 4), np.float32),
            "points": np.zeros((count, 10), np.float32),
        }
        self.seen: Image = np.zeros((1, 1, 3), np.uint8)

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        self.seen = image.copy()
        return self.said

    def put(self, place: int, score: float, size: float, move: tuple[float, float] = (0, 0)) -> None:
        """A face at a place, so many strides large."""
        self.said["scores"][place] = score
        self.said["boxes"][place] = (*move, np.log(size), np.log(size))
        self.said["points"][place] = (
            np.tile(move, 5) + np.array([-1, -1, 1, -1, 0, 0, -1, 1, 1, 1]) * size / 4
        )


def detector(network: Told, threshold: float = 0.5, most: int = 10) -> FaceDetector:
    return FaceDetector(network, threshold=threshold, most=most)


def real(size: int, threshold: float | None = None) -> FaceDetector:
    model = Model.load(f"face-detector@{size}", InferSettings(threads=1))
    return FaceDetector(model, threshold=threshold or model.thresholds["accept"], most=20)


def overlap(box: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    low, high = np.maximum(box[:2], other[:2]), np.minimum(box[:2] + box[2:], other[:2] + other[2:])
    shared = float(np.clip(high - low, 0, None).prod())
    return shared / float(box[2:].prod() + other[2:].prod() - shared)


# -- maps made by hand ------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "count"), [((160, 120), 400), ((320, 240), 1580), ((640, 480), 6300)])
def test_places_are_those_of_three_maps_row_by_row(size: tuple[int, int], count: int) -> None:
    middles, strides = places(size)
    assert len(middles) == len(strides) == count
    assert middles[0].tolist() == [4, 4]
    assert middles[1].tolist() == [12, 4]
    assert middles[size[0] // 8].tolist() == [4, 12]
    assert middles[-1, 0] == size[0] - 16
    assert set(strides.tolist()) == {8, 16, 32}


def test_a_box_lies_around_its_place() -> None:
    middles, strides = np.array([[20, 12]], np.float32), np.array([8], np.float32)
    said = np.array([[0.5, -0.25, np.log(2), np.log(3)]], np.float32)
    assert boxes_of(said, middles, strides)[0].tolist() == pytest.approx([24 - 8, 10 - 12, 16, 24])


def test_a_fault_gives_a_large_box_and_no_infinite_one() -> None:
    said = np.full((1, 4), 500, np.float32)
    assert np.isfinite(boxes_of(said, np.zeros((1, 2), np.float32), np.ones(1, np.float32))).all()


def test_of_boxes_on_each_other_the_surest_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [40, 0, 10, 10], [8, 8, 10, 10]], np.float32)
    assert suppressed(boxes).tolist() == [0, 2, 3]


def test_points_are_what_all_places_say_that_mean_the_same_face() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [5, 0, 10, 10], [40, 0, 10, 10]], np.float32)
    points = np.repeat(np.array([4, 8, 90, 44], np.float32), 10).reshape(4, 5, 2)
    scores = np.array([0.9, 0.3, 0.8, 0.0], np.float32)
    said = agreed(points, boxes, scores, np.array([0, 3]))
    assert said.shape == (2, 5, 2)
    assert said[0].ravel().tolist() == pytest.approx([5.0] * 10)
    assert said[1].ravel().tolist() == pytest.approx([44.0] * 10)


def test_found_in_pixels_of_the_picture() -> None:
    network = Told()
    network.put(25, 0.9, 2.0)  # the sixth of the second row: middle (44, 12), 16 pixels large
    found = detector(network).find(np.zeros((480, 640, 3), np.uint8))
    assert found.boxes.tolist() == [pytest.approx([36 * 4, 4 * 4, 64, 64])]
    assert found.scores.tolist() == pytest.approx([0.9])
    lower = np.stack([np.zeros(5), LOWER * 64], axis=1)
    assert found.landmarks[0].tolist() == pytest.approx(
        np.array([[40, 8], [48, 8], [44, 12], [40, 16], [48, 16]]) * 4 + lower
    )


def test_surest_first_and_those_below_the_threshold_not_at_all() -> None:
    network = Told()
    for place, score in ((0, 0.6), (10, 0.8), (19, 0.4)):
        network.put(place, score, 1.0)
    found = detector(network).find(np.zeros((120, 160, 3), np.uint8))
    assert found.scores.tolist() == pytest.approx([0.8, 0.6])


def test_nobody_gives_arrays_of_nothing() -> None:
    found = detector(Told()).find(np.zeros((50, 70, 3), np.uint8))
    assert len(found) == 0
    assert (found.boxes.shape, found.scores.shape, found.landmarks.shape) == ((0, 4), (0,), (0, 5, 2))


def test_what_is_beyond_the_bounds_is_counted() -> None:
    network = Told((640, 480))
    for place in range(400):  # of one row and more, each its own face
        network.put(place, 0.9 - place / 1000, 0.5)
    some = detector(network, threshold=0.3, most=7)
    found = some.find(np.zeros((480, 640, 3), np.uint8))
    assert found.scores.tolist() == pytest.approx([0.9 - n / 1000 for n in range(7)])
    assert some.dropped == CANDIDATES - 7
    assert some.crowded == 400 - CANDIDATES


def test_another_network_is_refused() -> None:
    with pytest.raises(ModelError, match="rgb"):
        detector(Told(colour="rgb"))
    wrong = Told()
    wrong.said["boxes"] = wrong.said["boxes"][:-1]
    with pytest.raises(ModelError, match=r"output boxes is \[399, 4\]; 4 values for each of 400 places"):
        detector(wrong)
    lacking = Told()
    del lacking.said["points"]
    with pytest.raises(ModelError, match="output points is missing"):
        detector(lacking)


# -- the letterbox ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "inside"),
    [((640, 480), (160, 120)), ((1920, 1080), (160, 90)), ((480, 640), (90, 120)), ((1, 5000), (1, 120))],
)
def test_a_picture_fits_in_whole(size: tuple[int, int], inside: tuple[int, int]) -> None:
    box = Letterbox.of(size, (160, 120))
    assert (box.width, box.height) == inside


def test_nothing_of_the_picture_before_shows_beside_the_next() -> None:
    network = Told()
    some = detector(network)
    some.find(np.full((120, 160, 3), 200, np.uint8))
    assert (network.seen == 200).all()
    some.find(np.full((240, 120, 3), 100, np.uint8))
    assert (network.seen[:, :60] == 100).all()
    assert (network.seen[:, 60:] == 0).all()


def test_the_picture_itself_stays_as_it_is_read_only_or_cut_from_a_larger_one() -> None:
    network = Told()
    image = np.random.default_rng(1).integers(0, 256, (300, 500, 3)).astype(np.uint8)
    image.flags.writeable = False
    before = image.copy()
    detector(network).find(image[10:250, 20:340])
    assert (image == before).all()
    assert network.seen.any()


# -- the model that ships ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "scale"), [(160, 0.5), (320, 0.25), (320, 0.5), (320, 1.0), (320, 1.5), (640, 0.25), (640, 1.0)]
)
def test_the_portrait_is_found_where_it_is(size: int, scale: float) -> None:
    """Its face is 14 to 170 pixels high where the network sees it, and in another corner each time."""
    scene = np.full((480, 640, 3), 90, np.uint8)
    head = cv2.resize(portrait()[:300], None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    head = head[: scene.shape[0], : scene.shape[1]]
    room = np.array(scene.shape[1::-1]) - head.shape[1::-1]
    for share in ((0.0, 0.0), (1.0, 0.0), (0.5, 1.0)):
        x, y = (room * share).astype(int)
        view = scene.copy()
        view[y : y + head.shape[0], x : x + head.shape[1]] = head
        found = real(size).find(view)
        assert len(found) >= 1
        wanted = FACE * scale + (x, y, 0, 0)
        assert overlap(found.boxes[0].astype(float), wanted) > 0.4
        away = np.linalg.norm(found.landmarks[0] - (LANDMARKS * scale + (x, y)), axis=1).mean()
        assert away < 0.35 * 47 * scale + 640 / size  # a third of the eyes' distance and a pixel of the input


def test_two_people_are_two_faces() -> None:
    head = portrait()[:300, 60:400]
    found = real(320).find(np.hstack([head, head[:, ::-1]]))
    assert len(found) == 2
    assert abs(found.boxes[0, 0] - found.boxes[1, 0]) > 200


def test_landmarks_are_in_the_picture_from_left_to_right() -> None:
    for image in (portrait(), np.ascontiguousarray(portrait()[:, ::-1])):
        eyes_nose_mouth = real(320).find(image).landmarks[0]
        assert eyes_nose_mouth[0, 0] < eyes_nose_mouth[1, 0]
        assert eyes_nose_mouth[3, 0] < eyes_nose_mouth[4, 0]
        assert eyes_nose_mouth[:2, 1].max() < eyes_nose_mouth[2, 1] < eyes_nose_mouth[3:, 1].min()


@pytest.mark.parametrize(
    "name",
    ["brick", "grass", "gravel", "page", "text", "coffee", "chelsea", "clock", "moon", "rocket"],
)
def test_no_face_on_textures_animals_things_and_print(name: str) -> None:
    image = getattr(data, name)()
    image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image[:, :, ::-1]
    assert len(real(320).find(np.ascontiguousarray(image, np.uint8))) == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 2000, 3), (2000, 3, 3), (17, 23, 3)])
def test_pictures_of_odd_shapes_are_looked_at(shape: tuple[int, int, int]) -> None:
    assert len(real(160).find(np.zeros(shape, np.uint8))) == 0


def test_each_variant_is_small_and_one_graph_for_xnnpack() -> None:
    for size in SIZES:
        model = Model.load(f"face-detector@{size}", InferSettings(threads=1))
        assert model.input_size == (size, size * 3 // 4)
        assert model.delegated == 1
        assert (Path(model.folder) / model.variant.file).stat().st_size <= 250_000
