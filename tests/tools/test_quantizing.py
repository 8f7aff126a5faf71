"""Quantizing: the model stays the same function, nothing stays float, wrong input is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.errors import ConfigError, InputError, ModelError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from tools.quantize import float_operations, operations, quantize
from tools.quantize.__main__ import main
from tools.quantize.graph import layers
from tools.quantize.samples import Normalisation, load_samples, split
from tools.quantize.schemes import chosen_layers, layer_noise

MODEL = Path(__file__).parents[2] / "models" / "digits-cnn"
# ai-edge-quantizer asks the runtime for all tensors, which the runtime thinks worth a warning.
pytestmark = pytest.mark.filterwarnings("ignore:.*experimental_preserve_all_tensors:UserWarning")


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(1).random((24, 32, 32, 1), np.float32)


def test_the_float_model_becomes_whole_numbers(tmp_path: Path, crops: np.ndarray) -> None:
    from ai_edge_litert.interpreter import Interpreter

    out = tmp_path / "small.tflite"
    report = quantize(MODEL / "float.tflite", crops, out)
    assert report.samples == 24
    assert report.bytes_after == out.stat().st_size < 0.4 * report.bytes_before
    assert "CONV_2D" in report.operations
    assert float_operations((MODEL / "float.tflite").read_bytes())
    assert not float_operations(out.read_bytes())
    results = []
    for path in (MODEL / "float.tflite", out):
        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
        source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        scale, zero = source["quantization"]
        value = np.clip(np.rint(crops[0] / scale + zero), -128, 127) if scale else crops[0]
        interpreter.set_tensor(source["index"], value[None].astype(source["dtype"]))
        interpreter.invoke()
        result = interpreter.get_tensor(target["index"])[0].astype(np.float32)
        scale, zero = target["quantization"]
        results.append((result - zero) * scale if scale else result)
    spread = float(np.ptp(results[0]))
    assert results[0].argmax() == results[1].argmax()
    assert np.abs(results[0] - results[1]).mean() < 0.05 * spread


def test_the_shipped_model_is_whole_numbers() -> None:
    content = (MODEL / "model.tflite").read_bytes()
    assert not float_operations(content)
    assert len(content) <= 200_000
    assert not set(operations(content)) & {"DEQUANTIZE", "QUANTIZE", "PRELU", "LEAKY_RELU"}


def test_quantizing_twice_gives_the_same_bytes(tmp_path: Path, crops: np.ndarray) -> None:
    for name in ("a", "b"):
        quantize(MODEL / "float.tflite", crops[:6], tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (None, ConfigError, "cannot be read"),
        (b"", ModelError, "no TFLite file"),
        (b"a picture, perhaps", ModelError, "no TFLite file"),
        (b"\x1c\0\0\0TFL3" + b"\0" * 64, ModelError, "cannot be loaded"),
    ],
)
def test_what_is_no_model_is_refused(
    tmp_path: Path, crops: np.ndarray, content: bytes | None, error: type[Exception], says: str
) -> None:
    path = tmp_path / "some.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=says) as caught:
        quantize(path, crops, tmp_path / "out.tflite")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.tflite").exists()


def test_a_quantized_model_is_refused(tmp_path: Path, crops: np.ndarray) -> None:
    with pytest.raises(ModelError, match="takes int8"):
        quantize(MODEL / "model.tflite", crops, tmp_path / "out.tflite")


def with_a_variable(path: Path) -> Path:
    """The float model with one more operator, at its beginning: a handle of a variable, as a Keras model that
    was converted with its variables has for each weight."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf((MODEL / "float.tflite").read_bytes(), 0)
    graph = model.subgraphs[0]
    handle, code, operator = schema.TensorT(), schema.OperatorCodeT(), schema.OperatorT()
    handle.name, handle.type, handle.shape, handle.buffer = b"handle", schema.TensorType.RESOURCE, [], 0
    code.builtinCode, code.deprecatedBuiltinCode = schema.BuiltinOperator.VAR_HANDLE, 127
    operator.opcodeIndex, operator.inputs, operator.outputs = (
        len(model.operatorCodes),
        [],
        [len(graph.tensors)],
    )
    operator.builtinOptionsType = schema.BuiltinOptions.VarHandleOptions
    operator.builtinOptions = schema.VarHandleOptionsT()
    operator.builtinOptions.container, operator.builtinOptions.sharedName = "", "kernel"
    model.operatorCodes.append(code)
    graph.tensors.append(handle)
    graph.operators.insert(0, operator)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path


