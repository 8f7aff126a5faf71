"""The systemd units and drop-ins, judged by systemd's own tools, as they are once installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
NAMES = ("edge.service", "edge@.service")
DROP_INS = sorted(path.name for path in (UNITS / "drop-ins").glob("*.conf"))
EXPOSURE = 15
"""The most that ``systemd-analyze security`` may count, in tenths: 1.5 of 10."""
WITH_DROP_IN = 20
"""The same with any one drop-in: each opens one thing and not the house."""
UNTRIED = {"argus.conf", "jetpack.conf", "libcamera.conf", "vcgencmd.conf"}
"""What only a board can confirm."""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder of the units as `make install` places them, with a command where they expect it."""
    place = {**os.environ, "DESTDIR": str(tmp_path), "PREFIX": "/usr"}
    done = subprocess.run(
        [ROOT / "tools/install/files"], env=place, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    command = tmp_path / "bin" / "edge"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    folder = tmp_path / "usr/lib/systemd/system"
    for name in NAMES:
        text = (folder / name).read_text("utf-8")
        assert "ExecStart=/opt/edge/current/bin/edge run" in text
        (folder / name).write_text(text.replace("/opt/edge/current/bin", str(command.parent)))
    return folder


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs ``systemd-analyze``."""
    tool = shutil.which("systemd-analyze")
    assert tool, "systemd-analyze is not installed (Debian: systemd); `make system` installs it"
    return subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60
    )


def exposure(unit: Path, most: int) -> subprocess.CompletedProcess[str]:
    """Judges what is left open; the exit code is not 0 when it is more than ``most``."""
    return analyze("security", "--offline=true", f"--threshold={most}", "--no-pager", unit)


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
    done = exposure(installed / name, EXPOSURE)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_exposure_without_hardening_is_told(installed: Path) -> None:
    unit = installed / "edge.service"
    unit.write_text(unit.read_text().replace("SystemCallFilter=", "#").replace("CapabilityBoundingSet=", "#"))
    assert exposure(unit, EXPOSURE).returncode != 0


def dropped_in(installed: Path, unit: str, text: str) -> Path:
    """The unit with a drop-in beside it."""
    folder = installed / f"{unit}.d"
    folder.mkdir()
    (folder / "site.conf").write_text(text)
    return installed / unit


@pytest.mark.parametrize("unit", NAMES)
@pytest.mark.parametrize("name", DROP_INS)
def test_a_drop_in_fits_its_unit_and_opens_little(installed: Path, unit: str, name: str) -> None:
    text = (UNITS / "drop-ins" / name).read_text("utf-8")
    path = dropped_in(installed, unit, text)
    done = analyze("verify", "--man=no", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    judged = exposure(path, WITH_DROP_IN)
    assert judged.returncode == 0, judged.stdout.splitlines()[-1]


def test_a_wrong_line_of_a_drop_in_is_told(installed: Path) -> None:
    path = dropped_in(installed, "edge.service", "[Service]\nDeviceAllowed=char-media rw\n")
    assert "DeviceAllowed" in analyze("verify", "--man=no", path).stderr


@pytest.mark.parametrize("name", DROP_INS)
def test_a_drop_in_says_how_to_use_it_and_whether_it_was_tried(name: str) -> None:
    text = (UNITS / "drop-ins" / name).read_text("utf-8")
    assert f"#   install -D -m 644 {name} /etc/systemd/system/edge.service.d/{name}\n" in text
    assert ("UNTRIED" in text) == (name in UNTRIED)


def test_every_drop_in_is_told_of_in_the_guide() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    assert DROP_INS
    assert [name for name in DROP_INS if name not in guide] == []


def directives(name: str) -> list[str]:
    """The lines of a unit that systemd reads."""
    lines = (UNITS / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_both_units_are_one_but_for_the_instance() -> None:
    own = ("Description=", "Conflicts=", "After=edge@")
    single = [line for line in directives("edge.service") if not line.startswith(own)]
    template = [line for line in directives("edge@.service") if not line.startswith("Description=")]
    assert single == [line.replace("%i", "edge") for line in template]


def test_no_capability_and_no_device_but_cameras() -> None:
    lines = directives("edge.service")
    assert {"CapabilityBoundingSet=", "AmbientCapabilities=", "NoNewPrivileges=yes"} <= set(lines)
    devices = [line for line in lines if line.startswith("Device")]
    assert devices == ["DevicePolicy=closed", "DeviceAllow=char-video4linux rw"]


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
