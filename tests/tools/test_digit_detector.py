"""The fully convolutional detector in whole pictures: tiles, scales, what stands, and its recipes."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.records import Frame, Image
from tools.evaluate.__main__ import main
from tools.evaluate.detector_recipes import DetectorRecipe, detector_recipe
from tools.evaluate.digit_detector import (
    SHARED,
    STRIDES,
    WORKING_SIDE,
    DigitDetector,
    Seen,
    places,
    standing,
    starts,
)

MODELS = Path(__file__).parents[2] / "models"
MODEL = MODELS / "digits-detector"
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)


class Spots:
    """A network that sees a digit 7, 24 pixels wide and 32 high, around the middle of each bright spot."""

    colour: Literal["grey", "rgb", "bgr"] = "grey"
    labels = tuple("0123456789")
    thresholds: Mapping[str, float] = {"accept": 0.5}

    def __init__(self, width: int, height: int) -> None:
        self.input_size = (width, height)
        self.looks = 0

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        self.looks += 1
        middles, strides = places(self.input_size)
        said = {"scores": np.full((len(strides), 1), -9.0, np.float32)}
        said["classes"] = np.zeros((len(strides), 10), np.float32)
        said["boxes"] = np.zeros((len(strides), 4), np.float32)
        _, _, _, found = cv2.connectedComponentsWithStats((image > 200).astype(np.uint8))
        for x, y in found[1:]:
            fits = (np.abs(middles - (x + 0.5, y + 0.5)).max(axis=1) <= strides / 2) & (strides == 8)
            said["scores"][fits] = 3.0
            said["classes"][fits, 7] = 9.0
            said["boxes"][fits, :2] = ((x + 0.5, y + 0.5) - middles[fits]) / 8
            said["boxes"][fits, 2:] = np.log([24 / 8, 32 / 8])
        return said


def dotted(width: int, height: int, *middles: tuple[int, int]) -> Image:
    image = np.zeros((height, width), np.uint8)
    for x, y in middles:
        image[y - 5 : y + 6, x - 5 : x + 6] = 255
    return image


@pytest.mark.parametrize("side", [100, 640, 641, 912, 1216, 2000])
def test_tiles_cover_a_side_and_share_a_margin(side: int) -> None:
    begins = starts(side, 640)
    assert begins[0] == 0
    assert begins[-1] + 640 >= side
    for one, next_ in itertools.pairwise(begins):
        assert one + 640 - next_ >= SHARED
    assert len(starts(WORKING_SIDE, 640)) == 2


def test_places_are_the_middles_of_all_maps() -> None:
    middles, strides = places((64, 32))
    assert len(middles) == 16 * 8 + 8 * 4 + 4 * 2
    assert [int((strides == stride).sum()) for stride in STRIDES] == [128, 32, 8]
    assert middles[0].tolist() == [2, 2]
    assert middles[-1].tolist() == [56, 24]


def test_parts_and_boxes_around_several_give_way_to_what_is_surer() -> None:
    boxes = np.array(
        [
            (10, 10, 20, 30),  # a digit
            (31, 10, 20, 30),  # its neighbour
            (12, 12, 14, 12),  # a loop of the first
            (8, 8, 46, 36),  # both
            (28, 10, 20, 30),  # the neighbour again
            (100, 10, 20, 30),  # another
        ],
        np.float32,
    )
    assert standing(boxes).tolist() == [0, 1, 5]
    assert standing(boxes[:0]).tolist() == []


@pytest.mark.parametrize(("width", "height"), [(640, 480), (300, 200), (480, 640), (1216, 912), (1280, 960)])
def test_a_digit_is_found_where_it_is_in_pictures_of_any_size(width: int, height: int) -> None:
    spots = [(40, 40), (width // 2, height // 2), (width - 40, height - 40)]
    detector = DigitDetector([Spots(640, 480), Spots(320, 240)])
    seen = detector.find(dotted(width, height, *spots))
    # The stub says the same size on every scale, so the box may be of any of them.
    for x, y in spots:
        inside = (seen.boxes[:, :2] <= (x, y)) & (seen.boxes[:, :2] + seen.boxes[:, 2:] >= (x, y))
        assert inside.all(axis=1).any(), (x, y)
        nearest = seen.boxes[inside.all(axis=1)]
        assert np.abs(nearest[:, :2] + nearest[:, 2:] / 2 - (x + 0.5, y + 0.5)).min() < 3
    assert seen.digits.argmax(axis=1).tolist() == [7] * len(seen)
    assert (np.diff(seen.scores) <= 0).all()


def test_the_cost_does_not_grow_with_what_is_in_view() -> None:
    networks = [Spots(640, 480), Spots(320, 240)]
    detector = DigitDetector(networks)
    counts = []
    for spots in ([], [(x, y) for x in range(40, 1180, 60) for y in range(40, 880, 60)]):
        for network in networks:
            network.looks = 0
        detector.find(dotted(1216, 912, *spots))
        counts.append([network.looks for network in networks])
    assert counts[0] == counts[1] == [4 + 1, 1], (
        "four tiles and a half on the large one, a quarter on the small"
    )


def test_what_a_tile_cuts_off_is_left_to_its_neighbour() -> None:
    left, right = starts(1216, 640)
    detector = DigitDetector([Spots(640, 480)])
    seen = detector.find(dotted(1216, 480, (right + 6, 200)))
    finest = seen.boxes[np.isclose(seen.boxes[:, 2], 24, atol=0.5)]
    assert left == 0
    assert len(finest) == 1, "the tile at the right sees it too near its border"


@pytest.mark.parametrize(
    ("change", "told"), [("colour", "must be|must take grey"), ("outputs", "classes is missing")]
)
def test_another_network_is_refused(change: str, told: str) -> None:
    network = Spots(64, 64)
    if change == "colour":
        network.colour = "bgr"
    else:
        said = network.run(np.zeros((64, 64), np.uint8))
        network.run = lambda image: {"scores": said["scores"]}  # type: ignore[method-assign]
    with pytest.raises(ModelError, match=told):
        DigitDetector([network])


class Inked:
    """A reader's network that knows dark ink only: sure of a 3 where the cut is bright in its middle."""

    input_size = (32, 32)
    colour: Literal["grey", "rgb", "bgr"] = "grey"
    labels = (*"0123456789", "reject")
    thresholds: Mapping[str, float] = {"accept": 0.5}

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        scores = np.zeros(11, np.float32)
        scores[3 if image[12:20, 12:20].mean() > 100 else 10] = 0.81
        return {"scores": scores}


