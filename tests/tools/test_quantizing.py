"""Quantizing: the model stays the same function, nothing stays float, wrong input is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConfigError, InputError, ModelError
from tools.quantize import float_operations, load_calibration, main, operations, quantize

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


def test_calibration_files_are_checked(tmp_path: Path) -> None:
    np.savez(tmp_path / "bytes.npz", inputs=np.zeros((2, 3), np.uint8))
    np.savez(tmp_path / "named.npz", pictures=np.zeros((2, 3), np.float32))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "bytes.npz").read_bytes()[:60])
    for name, says in (
        ("bytes", "uint8"), ("named", "inputs"), ("cut", "no .npz"), ("missing", "no .npz"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=says):
            load_calibration(tmp_path / f"{name}.npz")


def test_the_command_reports_as_json(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "inputs.npz", inputs=crops[:4])
    call = [str(MODEL / "float.tflite"), "--calibration", str(tmp_path / "inputs.npz")]
    assert main([*call, "--out", str(tmp_path / "m.tflite"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 4
    assert main([*call[:2], str(tmp_path / "none.npz"), "--out", str(tmp_path / "m.tflite")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
