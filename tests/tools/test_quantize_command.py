"""``python -m tools.quantize``: its report, its card, and what it says of wrong use."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console

from edge.errors import ModelError
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.runtime import find_runtime
from edge.infer.settings import InferSettings
from tools.quantize import __main__ as command
from tools.quantize import judge
from tools.quantize.__main__ import main
from tools.quantize.judge import Timing, timings
from tools.quantize.plots import draw_sizes
from tools.quantize.report import Findings, Row, show

MODEL = Path(__file__).parents[2] / "models" / "digits-cnn"
# ai-edge-quantizer asks the runtime for all tensors, which the runtime thinks worth a warning.
pytestmark = pytest.mark.filterwarnings("ignore:.*experimental_preserve_all_tensors:UserWarning")


@pytest.fixture
def crops() -> np.ndarray:
    return np.random.default_rng(1).random((24, 32, 32, 1), np.float32)


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """The float model in a folder without a card."""
    (tmp_path / "bare").mkdir()
    return str(shutil.copyfile(MODEL / "float.tflite", tmp_path / "bare" / "float.tflite"))


def archive(folder: Path, **arrays: Any) -> str:
    np.savez(folder / "inputs.npz", **arrays)
    return str(folder / "inputs.npz")


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
    assert "weights with a scale for each output channel" in page
    for word in (*rows, "error", "float operations", "XNNPACK parts"):
        assert f"\n- {word}: " in page, f"{word} has no meaning"
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


def test_options_without_effect_are_refused(
    tmp_path: Path, crops: np.ndarray, bare: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = archive(tmp_path, inputs=crops)
    carded = str(MODEL / "float.tflite")
    out = tmp_path / "out"
    for model, options, says in (
        (carded, ["--keep", "8", "--scheme", "float16"], "need int8"),
        (carded, ["--keep-worst", "1", "--scheme", "dynamic"], "need int8"),
        (carded, ["--per-tensor", "--scheme", "dynamic"], "for int8 and int16x8"),
        (carded, ["--mean", "a"], "--mean: .*card.yaml says that already"),
        (carded, ["--colour", "grey", "--name", "x"], "--name, --colour: .*already"),
        (bare, ["--mean", "a"], "are numbers"),
        (bare, ["--mean", "1,2,3"], "grey has 1"),
        (bare, ["--std", "0"], "--std above 0"),
        (bare, ["--mean", "nan"], "are numbers"),
        (bare, ["--labels", "a,b"], "without --name no card"),
        (bare, ["--name", "x", "--scheme", "float16"], "of the int8 file"),
        (bare, ["--seed", "-1"], "--seed at least 0"),
    ):
        assert main([model, "--data", data, "--out", str(out), *options]) == 2
        said = capsys.readouterr().err
        assert re.search(says, said)
        assert said.count("\n") == 1
        assert not out.exists()


def test_the_model_s_own_folder_is_not_written_to(
    tmp_path: Path, crops: np.ndarray, bare: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = archive(tmp_path, inputs=crops)
    assert main([bare, "--data", data, "--out", str(tmp_path / "bare" / ".." / "bare")]) == 2
    assert "own folder" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "bare").iterdir()] == ["float.tflite"]


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = [str(MODEL / "float.tflite"), "--data", archive(tmp_path, inputs=crops), "--calibrate", "4"]
    (tmp_path / "file").write_bytes(b"")
    nobodys = ["/proc/x", str(tmp_path / "file"), str(tmp_path / "file" / "x")]
    for name in ("model.tflite", "report.md", "sizes.png", "card.yaml"):
        (tmp_path / name[0] / name).mkdir(parents=True)  # a folder where a file should be
        nobodys.append(str(tmp_path / name[0]))
    for out in nobodys:
        assert main([*call, "--out", out]) == 1, out
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert out in said
        assert "cannot be written" in said
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert main([*call, "--out", str(tmp_path / "new")]) == 1
    assert "Permission denied" in capsys.readouterr().err


def test_the_card_says_what_was_measured_with_another_file(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    call = [str(MODEL / "float.tflite"), "--data", archive(tmp_path, inputs=crops), "--calibrate", "4"]
    assert main([*call, "--out", str(out)]) == 0
    capsys.readouterr()
    before, after = load_card(MODEL), load_card(out)
    for name, threshold in before.thresholds.items():
        assert after.thresholds[name].value == threshold.value
        said = "as measured with the source's file (model.tflite), not with this file"
        assert after.thresholds[name].meaning == f"{threshold.meaning}; {said}"
    assert after.made_by.command.startswith(before.made_by.command)
    assert after.made_by.command.endswith(f" && python -m tools.quantize {' '.join(call)} --out {out}")
    assert {figure.metric for figure in after.figures} == {"same answer as float"}


def test_a_card_of_its_own_is_as_told(
    tmp_path: Path, crops: np.ndarray, bare: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = archive(tmp_path, inputs=crops)
    call = [bare, "--data", data, "--calibrate", "4", "--out", str(tmp_path / "out")]
    labels = ",".join("abcdefghijk")
    told = ["--labels", labels, "--licence", "MIT", "--mean", "1", "--std", "2"]
    assert main([*call, "--name", "theirs", *told]) == 0
    card = load_card(tmp_path / "out")
    assert (card.name, card.licence, card.input.mean, card.input.std) == ("theirs", "MIT", (1.0,), (2.0,))
    assert list(card.output.labels) == labels.split(",")
    for wrong in (["--name", "My Net"], ["--name", "x", "--labels", "a,a"]):
        capsys.readouterr()
        assert main([*call, *wrong]) == 2
        said = capsys.readouterr().err
        assert "no card can be written" in said
        assert said.count("\n") == 1


def test_a_layer_can_be_kept_by_name_where_noise_cannot_be_measured(
    tmp_path: Path, crops: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise ModelError("it does not run in int8")

    monkeypatch.setattr(command, "layer_noise", fails)
    call = [str(MODEL / "float.tflite"), "--data", archive(tmp_path, inputs=crops), "--calibrate", "4"]
    call += ["--out", str(tmp_path / "out"), "--keep", "Conv2d_head", "--keep-worst", "2", "--json"]
    assert main(call) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["scheme"] for row in said["rows"]] == ["float", "int8", "selective"]
    assert said["kept"]
    assert all("Conv2d_head" in layer for layer in said["kept"])
    assert "nothing to choose by: it does not run" in said["troubles"][0]


def findings(*sizes: int, accuracy: float | None = 0.99, judged: bool = True) -> Findings:
    same = {"same": 0.9998, "cosine": 1.0, "error": 0.0} if judged else None
    kinds = ("float", "int8", "int16x8", "dynamic", "float16", "selective")
    rows = [Row(kind, "x", size, accuracy, same, [], 0) for kind, size in zip(kinds, sizes, strict=False)]
    return Findings("m", {"all": 1}, "here", 1, "there", rows, [])


@pytest.mark.parametrize(
    "drawn",
    [
        findings(696556, 191512, 192880, 186848, 355808, 380528),
        findings(696556, 191512, 192880, 186848, 355808, 380528, accuracy=None),
        findings(54144, 17584, accuracy=None, judged=False),
    ],
)
def test_no_words_in_the_plot_of_sizes_lie_over_each_other(drawn: Findings) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.35 * len(drawn.rows) + 1.2))
    canvas = FigureCanvasAgg(figure)
    draw_sizes(figure, drawn)
    canvas.draw()
    texts = []
    for panel in figure.axes:
        (left, right), kinds = panel.get_xlim(), panel is figure.axes[0]
        ticks = [text for text in panel.get_xticklabels() if left <= text.get_position()[0] <= right]
        texts += [*panel.texts, panel.xaxis.label, *ticks, *(panel.get_yticklabels() if kinds else ())]
    assert {row.scheme for row in drawn.rows} <= {text.get_text() for text in texts}
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in texts]
    for place, (one, box) in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, one
        for other, beside in boxes[place + 1 :]:
            assert not box.overlaps(beside), f"{one} over {other}"


def test_the_table_fits_into_eighty_columns_and_loses_nothing() -> None:
    told = findings(9696556, 191512, 192880, 186848, 355808, 380528)
    for row in told.rows:
        row.timings.extend([Timing("litert 2.3.0", 26.165, 1), Timing("tflite-runtime 2.14.0", 0.0131, 4)])
    said = io.StringIO()
    show(told, Console(width=80, file=said))
    lines = said.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in said.getvalue()
    words = said.getvalue().split()
    assert {"selective", "9,696,556", "operations", "accuracy", "runtime", "0.0131", "26.165"} <= set(words)


def test_the_script_for_keras_makes_what_the_next_command_takes() -> None:
    """It needs TensorFlow and so is only looked at."""
    page = (MODEL.parents[1] / "docs" / "quantizing.md").read_text("utf-8")
    ((script, call),) = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)\n```", page, re.DOTALL)
    compile(script, "docs/quantizing.md", "exec")
    (written,) = re.findall(r'open\("(.*?)", "wb"\)', script)
    assert call.startswith(f"python -m tools.quantize {written} ")
    assert len(script.splitlines()) <= 20


def test_a_runtime_that_is_not_here_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def only_litert(choice: Any) -> Any:
        if choice == "tflite-runtime":
            raise ModelError("no TFLite runtime: tflite-runtime is not installed", "pip install it")
        return real(choice)

    real = find_runtime
    monkeypatch.setattr(judge, "find_runtime", only_litert)
    here = timings(MODEL / "model.tflite", [])
    assert [timing.p50 is None for timing in here] == [False, True]
    assert here[1].trouble.startswith("not installed; name the Python of")
    assert "--python" in here[1].trouble
    # The same runtime in another environment has no column of its own.
    assert [timing.runtime for timing in timings(MODEL / "model.tflite", [Path(sys.executable)])] == [
        here[0].runtime
    ]
    (_, other) = timings(MODEL / "model.tflite", [tmp_path / "no-python"])
    assert other == Timing(str(tmp_path / "no-python"), None, None, other.trouble)
    assert "No such file" in other.trouble
