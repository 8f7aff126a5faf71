"""Where `edge outbox` and `edge check` look for what a service keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.cli.main import main
from edge.settings.folder import state_folder
from edge.settings.load import load
from edge.transmit.journal import Row
from edge.transmit.moment import Moment
from edge.transmit.outbox import Outbox


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """/etc/edge with two settings files, and /var/lib/edge with a folder for the first alone."""
    etc, units = tmp_path / "etc", tmp_path / "lib"
    for name in ("edge", "front"):
        etc.mkdir(exist_ok=True)
        (etc / f"{name}.yaml").write_text("device: {name: hall}\n")
    (units / "edge").mkdir(parents=True)
    monkeypatch.setattr("edge.settings.load.SYSTEM_FILE", etc / "edge.yaml")
    monkeypatch.setattr("edge.settings.folder.UNITS", units)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    return tmp_path


def test_of_an_installed_service_it_is_that_of_its_unit(installed: Path) -> None:
    units = installed / "lib"
    assert state_folder(None, load(None)) == units / "edge"
    assert state_folder(installed / "etc" / "edge.yaml", load(None)) == units / "edge"


def test_elsewhere_it_is_as_the_settings_and_the_environment_have_it(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = installed / "edge.yaml"
    mine.write_text("device: {name: hall}\n")
    home = installed / "home" / "edge"
    assert state_folder(mine, load(mine)) == home
    assert state_folder(installed / "etc" / "front.yaml", load(None)) == home  # it has never run
    monkeypatch.setenv("STATE_DIRECTORY", str(installed / "told"))
    assert state_folder(None, load(None)) == installed / "told"
    mine.write_text(f"state: {{folder: {installed / 'set'}}}\n")
    assert state_folder(mine, load(mine)) == installed / "set"


def test_the_commands_look_there(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    units = installed / "lib" / "edge"
    (units / "changes.json").write_text('{"schema": 1, "detect": false, "thresholds": {}}')
    box = Outbox(units / "outbox.db", rows=1000, size=10**6, sync=5)
    box.open(0.0)
    box.put([Row("one", "digits/event", b"{}", Moment("an earlier boot", 0, 0, synced=False))], 0.0)
    box.close(0.0)
    assert main(["outbox"]) == 0
    assert "1 wait" in capsys.readouterr().out
    main(["check", "--json"])
    assert "changed by command: detect off" in capsys.readouterr().out