def test_weights_in_variables_are_refused_before_they_end_the_process(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    model = with_a_variable(tmp_path / "variables.tflite")
    assert operations(model.read_bytes())[0] == "VAR_HANDLE"
    with pytest.raises(ModelError, match=r"weights in variables \(VAR_HANDLE\)"):
        quantize(model, crops, tmp_path / "out.tflite")
    assert not (tmp_path / "out.tflite").exists()
    out = tmp_path / "out"
    assert main([str(model), "--data", archive(tmp_path, inputs=crops), "--out", str(out)]) == 78
    said = capsys.readouterr().err
    assert "from_keras_model" in said
    assert said.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("calibration", "says"),
    [
        (np.zeros((0, 32, 32, 1), np.float32), "is empty"),
        (np.zeros((4, 28, 28, 1), np.float32), "one sample a row"),
        (np.zeros((32, 32, 1), np.float32), "one sample a row"),
        (np.full((2, 32, 32, 1), np.nan, np.float32), "no number"),
    ],
)
def test_unfit_calibration_is_refused(tmp_path: Path, calibration: np.ndarray, says: str) -> None:
    with pytest.raises(InputError, match=says):
        quantize(MODEL / "float.tflite", calibration, tmp_path / "out.tflite")


PIXELS = Normalisation()
SHAPE = (1, 32, 32, 1)


def archive(folder: Path, name: str = "inputs.npz", **arrays: Any) -> str:
    np.savez(folder / name, **arrays)
    return str(folder / name)


