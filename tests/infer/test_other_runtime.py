"""tflite-runtime, in an environment of its own: the same answers as LiteRT, and its trap with numpy 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from handmade import Linear, folder_of
from numpy.typing import NDArray

from edge.capture.scene import Scene
from edge.geometry import iou_matrix
from edge.infer.card import load_card
from edge.infer.golden import golden_picture
from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.infer.store import built_in
from edge.records import Image

ROOT = Path(__file__).parents[2]
REQUIREMENTS = (
    "tflite-runtime>=2.14", "numpy<2", "opencv-python-headless<4.12", "pydantic>=2.11,<3", "PyYAML>=6.0.1",
    "rich>=13.7",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        sys.version_info >= (3, 12), reason="tflite-runtime has no wheel for Python 3.12 and later"
    ),
]

RUN = """
import sys
import numpy as np
from edge.infer.model import Model
from edge.infer.settings import InferSettings
folder, pictures, out = sys.argv[1:]
model = Model.load(folder, InferSettings())
assert model.runtime.startswith("tflite-runtime 2."), model.runtime
np.save(out, [model.run(picture)["scores"] for picture in np.load(pictures)])
"""

FAIL = """
import sys
from edge.errors import ModelError
from edge.infer.runtime import find_runtime
try:
    find_runtime("auto")
except ModelError as error:
    print(error)
    sys.exit(error.exit_code)
"""


def install(python: Path, *arguments: str) -> None:
    done = subprocess.run(
        [python, "-m", "pip", "install", "-qq", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def other(request: pytest.FixtureRequest) -> Path:
    """The Python of an environment with tflite-runtime and numpy 1; made once, kept in pytest's cache."""
    cache = request.config.cache
    assert cache is not None
    folder = cache.mkdir("tflite-runtime")
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists() or ready.read_text() != repr(REQUIREMENTS):
        venv.create(folder, clear=True, with_pip=True)
        install(python, *REQUIREMENTS)
        ready.write_text(repr(REQUIREMENTS))
    return python


def scores_of_other(
    python: Path, model: Path, pictures: NDArray[np.uint8], folder: Path
) -> NDArray[np.float32]:
    """What the model says of pictures in the other environment."""
    np.save(folder / "pictures.npy", pictures)
    done = subprocess.run(
        [python, "-c", RUN, str(model), folder / "pictures.npy", folder / "scores.npy"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    scores: NDArray[np.float32] = np.load(folder / "scores.npy")
    return scores


def drawn_digits() -> list[Image]:
    """Every digit in four sizes and strengths, bright on dark, 32x32."""
    pictures = []
    for digit in range(10):
        for scale, pen in ((0.6, 1), (0.7, 2), (0.8, 2), (0.9, 3)):
            picture = np.full((32, 32), 12, np.uint8)
            (width, height), _ = cv2.getTextSize(str(digit), cv2.FONT_HERSHEY_SIMPLEX, scale, pen)
            corner = ((32 - width) // 2, (32 + height) // 2)
            cv2.putText(picture, str(digit), corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 230, pen, cv2.LINE_AA)
            pictures.append(picture)
    return pictures


def test_both_runtimes_read_the_same_digits(other: Path, tmp_path: Path) -> None:
    model = Model.load("digits-cnn", InferSettings(runtime="litert"))
    assert model.card.golden is not None
    pictures = np.array([*drawn_digits(), golden_picture(model, "v1")])
    ours = np.array([model.run(picture)["scores"] for picture in pictures])
    theirs = scores_of_other(other, model.folder, pictures, tmp_path)
    np.testing.assert_allclose(theirs, ours, atol=model.card.golden.tolerance)
    sure = ours.max(axis=1) >= 0.5 + model.card.golden.tolerance
    assert sure.sum() > 20
    np.testing.assert_array_equal(theirs.argmax(axis=1)[sure], ours.argmax(axis=1)[sure])


def recognized(python: Path | str, runtime: str, files: Sequence[Path], folder: Path) -> list[dict[str, Any]]:
    """What ``edge recognize`` reads in files, by this Python and its runtime."""
    settings = folder / f"{runtime}.yaml"
    settings.write_text(f"infer: {{runtime: {runtime}}}\n")
    done = subprocess.run(
        [python, "-m", "edge", "recognize", "-c", settings, "--json", *files],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_same_digits(other: Path, files: Sequence[Path], folder: Path, *, at_least: int) -> None:
    """Digits and their places are the same, and scores within the card's tolerance."""
    golden = load_card(built_in() / "digits-cnn").golden
    assert golden is not None
    ours = recognized(sys.executable, "litert", files, folder)
    theirs = recognized(other, "tflite-runtime", files, folder)
    digits = 0
    for our, their in zip(ours, theirs, strict=True):
        assert len(their["digits"]) == len(our["digits"]), our["file"]
        for item in our["digits"]:
            score = score_there(item, their["digits"])
            assert score == pytest.approx(item["score"], abs=golden.tolerance), (our["file"], item)
        digits += len(our["digits"])
    assert digits >= at_least


def score_there(item: dict[str, Any], others: Sequence[dict[str, Any]]) -> float:
    """The score of the same digit at the same place; of two proposals that tie, either may have won."""
    overlaps = iou_matrix(
        np.array([item["box"]], np.float32), np.array([other["box"] for other in others], np.float32)
    )[0]
    best = int(overlaps.argmax())
    assert overlaps[best] > 0.5, item
    assert others[best]["digit"] == item["digit"], item
    return float(others[best]["score"])


def test_both_runtimes_recognize_the_same_in_the_drawn_scene(other: Path, tmp_path: Path) -> None:
    files = []
    for seed, second in ((0, 3.0), (1, 8.5), (2, 13.0), (3, 18.0)):
        file = tmp_path / f"scene-{seed}.png"
        assert cv2.imwrite(str(file), Scene(seed).draw(second)[0])
        files.append(file)
    assert_same_digits(other, files, tmp_path, at_least=60)


@pytest.mark.shared
def test_both_runtimes_recognize_the_same_in_photographs(other: Path, tmp_path: Path, shared: Path) -> None:
    photographs = shared / "data" / "digits" / "scenes" / "dev"
    files = [photographs / f"{name}.jpg" for name in ("aiano_3", "hypjudy_note1", "niraj_2")]
    assert_same_digits(other, files, tmp_path, at_least=20)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
def test_handmade_models_differ_by_a_level_at_most(
    other: Path, tmp_path: Path, dtype: str, channels: int
) -> None:
    zero = {"int8": -128, "uint8": 0, "float32": 0}[dtype]
    made = Linear(dtype=dtype, channels=channels, input_zero=zero, output_zero=0 if dtype == "int8" else 128)
    folder = folder_of(tmp_path / "model", made)
    shape = (8, 6, 8) if channels == 1 else (8, 6, 8, 3)
    pictures = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    model = Model.load(str(folder), InferSettings())
    ours = np.array([model.run(picture)["scores"] for picture in pictures])
    theirs = scores_of_other(other, folder, pictures, tmp_path)
    np.testing.assert_allclose(theirs, ours, atol=1e-4 if dtype == "float32" else made.output_scale)


def test_a_numpy_that_does_not_fit_is_one_line(other: Path, tmp_path: Path) -> None:
    install(other, "--no-deps", "--target", str(tmp_path), "numpy>=2,<2.3")
    done = subprocess.run(
        [other, "-c", FAIL],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 78, done.stderr
    assert done.stdout.count("\n") == 1
    assert "litert is not installed, tflite-runtime does not work with numpy 2." in done.stdout
    assert "pip install" in done.stdout
    assert done.stderr == ""
