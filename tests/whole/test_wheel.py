"""The wheel: what lies in it, and that it runs where there is no checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DEMO_KEYS = {"seconds", "frames", "fps", "dropped", "events", "delivered", "right", "wrong", "latency_ms"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("edge-*.whl")
    return path


def names(wheel: Path) -> set[str]:
    """The files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_it_holds_models_and_configuration(wheel: Path) -> None:
    share = {name.removeprefix("edge/_share/") for name in names(wheel) if name.startswith("edge/_share/")}
    shipped = [
        path for path in (ROOT / "models").iterdir() if path.name not in {"digits-mlp", "digits-detector"}
    ]
    cards = {str(path.relative_to(ROOT)) for folder in shipped for path in folder.glob("card.yaml")}
    models = {str(path.relative_to(ROOT)) for folder in shipped for path in folder.glob("model*.tflite")}
    assert cards
    assert models
    assert share == {"config/edge.yaml", "config/edge.schema.json", *cards, *models}


def test_it_holds_every_module_and_nothing_of_development(wheel: Path) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "edge").rglob("*.py")}
    inside = names(wheel)
    assert {name for name in inside if name.endswith(".py")} == modules
    assert "edge/py.typed" in inside
    assert not [name for name in inside if not name.startswith("edge")]


class Elsewhere:
    """An environment of its own with the wheel in it, and a folder that is no checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)

    def install(self, requirement: str) -> None:
        """``pip install`` of one requirement."""
        pip = [str(self.folder / "venv/bin/python"), "-m", "pip", "install", "-qq", requirement]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def edge(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs the installed command in the folder."""
        command: list[str | Path] = [self.folder / "venv/bin/edge", *arguments]
        return subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_demo_and_recognize_run_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    elsewhere = Elsewhere(tmp_path)
    elsewhere.install(f"{wheel}[demo]")

    demo = elsewhere.edge("demo", "--seconds", "10", "--json")
    assert demo.returncode == 0, demo.stderr
    report = json.loads(demo.stdout)
    assert report.keys() >= DEMO_KEYS
    assert report["frames"] > 10
    assert report["delivered"] == report["events"] > 0
    assert report["right"] > report["wrong"]

    paper = np.full((240, 480, 3), 235, np.uint8)
    cv2.putText(paper, "4 7 1", (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 3.0, (40, 40, 40), 9, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "paper.png"), paper)
    read = elsewhere.edge("recognize", "paper.png", "--json")
    assert read.returncode == 0, read.stderr
    picture = json.loads(read.stdout)
    assert picture["size"] == [480, 240]
    assert [item["digit"] for item in sorted(picture["digits"], key=lambda item: item["box"][0])] == [4, 7, 1]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_without_the_extra_one_line_says_how_to_get_it(wheel: Path, tmp_path: Path) -> None:
    elsewhere = Elsewhere(tmp_path)
    elsewhere.install(str(wheel))
    demo = elsewhere.edge("demo", "--seconds", "1")
    assert demo.returncode not in (0, 70)
    (line,) = demo.stderr.splitlines()
    assert "pip install amqtt" in line
    version = elsewhere.edge("--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("edge ")