def frame(grey: Image) -> Frame:
    return Frame(np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8), 0, 0, NOW)


@pytest.mark.parametrize("dark", [True, False])
def test_what_is_read_again_is_named_by_the_reader_in_either_polarity(dark: bool) -> None:
    from edge.recognize.digits.classify import Reader

    image = np.full((480, 640), 210 if dark else 40, np.uint8)
    cv2.rectangle(image, (100, 100), (110, 130), 30 if dark else 220, -1)
    seen = Seen(
        np.array([(100, 100, 11, 31)], np.float32),
        np.array([0.49], np.float32),
        np.eye(10, dtype=np.float32)[7:8],
        np.array([8], np.float32),
    )
    picture = frame(image).image
    detector = DigitDetector([Spots(640, 480)])
    digits, scores = DetectorRecipe(detector, None, 0.5).named(picture, seen)
    assert (digits.tolist(), scores.tolist()) == ([7], pytest.approx([0.49]))
    digits, scores = DetectorRecipe(detector, Reader(Inked()), 0.5).named(picture, seen)
    assert (digits.tolist(), scores.tolist()) == ([3], pytest.approx([np.sqrt(0.49 * 0.81)]))


def test_only_what_reaches_the_threshold_is_told() -> None:
    recipe = DetectorRecipe(DigitDetector([Spots(640, 480)]), None, 0.5)
    picture = frame(dotted(640, 480, (200, 200)))
    assert {(found.label, found.score > 0.9) for found in recipe.detect(picture)} == {("7", True)}
    recipe.threshold = 0.99
    assert not recipe.detect(picture)
    assert not recipe.describe(picture, [], 1.0)
    assert not recipe.counters()


# -- the recipes of the command ---------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One picture without a digit."""
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((120, 160, 3), 225, np.uint8))
    entry = {"size": [160, 120], "digits": [], "lines": [], "difficulty": "ordinary"}
    (tmp_path / "labels.json").write_text(json.dumps({"empty.png": entry}))
    return tmp_path


@pytest.mark.parametrize("recipe", ["detector", "detector+cnn"])
@pytest.mark.parametrize(
    ("detector", "told"),
    [
        ("nowhere", "model 'nowhere': is not in"),
        ("./nowhere", "is no model: card.yaml is not there"),
        (str(MODELS / "digits-cnn"), "is for the task digit; one for digit-detector is needed"),
    ],
)
def test_a_detector_that_is_not_there_is_told_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], recipe: str, detector: str, told: str
) -> None:
    command = ["digits-scenes", "--labels", str(folder), "--recipe", recipe, "--detector", detector]
    assert main(command) == 78
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


class TestTheReleasedOne:
    def test_it_is_whole_in_int8_and_all_of_it_is_xnnpack_s(self) -> None:
        card = load_card(MODEL)
        assert card.task == "digit-detector"
        assert {"accept", "accept-cnn"} <= set(card.thresholds)
        for variant in card.variants:
            assert Model(MODEL, card, InferSettings(threads=1), variant.size).delegated == 1

    def test_it_reads_most_of_a_row_of_plain_digits_and_nothing_on_bare_paper(
        self, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        image = np.full((480, 640, 3), 225, np.uint8)
        cv2.putText(image, "2748", (80, 200), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (40, 40, 40), 5, cv2.LINE_AA)
        for name in ("detector", "detector+cnn"):
            recipe = detector_recipe(name, str(MODEL), "digits-cnn", None, InferSettings(threads=1))
            found = recipe.detect(Frame(image, 0, 0, NOW))
            row = "".join(one.label or "" for one in sorted(found, key=lambda one: one.box.x))
            assert len(row) in (3, 4), name
            assert row in {"2748", "748", "248", "278", "274"}, name
        command = ["digits-scenes", "--labels", str(folder), "--json"]
        assert main([*command, "--recipe", "detector", "--recipe", "detector+cnn"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert record["negatives"]["false_digits"] == 0
        assert set(record["recipes"]) == {"detector+cnn"}
