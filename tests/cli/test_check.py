"""``edge check`` looks at the state folder, and makes nothing there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.cli.main import main


def found(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> tuple[int, str]:
    """Exit code and message on the state in ``folder``."""
    config = tmp_path / "edge.yaml"
    told = {"camera": {"source": "demo"}, "state": {"folder": str(folder)}, "sinks": ["stdout"]}
    config.write_text(json.dumps(told))  # JSON is YAML
    main(["check", "--json", "-c", str(config)])
    checks = json.loads(capsys.readouterr().out)["checks"]
    (one,) = [check for check in checks if check["part"] == "state"]
    return one["exit_code"], one["message"]


def test_a_folder_that_is_there_or_can_be_made_is_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, message = found(tmp_path, capsys, tmp_path)
    assert code == 0
    assert f"{tmp_path}: can be written to, " in message
    assert message.endswith(" MiB free")
    code, message = found(tmp_path / "a" / "b", capsys, tmp_path)
    assert (code, message.partition(",")[0]) == (0, f"{tmp_path}/a/b: is made by the service")
    assert not (tmp_path / "a").exists(), "looking changes nothing"


def test_a_file_in_its_place_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        code, message = found(folder, capsys, tmp_path)
        assert (code, message) == (78, f"{tmp_path}/file: no folder; name one in state.folder")


@pytest.fixture
def not_root() -> Iterator[None]:
    """Root may write anywhere; what may be written is asked of the real user (POSIX ``access``)."""
    before = os.getresuid()
    if os.geteuid() == 0:
        os.setresuid(65534, 0, 0)
    yield
    os.setresuid(*before)


@pytest.mark.usefixtures("not_root")
def test_a_folder_of_somebody_else_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message = found(Path("/"), capsys, tmp_path)
    assert code == 78
    assert message.startswith("/: cannot be written to")
