"""The whole recognizer: frames in, detections and descriptions out; what is bounded is counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from staged import FACE, Pointing, Sketching, Stage, landmarks, staged

from edge.errors import ModelError
from edge.recognize.descriptor import Closing, Naming, Network, Remarking
from edge.recognize.faces.recognizer import FaceRecognizer, build
from edge.recognize.faces.settings import FacesSettings
from edge.records import UNKNOWN, Detection, Image, Target


def targets(found: list[Detection]) -> list[Target]:
    return [Target(number, one.box, "new", one.landmarks) for number, one in enumerate(found)]


def enrolled(faces: FaceRecognizer, stage: Stage, **names: int) -> None:
    """Enrols who stands on the stage at these places."""
    image = stage.image()
    for name, place in names.items():
        _, left, top, side = stage.faces[place]
        faces.gallery.add(name, faces.embedder.embed(image, landmarks(left, top, side)), 0.9)


def named(faces: FaceRecognizer, stage: Stage, seconds: float = 0.0) -> list[str | None]:
    frame = stage.frame(seconds)
    found = faces.detect(frame)
    return [told.label for told in faces.describe(frame, targets(list(found)), 60.0)]


def test_faces_are_found_named_and_told_apart() -> None:
    stage = Stage([(1, 20, 30, 120), (2, 250, 60, 150), (3, 450, 250, 170)])
    faces = staged(stage)
    enrolled(faces, stage, Anna=0, Bob=1)
    frame = stage.frame()
    found = list(faces.detect(frame))
    assert [one.label for one in found] == [None] * 3
    assert found[0].score > found[1].score > found[2].score
    np.testing.assert_allclose(found[1].box, (250, 60, 150, 150), atol=1)
    assert found[1].landmarks is not None
    np.testing.assert_allclose(found[1].landmarks, landmarks(250, 60, 150), atol=1)
    told = faces.describe(frame, targets(found), 60.0)
    assert [one.label for one in told] == ["Anna", "Bob", UNKNOWN]
    assert all(one.score > 0.9 for one in told[:2])
    assert all(0 < one.quality <= 1 for one in told)
    assert told[0].extras["margin"] > 0.3
    assert faces.labels() == ("Anna", "Bob")


def test_only_the_region_is_looked_at_and_places_count_in_the_full_frame() -> None:
    stage = Stage([(1, 420, 260, 120)])
    region = (400, 240, 200, 200)
    network = Pointing(stage, region)
    networks: dict[str, Network] = {"face-detector@320": network, "face-embedder": Sketching()}
    faces = build(FacesSettings(), networks.__getitem__)
    (found,) = faces.detect(stage.frame(region=region))
    np.testing.assert_allclose(found.box, (420, 260, 120, 120), atol=1)
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, landmarks(420, 260, 120), atol=1)
    assert list(faces.detect(stage.frame(region=(10, 10, 0, 50)))) == []


def test_faces_are_bounded_and_counted() -> None:
    stage = Stage([(person, 60 * person, 100, 50) for person in range(8)])
    faces = staged(stage, max_faces=5)
    assert len(faces.detect(stage.frame())) == 5
    assert faces.counters()["faces"] == 5
    assert faces.counters()["dropped_faces"] == 3


@pytest.mark.parametrize(("side", "change", "counter"), [(30, "none", "too_small"), (200, "blur", "blurred")])
def test_what_is_not_good_enough_says_nothing_and_costs_nothing(side: int, change: str, counter: str) -> None:
    stage = Stage([(1, 100, 100, side)])
    faces = staged(stage)
    frame = stage.frame()
    if change == "blur":
        frame = replace(frame, image=np.asarray(cv2.GaussianBlur(frame.image, (0, 0), 40), np.uint8))
    before = len(faces.embedder.network.runs)  # type: ignore[attr-defined]
    (told,) = faces.describe(frame, targets(list(faces.detect(frame))), 60.0)
    assert (told.label, told.score, told.quality) == (None, 0.0, 0.0)
    assert faces.counters()[counter] == 1
    assert len(faces.embedder.network.runs) == before  # type: ignore[attr-defined]
    assert faces.seen(0) is None


def test_a_face_turned_away_and_a_target_without_points_say_nothing() -> None:
    stage = Stage([(1, 100, 100, 150)])
    faces = staged(stage)
    frame = stage.frame()
    (found,) = faces.detect(frame)
    assert found.landmarks is not None
    aside = found.landmarks.copy()
    aside[2, 0] += 60
    told = faces.describe(
        frame, [Target(1, found.box, "new", aside), Target(2, found.box, "new")], budget=60.0
    )
    assert [one.label for one in told] == [None, None]
    assert (faces.counters()["turned"], faces.counters()["no_faces"]) == (1, 1)


@dataclass
class Slow(Sketching):
    """Takes its time."""

    def run(self, image: Image) -> Mapping[str, NDArray[np.float32]]:
        time.sleep(0.02)
        return super().run(image)


def test_the_budget_is_kept_and_one_is_always_looked_at() -> None:
    stage = Stage([(person, 10 + 105 * person, 100, 100) for person in range(6)])
    faces = staged(stage, Slow())
    frame = stage.frame()
    wanted = targets(list(faces.detect(frame)))
    assert [one.track for one in faces.describe(frame, wanted, 0.0)] == [wanted[0].track]
    assert faces.counters()["postponed"] == 5
    assert len(faces.describe(frame, wanted, 60.0)) == 6
    assert faces.counters()["embedded"] == 7
    assert list(faces.describe(frame, [], 60.0)) == []


def test_poor_looks_do_not_use_up_the_budget() -> None:
    stage = Stage([(person, 60 * person, 100, 24) for person in range(6)] + [(7, 100, 200, 150)])
    faces = staged(stage)
    frame = stage.frame()
    told = faces.describe(frame, targets(list(faces.detect(frame))), 0.0)
    assert len(told) == 7
    assert told[-1].label == UNKNOWN


def test_the_answer_is_to_all_looks_at_a_track() -> None:
    stage = Stage([(1, 100, 100, 150)])
    faces = staged(stage)
    assert named(faces, stage) == [UNKNOWN]
    for turn in range(4):
        named(faces, stage, turn / 10)
    seen = faces.seen(0)
    assert seen is not None
    assert seen.looks == 5
    faces.gallery.add("Anna", seen.embedding, seen.quality)
    assert named(faces, stage, 1.0) == ["Anna"]
    faces.gallery.deny("Anna", seen.embedding)
    assert named(faces, stage, 2.0) == [UNKNOWN]
    faces.gallery.forget("Anna")
    assert faces.labels() == ()
    assert seen.picture is None


def test_a_track_that_may_be_another_begins_anew() -> None:
    one, other = Stage([(1, 100, 100, 150)]), Stage([(2, 100, 100, 150)])
    faces = staged(one)
    for turn in range(5):
        named(faces, one, turn / 10)
    frame = other.frame(1.0)
    (found,) = faces.detect(frame)
    faces.describe(frame, [Target(0, found.box, "unsure", found.landmarks, afresh=True)], 60.0)
    seen = faces.seen(0)
    assert seen is not None
    assert seen.looks == 1


def test_pictures_are_kept_only_where_they_are_asked_for() -> None:
    stage = Stage([(1, 100, 100, 150)])
    faces = staged(stage, keep_pictures=True)
    named(faces, stage)
    seen = faces.seen(0)
    assert seen is not None
    assert seen.picture is not None
    picture = cv2.imdecode(np.frombuffer(seen.picture, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (112, 112, 3)
    faces.gallery.add("Anna", seen.embedding, seen.quality, seen.picture)
    assert faces.gallery.pictures("Anna") == [seen.picture]


def test_the_threshold_may_be_set_between_two_frames() -> None:
    stage = Stage([(1, 100, 100, 150), (2, 300, 100, 150)])
    faces = staged(stage)
    enrolled(faces, stage, Anna=0)
    assert named(faces, stage) == ["Anna", UNKNOWN]
    faces.threshold = 1.0
    assert named(faces, stage, 1.0) == [None, UNKNOWN]


def test_the_gallery_lies_in_the_state_folder_and_a_reload_shares_it(tmp_path: Path) -> None:
    stage = Stage([(1, 100, 100, 150)])
    networks: dict[str, Network] = {"face-detector@320": Pointing(stage), "face-embedder": Sketching()}
    running = build(FacesSettings(), networks.__getitem__, tmp_path / "state")
    beside = build(FacesSettings(), networks.__getitem__, tmp_path / "state")
    assert not (tmp_path / "state").exists()
    enrolled(running, stage, Anna=0)
    assert named(beside, stage) == ["Anna"], "who was enrolled while it was built"
    running.close()
    networks["face-embedder"] = Sketching(sha256="d" * 64)
    swapped = build(FacesSettings(), networks.__getitem__, tmp_path / "state")
    assert named(swapped, stage) == [UNKNOWN]
    assert swapped.remarks() == ("enrol again: Anna; they are known by another face embedder only",)
    assert [person.usable for person in swapped.people()] == [False]


def test_it_says_what_it_is_to_the_rest_of_the_house() -> None:
    faces = staged(Stage())
    assert isinstance(faces, Remarking)
    assert isinstance(faces, Closing)
    assert isinstance(faces, Naming)


@pytest.mark.parametrize(
    ("detector", "embedder", "words"),
    [
        (Pointing(Stage(), thresholds={}), Sketching(), "no threshold named accept"),
        (Pointing(Stage()), Pointing(Stage()), "no face embedder"),
        (Pointing(Stage()), Sketching(crop=None), "no face embedder"),
        (Pointing(Stage()), Sketching(distance=None), "no face embedder"),
        (Pointing(Stage()), Sketching(colour="grey"), "grey"),
        (Pointing(Stage()), Sketching(calibration=None), "no calibration"),
        (Pointing(Stage()), Sketching(thresholds={}), "no threshold named one-in-100"),
    ],
)
def test_a_model_that_is_none_for_faces_is_refused(detector: Network, embedder: Network, words: str) -> None:
    networks = {"face-detector@320": detector, "face-embedder": embedder}
    with pytest.raises(ModelError, match=words):
        build(FacesSettings(), networks.__getitem__)


@pytest.mark.parametrize(
    "wrong",
    [
        {"detector_size": 300},
        {"strangers": 500},
        {"threshold": 1.5},
        {"max_faces": 0},
        {"min_eyes": 1.0},
        {"margin": -1.0},
        {"keep_pictures": 1},
        {"max_people": 1_000_000},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FacesSettings(**wrong)  # type: ignore[arg-type]


def test_the_painted_faces_are_what_they_seem() -> None:
    assert FACE.shape == (5, 2)
    embed = staged(Stage()).embedder
    near, far = Stage([(1, 50, 50, 180)]).image(), Stage([(1, 300, 200, 90)]).image()
    other = Stage([(2, 50, 50, 180)]).image()
    one = embed.embed(near, landmarks(50, 50, 180))
    assert embed.similarity(one[None], embed.embed(far, landmarks(300, 200, 90))[None])[0, 0] > 0.9
    assert embed.similarity(one[None], embed.embed(other, landmarks(50, 50, 180))[None])[0, 0] < 0.3
