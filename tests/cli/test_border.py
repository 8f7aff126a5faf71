"""What comes from outside a command: readers that go, signals at any time, arguments that mean nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli.main import main

ROOT = Path(__file__).parents[2]


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    try:
        said = process.communicate(timeout=60)[1].decode()
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["check"], ["check", "--json"]])
def test_a_reader_that_has_gone_is_no_fault(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(writer)
    os.close(reader)
    code, said = end(process)
    assert code == 0
    assert "Broken pipe" not in said


INTERRUPTING = """
import runpy, signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == {imported!r}:
            sys.meta_path.remove(self)
            signal.raise_signal({number})

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.modules.pop({imported!r}, None)
sys.meta_path.insert(0, Interrupter())
sys.argv = ["edge", "run", "-c", {file!r}]
{way_in}
"""
WAYS_IN = {
    "module": "runpy.run_module('edge', run_name='__main__')",
    "script": "import edge.__main__; edge.__main__.run()",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("imported", "way_in"),
    [
        ("edge.cli.main", "module"),
        ("edge.cli.main", "script"),
        ("argparse", "script"),
        ("edge.cli.run", "module"),
        ("yaml", "script"),
        ("cv2", "module"),
        ("edge.recognize.digits.recognizer", "script"),
    ],
)
def test_the_service_can_be_ended_while_it_starts(
    number: int, imported: str, way_in: str, tmp_path: Path
) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(f"camera: {{source: demo}}\nsinks: [stdout]\nstate: {{folder: {tmp_path}}}\n")
    script = INTERRUPTING.format(
        imported=imported, number=int(number), file=str(file), way_in=WAYS_IN[way_in]
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    ended, said = end(process)
    # 0: in order, since the service was up; until then SIGTERM ends the process as it ends any.
    assert ended in (0, 130 if number == signal.SIGINT else -number)
    assert "Traceback" not in said


@pytest.mark.parametrize("place", [["--port", "0"], ["--port", "99999"], ["--host", "http://broker"]])
def test_watch_is_told_where_a_broker_cannot_be(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", *place]) == 2
    assert f"edge: {' '.join(place)}; allowed: " in capsys.readouterr().err