def test_sample_files_are_checked(tmp_path: Path) -> None:
    good = np.zeros((2, 32, 32, 1), np.float32)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    whole = Path(archive(tmp_path, "whole.npz", inputs=good))
    (tmp_path / "cut.npz").write_bytes(whole.read_bytes()[:60])
    for where, says in (
        (archive(tmp_path, "bytes.npz", inputs=good.astype(np.uint8)), "uint8"),
        (archive(tmp_path, "named.npz", pictures=good), "inputs"),
        (archive(tmp_path, "labels.npz", inputs=good, labels=np.zeros(3, np.int64)), "3 labels for 2"),
        (archive(tmp_path, "kinds.npz", inputs=good, labels=np.zeros(2, np.float32)), "labels are float32"),
        (str(tmp_path / "cut.npz"), "no .npz"),
        (str(tmp_path / "missing"), "no .npz"),
        (str(tmp_path / "empty"), "no pictures"),
        (str(tmp_path / "broken"), "a.png: is no picture"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            load_samples(where, SHAPE, PIXELS)
        assert "\n" not in str(caught.value)


def test_a_folder_of_pictures_is_labelled_by_its_folders(tmp_path: Path) -> None:
    for label, level in (("dark", 10), ("light", 240)):
        (tmp_path / label).mkdir()
        for number in range(3):
            picture = np.full((50, 40, 3), level + number, np.uint8)
            assert cv2.imwrite(str(tmp_path / label / f"{number}.png"), picture)
    samples = load_samples(str(tmp_path), SHAPE, PIXELS)
    assert samples.inputs.shape == (6, 32, 32, 1)
    assert samples.labels is not None
    assert samples.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert samples.inputs[0].max() == pytest.approx(10 / 255)
    colour = load_samples(str(tmp_path), (1, 8, 8, 3), Normalisation("rgb", (127.5,), (127.5,)))
    assert colour.inputs.shape == (6, 8, 8, 3)
    assert -1 <= colour.inputs.min() <= colour.inputs.max() <= 1


def test_calibration_takes_as_many_of_each_label_and_leaves_the_others(tmp_path: Path) -> None:
    labels = np.array([0] * 50 + [1] * 10 + [2] * 4)
    inputs = np.arange(64, dtype=np.float32)[:, None, None, None] * np.ones(SHAPE, np.float32)
    samples = load_samples(archive(tmp_path, inputs=inputs, labels=labels), SHAPE, PIXELS)
    chosen, rest = split(samples, 18, seed=3)
    assert chosen.labels is not None
    assert np.bincount(chosen.labels).tolist() == [7, 7, 4]
    together = np.concatenate([chosen.inputs, rest.inputs])[:, 0, 0, 0]
    assert sorted(together) == list(range(64))
    again, _ = split(samples, 18, seed=3)
    assert np.array_equal(again.inputs, chosen.inputs)


def test_layers_are_known_by_number_name_and_noise(crops: np.ndarray) -> None:
    found = layer_noise(MODEL / "float.tflite", crops, crops[:4])
    numbers = [layer.number for layer, _ in found]
    assert numbers == sorted(numbers)
    assert all(5 < ratio < 120 for _, ratio in found)
    worst = min(found, key=lambda item: item[1])[0]
    assert chosen_layers(found, [], 1) == [worst]
    heads = chosen_layers(found, ["Conv2d_head", str(numbers[0])], 0)
    assert next(layer.number for layer in heads) == numbers[0]
    for wrong in ("999", "no-such", "("):
        with pytest.raises(InputError, match="--keep"):
            chosen_layers(found, [wrong], 0)


def test_kept_layers_stay_float_and_the_others_do_not(tmp_path: Path, crops: np.ndarray) -> None:
    convolutions = [layer for layer in layers((MODEL / "float.tflite").read_bytes()) if "CONV" in layer.kind]
    quantize(MODEL / "float.tflite", crops[:6], tmp_path / "m.tflite", keep=convolutions[-1:])
    made = [layer for layer in layers((tmp_path / "m.tflite").read_bytes()) if "CONV" in layer.kind]
    assert [layer.dtype for layer in made] == ["INT8"] * (len(convolutions) - 1) + ["FLOAT32"]


def test_the_command_makes_every_kind_and_says_what_each_costs(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.arange(24) % 11
    data = archive(tmp_path, inputs=crops, labels=labels)
    out = tmp_path / "out"
    call = [str(MODEL / "float.tflite"), "--data", data, "--calibrate", "8", "--out", str(out)]
    assert main([*call, "--scheme", "all", "--keep-worst", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    rows = {row["scheme"]: row for row in said["rows"]}
    assert list(rows) == ["float", "int8", "int16x8", "dynamic", "float16", "selective"]
    assert sum(said["calibration"].values()) == 8
    assert said["judged"] == 16
    assert rows["int8"]["float_operations"] == rows["int16x8"]["float_operations"] == 0
    assert 0 < rows["selective"]["float_operations"] < rows["float"]["float_operations"]
    assert rows["int8"]["bytes"] < rows["float16"]["bytes"] < rows["float"]["bytes"]
    for row in rows.values():
        assert (
            row["bytes"]
            == (MODEL / "float.tflite" if row["scheme"] == "float" else out / row["file"]).stat().st_size
        )
        assert any(timing["p50"] and timing["p50"] > 0 for timing in row["timings"])
    assert rows["float16"]["agreement"]["error"] < rows["int8"]["agreement"]["error"] < 0.1
    page = (out / "report.md").read_text("utf-8")
    for picture in ("layers.png", "sizes.png"):
        assert f"({picture})" in page
        assert cv2.imread(str(out / picture)) is not None
    assert "python -m tools.quantize" in page
    card = load_card(out)
    assert card.output.labels == load_card(MODEL).output.labels
    assert (
        Model.load(str(out), InferSettings(threads=1)).run(np.zeros((32, 32), np.uint8))["scores"].size == 11
    )


@pytest.mark.shared
def test_a_public_model_without_signature_or_card_is_taken(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Made by Keras years ago: its file names no signature, which the library wants to call it by."""
    model = shared / "models-public" / "digits" / "mnist_yohanes_accurate.tflite"
    call = [str(model), "--data", "mnist-train", "--judge", "300", "--out", str(tmp_path), "--name", "theirs"]
    assert main([*call, "--json"]) == 0
    (before, after) = json.loads(capsys.readouterr().out)["rows"]
    assert after["float_operations"] == 0
    assert abs(before["accuracy"] - after["accuracy"]) <= 0.01
    assert before["accuracy"] > 0.97
    assert load_card(tmp_path).input.std == (255.0,)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"--data": "/nowhere"}, 1, "no .npz"),
        ({"--calibrate": "0"}, 2, "at least 1"),
        ({"--keep": "77"}, 1, "names no layer"),
        ({"model": str(MODEL / "model.tflite")}, 78, "takes int8"),
        ({"model": str(MODEL / "card.yaml")}, 78, "no TFLite file"),
    ],
)
def test_wrong_use_is_told_in_a_line(
    tmp_path: Path,
    crops: np.ndarray,
    capsys: pytest.CaptureFixture[str],
    *,
    change: dict[str, str],
    code: int,
    says: str,
) -> None:
    options = {"--data": archive(tmp_path, inputs=crops), "--out": str(tmp_path / "out"), **change}
    model = options.pop("model", str(MODEL / "float.tflite"))
    assert main([model, *(word for option in options.items() for word in option)]) == code
    said = capsys.readouterr().err
    assert says in said
    assert said.rstrip().count("\n") == 0


def test_an_index_outside_the_outputs_is_no_label(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    data = archive(tmp_path, inputs=crops, labels=np.arange(24))
    assert (
        main([str(MODEL / "float.tflite"), "--data", data, "--calibrate", "4", "--out", str(tmp_path)]) == 1
    )
    assert "labels go from" in capsys.readouterr().err
