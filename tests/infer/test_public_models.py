"""Models of others as their makers left them: read through a card, or refused in one line."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from edge.errors import ModelError
from edge.infer.model import Model
from edge.infer.settings import InferSettings

DIGITS = [str(digit) for digit in range(10)]
GREY = {"colour": "grey", "mean": [0.0], "std": [255.0]}
SCORES = {"tensors": {"scores": 0}, "decoding": "probabilities", "labels": DIGITS}


def load(folder: Path, file: Path, size: tuple[int, int], picture: Any, output: Any) -> Model:
    """The model in ``file`` with a card written for it."""
    if not file.is_file():
        pytest.skip(f"no public model: {file} is not there")
    shutil.copy(file, folder)
    content = {
        "name": "public",
        "version": 1,
        "task": "digit",
        "variants": [
            {
                "file": file.name,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "width": size[0],
                "height": size[1],
            }
        ],
        "input": picture,
        "output": output,
        "licence": "its own",
        "made_by": {"command": "unknown"},
    }
    (folder / "card.yaml").write_text(yaml.safe_dump(content))
    return Model.load(str(folder), InferSettings())


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "decoding", "share"),
    [
        ("mnist_kennyliuu_int8.tflite", "probabilities", 0.97),  # uint8 in and out, int8 inside
        ("mnist_tflm_lstm_int8.tflite", "probabilities", 0.97),  # int8; 0.92 where state is carried over
        ("mnist_tanyayu.tflite", "probabilities", 0.97),  # float32, 0..1
        ("mnist_yohanes_accurate.tflite", "softmax", 0.97),  # float32, gives logits
    ],
)
def test_digits_are_read_as_their_makers_say(
    tmp_path: Path, shared: Path, file: str, decoding: str, share: float
) -> None:
    model = load(
        tmp_path, shared / "models-public/digits" / file, (28, 28), GREY, {**SCORES, "decoding": decoding}
    )
    mnist = shared / "data/digits/mnist"
    images, digits = (
        gzip.decompress((mnist / f"t10k-{part}-ubyte.gz").read_bytes())
        for part in ("images-idx3", "labels-idx1")
    )
    pictures = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)[::10]
    labels = np.frombuffer(digits, np.uint8, offset=8)[::10]
    scores = np.array([model.run(picture)["scores"] for picture in pictures])
    assert (scores.argmax(axis=1) == labels).mean() >= share
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=0.05)


@pytest.mark.shared
def test_outputs_whose_shape_is_known_only_after_the_first_inference(tmp_path: Path, shared: Path) -> None:
    file = shared / "models-public/face_detector/version-RFB-320_without_postprocessing.tflite"
    picture = {"colour": "rgb", "mean": [127.0], "std": [128.0]}
    output = {"tensors": {"boxes": 0, "scores": 1}, "decoding": "probabilities", "labels": ["none", "face"]}
    model = load(tmp_path, file, (320, 240), picture, output)
    found = model.run(np.full((240, 320, 3), 127, np.uint8))
    assert {name: values.shape for name, values in found.items()} == {"boxes": (4420, 4), "scores": (4420, 2)}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("bad_model_29_bytes.tflite", "is no TFLite model"),
        ("flex_ocr_model.tflite", "the input tensor is [1, 1, 28, 28]"),
        ("permute_uint8.tflite", "the input tensor is [1, 4]"),
        ("tflm_person_detect.tflite", "quantized_dimension must be in range"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, shared: Path, file: str, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        load(tmp_path, shared / "models-public/negative" / file, (96, 96), GREY, SCORES)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / file))
    assert words in message
    assert "\n" not in message
    assert len(message) < 500
