"""Quantizing: the model stays the same function, nothing stays float, what is no model is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, InputError, ModelError
from tools.quantize import float_operations, operations, quantize
from tools.quantize.__main__ import main
from tools.quantize.graph import layers
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
    np.savez(tmp_path / "inputs.npz", inputs=crops)
    assert main([str(model), "--data", str(tmp_path / "inputs.npz"), "--out", str(out)]) == 78
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
