"""The border of the command line: usage, versions, one line an error, exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge import __version__
from edge.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[2]


def edge(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "edge", *arguments],
        capture_output=True, text=True, timeout=60, check=False, cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip


HEAVY = """
import runpy, sys
sys.argv = ["edge", "--version"]
try:
    runpy.run_module("edge", run_name="__main__")
except SystemExit:
    print(sorted({"numpy", "cv2", "pydantic"} & set(sys.modules)))
"""


def test_version_needs_neither_numpy_nor_opencv() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HEAVY], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines() == [f"edge {__version__}", "[]"]


def test_no_command_and_an_unknown_one_are_wrong_usage() -> None:
    assert edge().returncode == 2
    unknown = edge("fly")
    assert unknown.returncode == 2
    assert "recognize" in unknown.stderr


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert "--config" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "check", "models", "watch", "people"])
def test_a_wrong_configuration_is_told_by_every_command_and_ends_with_78(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("camera:\n  fps: fast\nmqtt:\n  hots: broker\n")
    assert main([command, "-c", str(file)]) == 78
    output = capsys.readouterr()
    text = output.err + output.out
    assert f"{file}:2: camera.fps:" in text.replace("\n", "")
    assert f"{file}:4: mqtt.hots:" in text.replace("\n", "")
    assert "Traceback" not in text
