"""What comes from outside a command: readers that go, signals at any time, arguments that mean nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.cli.main import main

ROOT = Path(__file__).parents[2]


def begin(*arguments: str, stdout: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "edge", *arguments],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
        # What a shell starts in the background ignores Ctrl-C, and so would all that this test starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )  # fmt: skip


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    try:
        said = process.communicate(timeout=60)[1].decode()
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["check"], ["check", "--json"]])
def test_a_reader_that_has_gone_is_no_fault(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    process = begin(*arguments, stdout=writer)
    os.close(writer)
    os.close(reader)
    code, said = end(process)
    assert code == 0
    assert "Broken pipe" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", [0.2, 0.4])
def test_the_service_can_be_ended_while_it_starts(number: int, moment: float, tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text(f"camera: {{source: demo}}\nsinks: [stdout]\nstate: {{folder: {tmp_path}}}\n")
    process = begin("run", "-c", str(file), stdout=subprocess.DEVNULL)
    time.sleep(moment)
    process.send_signal(number)
    ended, said = end(process)
    # A signal that comes before the command line itself is up ends the process as it ends any.
    assert ended in (0, 130, -number)
    assert "edge/cli/" not in said


@pytest.mark.parametrize("place", [["--port", "0"], ["--port", "99999"], ["--host", "http://broker"]])
def test_watch_is_told_where_a_broker_cannot_be(place: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", *place]) == 2
    assert f"edge: {' '.join(place)}; allowed: " in capsys.readouterr().err
