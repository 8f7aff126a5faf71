"""Face embedders by card: what a card must say, and that any embedder with one is used rightly."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from handmade import Linear, card, folder_of

from edge.errors import ModelError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import parted
from edge.recognize.faces.align import aligned
from edge.recognize.faces.embedder import Embedder

POINTS = [[5.0, 7.0], [11.0, 7.0], [8.0, 10.0], [6.0, 13.0], [10.0, 13.0]]
ARCFACE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    np.float32,
)
LINEAR = Linear(dtype="float32", size=(16, 18), channels=3, classes=24)


def wanted(**changes: Any) -> dict[str, Any]:
    """What the card of a face embedder says besides."""
    return {
        "task": "face-embedder",
        "crop": {"points": POINTS},
        "output__tensors": {"embedding": 0},
        "output__labels": [],
        "output__distance": "cosine",
        "thresholds": {
            f"one-in-{rate}": {"value": value, "meaning": "by hand"}
            for rate, value in ((100, 0.3), (1000, 0.4), (10000, 0.5))
        },
        "calibration": {"slope": 20, "offset": -7.0},
        **changes,
    }


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in wanted().items() if key not in keys}


def test_a_face_embedders_card_is_read(tmp_path: Path) -> None:
    model = Model.load(str(folder_of(tmp_path, LINEAR, **wanted())), InferSettings())
    assert model.crop is not None
    np.testing.assert_array_equal(model.crop, np.array(POINTS, np.float32))
    assert (model.distance, model.calibration) == ("cosine", (20.0, -7.0))


def test_other_models_have_no_crop(tmp_path: Path) -> None:
    model = Model.load(str(folder_of(tmp_path, Linear())), InferSettings())
    assert (model.crop, model.distance, model.calibration) == (None, None, None)
    with pytest.raises(ModelError, match="no face embedder"):
        Embedder(model)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (without("crop"), "crop is missing"),
        (without("output__distance"), "output.distance is missing; allowed: cosine, euclidean"),
        (wanted(output__tensors={"scores": 0}), "output.tensors lacks embedding"),
        (wanted(output__distance="manhattan"), "output.distance: found 'manhattan'"),
        (wanted(crop={"points": POINTS[:4]}), "crop.points: found a list"),
        (wanted(crop={"points": [*POINTS[:4], [1.0, 2.0, 3.0]]}), "each of the five points has an x and a y"),
        (wanted(crop={"points": [*POINTS[:4], POINTS[0]]}), "the same point stands twice"),
        (wanted(crop={"points": [*POINTS[:4], [16.0, 2.0]]}), "outside of the 16x18 input"),
        (wanted(crop={"points": [*POINTS[:4], [float("nan"), 2.0]]}), "crop.points.4.0: found nan"),
        (wanted(crop={"point": POINTS}), "crop.point: unknown key, did you mean points?"),
        (wanted(calibration={"slope": 0, "offset": 0}), "calibration.slope: found 0"),
        (wanted(calibration={"slope": 1}), "calibration.offset: is missing"),
        (wanted(calibration={"slope": 1, "offset": 0, "common": 1}), "calibration.common: found 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_it_is_told(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(card(LINEAR, b"", **changes)))
    with pytest.raises(ModelError) as caught:
        load_card(tmp_path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
def test_a_face_is_cut_coloured_and_embedded_as_the_card_says(tmp_path: Path, colour: str) -> None:
    folder = folder_of(tmp_path, LINEAR, **wanted(input__colour=colour))
    model = Model.load(str(folder), InferSettings())
    embedder = Embedder(model)
    assert (embedder.maker.size, embedder.maker.sha256) == (24, model.sha256)
    image = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    face = np.asarray(np.array(POINTS, np.float32) * 3 + (40, 20), np.float32)
    cut = aligned(image, face, np.array(POINTS, np.float32), (16, 18))
    np.testing.assert_array_equal(embedder.chip(image, face), cut)
    shown = cut[:, :, ::-1] if colour == "rgb" else cut
    np.testing.assert_allclose(
        embedder.embed(image, face), LINEAR.scores(shown / 255.0), rtol=1e-4, atol=1e-4
    )


def test_raw_vectors_are_compared_where_the_card_says_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, LINEAR, **wanted(output__distance="euclidean"))
    embedder = Embedder(Model.load(str(folder), InferSettings()))
    a, b = np.random.default_rng(2).normal(size=(2, 5, 24)).astype(np.float32)
    expected = -((a[:, None] - b[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(embedder.similarity(a, b), expected, rtol=1e-4)
    assert embedder.similarity(a, a).max() == pytest.approx(0, abs=1e-4)


def test_a_variant_is_asked_for_by_its_longer_side(tmp_path: Path) -> None:
    small, large = Linear(size=(8, 6)), Linear(size=(16, 12), seed=2)
    folder = folder_of(tmp_path / "two", small)
    (folder / "large.tflite").write_bytes(large.content())
    content = yaml.safe_load((folder / "card.yaml").read_text())
    digest = hashlib.sha256(large.content()).hexdigest()
    content["variants"].append({"file": "large.tflite", "sha256": digest, "width": 16, "height": 12})
    (folder / "card.yaml").write_text(yaml.safe_dump(content))
    settings = InferSettings(models=str(tmp_path))
    assert Model.load("two", settings).input_size == (8, 6)
    assert Model.load("two@16", settings).input_size == (16, 12)
    assert Model.load(f"{folder}@8", settings).input_size == (8, 6)
    with pytest.raises(ModelError, match="no variant whose longer side is 12; there is: 8, 16"):
        Model.load("two@12", settings)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("face-detector@320", ("face-detector", 320)),
        ("face-detector", ("face-detector", None)),
        ("./m@home/x", ("./m@home/x", None)),
        ("./m@home/x@640", ("./m@home/x", 640)),
        ("@320", ("@320", None)),
        ("x@0", ("x@0", None)),
        ("x@99999", ("x@99999", None)),
    ],
)
def test_names_and_variants(name: str, found: tuple[str, int | None]) -> None:
    assert parted(name) == found


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "card_of", "least"),
    [
        ("mobilefacenet_ltk_float.tflite", (112, 0.0, 1.0), 0.99),
        ("mobilefacenet_ltk_uint8.tflite", (112, 0.0, 1.0), 0.96),
        ("mobilefacenet_zye_993_quant.tflite", (96, 127.5, 128.0), 0.98),
    ],
)
def test_public_embedders_are_drop_ins_by_card(
    tmp_path: Path, shared: Path, file: str, card_of: tuple[int, float, float], least: float
) -> None:
    width, mean, std = card_of
    source = shared / "models-public/face_embed" / file
    pairs = shared / "data/faces/verify/cfp_dev_pairs.npz"
    if not (source.is_file() and pairs.is_file()):
        pytest.skip(f"no public model or no pairs: {source}, {pairs}")
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("the pairs were written by numpy 2, this is an older one")
    points = (ARCFACE - ((112 - width) / 2, 0)).tolist()
    content = card(
        Linear(size=(width, 112), channels=3),
        source.read_bytes(),
        **wanted(crop={"points": points}, input__mean=[mean], input__std=[std]),
    )
    shutil.copy(source, tmp_path / "model.tflite")
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(content))
    embedder = Embedder(Model.load(str(tmp_path), InferSettings()))
    data = np.load(pairs, allow_pickle=True)
    chosen = np.flatnonzero(data["protocol"] == "FF")[::12]
    likeness = [
        float(
            embedder.similarity(*(_embedded(embedder, data["images"][index]) for index in data["pairs"][at]))[
                0, 0
            ]
        )
        for at in chosen
    ]
    same = np.array(likeness)[data["same"][chosen]]
    different = np.array(likeness)[~data["same"][chosen]]
    assert (same[:, None] > different[None, :]).mean() >= least


def _embedded(embedder: Embedder, content: bytes) -> Any:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return embedder.embed(np.asarray(image, np.uint8), ARCFACE)[None]
