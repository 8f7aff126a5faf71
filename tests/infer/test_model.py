"""Models made by hand, of which every number is known: what comes out, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import Linear, folder_of

from edge.errors import FaultError, ModelError
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.descriptor import Network
from edge.records import Image

SETTINGS = InferSettings(threads=1)
ZERO = {"int8": -128, "uint8": 0, "float32": 0}


def load(folder: Path, model: Linear, **changes: Any) -> Model:
    return Model.load(str(folder_of(folder, model, **changes)), SETTINGS)


def linear(dtype: str = "int8", **changes: Any) -> Linear:
    output_zero = {"int8": 5, "uint8": 130, "float32": 0}[dtype]
    return Linear(**{"dtype": dtype, "input_zero": ZERO[dtype], "output_zero": output_zero, **changes})


def picture(model: Linear, seed: int = 1) -> Image:
    shape = model.size[::-1] if model.channels == 1 else (*model.size[::-1], model.channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def refusal(folder: Path, model: Linear, **changes: Any) -> str:
    with pytest.raises(ModelError) as caught:
        load(folder, model, **changes)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(folder / "model.tflite"))
    return message


def test_a_model_is_what_recognizers_expect(tmp_path: Path) -> None:
    thresholds = {"accept": {"value": 0.8, "meaning": "measured"}}
    model = load(tmp_path, Linear(), thresholds=thresholds)
    network: Network = model
    assert network.input_size == (8, 6)
    assert network.colour == "grey"
    assert network.labels == ("label 0", "label 1", "label 2")
    assert network.thresholds == {"accept": 0.8}
    assert (model.name, model.version) == ("handmade", 1)
    assert len(model.sha256) == 64
    assert model.runtime.startswith("litert 2.")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_the_scores_are_those_of_the_arithmetic(tmp_path: Path, dtype: str, channels: int) -> None:
    made = linear(dtype, channels=channels)
    model = load(tmp_path, made)
    step = 1e-4 if dtype == "float32" else made.output_scale
    for seed in range(20):
        image = picture(made, seed)
        scores = model.run(image)["scores"]
        assert scores.dtype == np.float32
        assert scores.shape == (3,)
        np.testing.assert_allclose(scores, made.scores(image / 255), atol=step / 2 + 1e-3)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_mean_and_std_of_each_channel(tmp_path: Path, dtype: str) -> None:
    mean, std = [120.0, 110.0, 100.0], [60.0, 64.0, 68.0]
    middle = {"int8": 0, "uint8": 128, "float32": 0}[dtype]
    made = linear(dtype, channels=3, input_scale=1 / 48, input_zero=middle)
    model = load(tmp_path, made, input__mean=mean, input__std=std)
    image = picture(made)
    expected = made.scores((image - np.array(mean)) / np.array(std))
    rounding = (
        1e-3 if dtype == "float32" else made.output_scale / 2 + 1 / 96 * np.abs(made.weights).sum(1).max()
    )
    np.testing.assert_allclose(model.run(image)["scores"], expected, atol=rounding)


@pytest.mark.parametrize(("weight", "end"), [(-0.9, -128), (0.9, 127)])
def test_outputs_at_the_ends_of_int8(tmp_path: Path, weight: float, end: int) -> None:
    for zero in (-128, 0, 127):
        made = linear(weight=weight, output_scale=1e-3, output_zero=zero)
        model = load(tmp_path, made)
        white = np.full((6, 8), 255, np.uint8)
        np.testing.assert_allclose(model.run(white)["scores"], (end - zero) * 1e-3, rtol=1e-6)


def test_probabilities_by_the_cards_temperature(tmp_path: Path) -> None:
    made = linear("float32")
    model = load(tmp_path, made, output__decoding="softmax", output__temperature=3.0)
    image = picture(made)
    powers = np.exp(made.scores(image / 255) / 3)
    np.testing.assert_allclose(model.run(image)["scores"], powers / powers.sum(), rtol=1e-4)


def test_parts_of_larger_pictures_and_read_only_ones(tmp_path: Path) -> None:
    made = linear()
    model = load(tmp_path, made)
    image = picture(made)
    expected = model.run(image)["scores"]
    larger = np.zeros((20, 20), np.uint8)
    larger[3:9, 4:12] = image
    larger.setflags(write=False)
    np.testing.assert_array_equal(model.run(larger[3:9, 4:12])["scores"], expected)
    mirrored = np.ascontiguousarray(image[:, ::-1])[:, ::-1]
    np.testing.assert_array_equal(model.run(mirrored)["scores"], expected)


def test_results_stay_as_they_were_when_the_next_picture_comes(tmp_path: Path) -> None:
    for dtype in ("int8", "float32"):
        made = linear(dtype)
        model = load(tmp_path, made)
        first = model.run(picture(made, 1))["scores"]
        kept = first.copy()
        second = model.run(picture(made, 2))["scores"]
        np.testing.assert_array_equal(first, kept)
        assert not np.array_equal(first, second)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 6), np.uint8),
        np.zeros((6, 8, 1), np.uint8),
        np.zeros((6, 8, 3), np.uint8),
        np.zeros((1, 6, 8), np.uint8),
        np.zeros((6, 8), np.int8),
        np.zeros((6, 8), np.float32),
        np.zeros((0, 0), np.uint8),
    ],
)
def test_another_picture_is_refused_and_the_model_goes_on(tmp_path: Path, image: Any) -> None:
    model = load(tmp_path, Linear())
    with pytest.raises(ValueError, match=r"the model takes uint8 \(6, 8\)") as caught:
        model.run(image)
    assert caught.tb is not None  # the traceback lives, and with it all that the failed call held
    assert model.run(np.zeros((6, 8), np.uint8))["scores"].shape == (3,)


def test_what_is_no_number_never_passes(tmp_path: Path) -> None:
    model = load(tmp_path, linear("float32", weight=3e38))
    with pytest.raises(FaultError, match="output scores is not a number"):
        model.run(np.full((6, 8), 255, np.uint8))
    assert model.run(np.zeros((6, 8), np.uint8))["scores"].tolist() == [0, 0, 0]


def test_a_model_that_gives_no_numbers_does_not_load(tmp_path: Path) -> None:
    assert "output scores is not a number" in refusal(tmp_path, linear("float32", weight=float("nan")))


def test_an_operator_that_no_runtime_has(tmp_path: Path) -> None:
    message = refusal(tmp_path, Linear(custom="FlexErf"))
    assert "litert 2." in message
    assert "Select TensorFlow op" in message
    assert message.endswith("convert it anew")


def test_one_flipped_byte_is_found(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, Linear())
    file = folder / "model.tflite"
    content = bytearray(file.read_bytes())
    for place in (0, len(content) // 2, len(content) - 1):
        flipped = content.copy()
        flipped[place] ^= 0x10
        file.write_bytes(flipped)
        with pytest.raises(
            ModelError, match=r"model\.tflite: its sha256 is [0-9a-f]{64}, the card says"
        ) as caught:
            Model.load(str(folder), SETTINGS)
        assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, Linear())
    (folder / "model.tflite").unlink()
    with pytest.raises(ModelError, match=r"model\.tflite: cannot be read: No such file"):
        Model.load(str(folder), SETTINGS)


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        (Linear(shape=(1, 8, 6, 1)), {}, "the input tensor is [1, 8, 6, 1], the card says 8x6 grey"),
        (Linear(shape=(2, 6, 4, 1)), {}, "the input tensor is [2, 6, 4, 1]"),
        (Linear(channels=3), {"input__colour": "grey"}, "the input tensor is [1, 6, 8, 3]"),
        (Linear(), {"input__colour": "bgr"}, "channels: [1, 6, 8, 3]"),
        (
            Linear(),
            {"output__decoding": "softmax", "output__labels": ["a", "b"]},
            "output scores is [3], the card has 2 labels",
        ),
        (Linear(), {"output__tensors": {"scores": 1}}, "has 1 outputs, the card's scores is output 1"),
        (Linear(input_scale=0), {}, "the input is int8 with scale 0 "),
        (Linear(output_scale=0), {}, "scale"),
        (Linear(input_scale=float("inf")), {}, "scale inf"),
        (Linear(input_zero=300), {}, "zero point 300"),
    ],
)
def test_a_card_that_does_not_fit_its_model(
    tmp_path: Path, model: Linear, changes: dict[str, Any], words: str
) -> None:
    assert words in refusal(tmp_path, model, **changes)


def test_a_size_that_no_variant_has(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, Linear())
    with pytest.raises(ModelError, match="no variant of 10x6; there is: 8x6"):
        Model.load(str(folder), SETTINGS, size=(10, 6))


def test_a_grey_model_without_an_axis_of_channels(tmp_path: Path) -> None:
    made = Linear(shape=(1, 6, 8))
    model = load(tmp_path, made)
    image = picture(made)
    np.testing.assert_allclose(
        model.run(image)["scores"], made.scores(image / 255), atol=made.output_scale / 2 + 1e-3
    )


def test_the_file_may_be_replaced_while_it_runs(tmp_path: Path) -> None:
    made = Linear()
    model = load(tmp_path, made)
    before = model.run(picture(made))["scores"]
    (tmp_path / "model.tflite").write_bytes(b"")
    shutil.rmtree(tmp_path)
    np.testing.assert_array_equal(model.run(picture(made))["scores"], before)
