"""The systemd units, judged by systemd's own tools, as they are once installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "systemd"
NAMES = ("edge.service", "edge@.service")
EXPOSURE = 15
"""The most that ``systemd-analyze security`` may count, in tenths: 1.5 of 10."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the units rendered as docs/deploy.md does, and a command where they expect it."""
    command = tmp_path / "bin" / "edge"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for name in NAMES:
        text = (UNITS / name).read_text("utf-8").replace("@BINDIR@", str(command.parent))
        (tmp_path / name).write_text(text)
    return tmp_path


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs ``systemd-analyze``."""
    tool = shutil.which("systemd-analyze")
    assert tool, "systemd-analyze is not installed (Debian: systemd); `make system` installs it"
    return subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("name", NAMES)
def test_verify_is_silent(installed: Path, name: str) -> None:
    done = analyze("verify", "--man=no", installed / name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verify_tells_a_wrong_line(installed: Path) -> None:
    unit = installed / "edge.service"
    unit.write_text(unit.read_text().replace("WatchdogSec=", "WatchdogSecs="))
    assert "WatchdogSecs" in analyze("verify", "--man=no", unit).stderr


@pytest.mark.parametrize("name", NAMES)
def test_exposure_is_low(installed: Path, name: str) -> None:
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", installed / name)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_exposure_without_hardening_is_told(installed: Path) -> None:
    unit = installed / "edge.service"
    unit.write_text(unit.read_text().replace("SystemCallFilter=", "#").replace("CapabilityBoundingSet=", "#"))
    done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit)
    assert done.returncode != 0


def directives(name: str) -> list[str]:
    """The lines of a unit that systemd reads."""
    lines = (UNITS / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_both_units_are_one_but_for_the_instance() -> None:
    own = ("Description=", "Conflicts=", "After=edge@")
    single = [line for line in directives("edge.service") if not line.startswith(own)]
    template = [line for line in directives("edge@.service") if not line.startswith("Description=")]
    assert single == [line.replace("%i", "edge") for line in template]


def test_a_wrong_configuration_is_not_restarted() -> None:
    from edge.errors import ConfigError

    assert f"RestartPreventExitStatus={ConfigError.exit_code}" in directives("edge.service")


def test_the_user_is_the_one_that_sysusers_makes() -> None:
    lines = (UNITS / "edge.sysusers").read_text("utf-8").splitlines()
    made = [line.split()[1] for line in lines if re.match(r"u\s", line)]
    (user,) = [line.removeprefix("User=") for line in directives("edge.service") if line.startswith("User=")]
    assert made == [user]


def test_sysusers_makes_the_user(tmp_path: Path) -> None:
    tool = shutil.which("systemd-sysusers")
    assert tool, "systemd-sysusers is not installed (Debian: systemd); `make system` installs it"
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "group").write_text("video:x:44:\n")
    subprocess.run([tool, f"--root={tmp_path}", UNITS / "edge.sysusers"], check=True, capture_output=True)
    assert (tmp_path / "etc" / "passwd").read_text().startswith("edge:x:")
    assert "video:x:44:edge" in (tmp_path / "etc" / "group").read_text()
