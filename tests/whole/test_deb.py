"""The Debian package: what is in it, and what it does to a system with systemd, from installing to purging.

``make test-deb`` does the same in fresh systems of Debian 12 and 13.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installing import ROOT, build_package, build_wheel, fetch_wheels, run
from machine import Machine

pytestmark = pytest.mark.timeout(600)

SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The package of this checkout."""
    assert shutil.which("dpkg-deb"), "dpkg-deb is not installed (Debian: dpkg); tests run on Debian or Ubuntu"
    return build_package(tmp_path_factory.mktemp("package"), wheel)


def ask(*command: str | Path) -> str:
    """The output of a tool that succeeds."""
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout


def test_the_same_source_gives_the_same_bytes(package: Path, wheel: Path, tmp_path: Path) -> None:
    again = build_package(tmp_path, wheel)
    assert again.read_bytes() == package.read_bytes()
    other = run("tools/deb/build", OUT=str(tmp_path / "x"), WHEEL=str(wheel), SOURCE_DATE_EPOCH="1000000000")
    assert Path(other.stdout.strip()).read_bytes() != package.read_bytes()


def test_it_is_for_every_machine_and_python_that_edge_runs_on(package: Path) -> None:
    field = {name: ask("dpkg-deb", "--field", package, name).strip() for name in ("Architecture", "Depends")}
    assert field["Architecture"] == "all"
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    oldest, beyond = re.findall(r'requires-python = ">=([\d.]+),<([\d.]+)"', project)[0]
    assert f"python3 (>= {oldest}), python3 (<< {beyond})" in field["Depends"]
    assert re.fullmatch(r"edge_[\d.]+_all\.deb", package.name)


def test_it_brings_units_samples_and_settings_that_are_kept(package: Path, tmp_path: Path) -> None:
    ask("dpkg-deb", "--raw-extract", package, tmp_path)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    assert {"usr/lib/systemd/system/edge.service", "usr/lib/systemd/system/edge@.service"} <= files
    assert {
        "usr/lib/sysusers.d/edge.conf",
        "usr/share/edge/requirements.lock",
        "usr/lib/edge/environment",
    } <= files
    assert {f"usr/share/edge/drop-ins/{path.name}" for path in (ROOT / "systemd/drop-ins").iterdir()} <= files
    assert (tmp_path / "DEBIAN/conffiles").read_text() == "/etc/edge/edge.yaml\n"
    assert os.readlink(tmp_path / "usr/bin/edge") == "/opt/edge/current/bin/edge"
    assert not [name for name in files if name.startswith(("opt/", "usr/local/", "var/"))]
    owners = {line.split()[1] for line in ask("dpkg-deb", "--contents", package).splitlines()}
    assert owners == {"root/root"}


def test_lintian_finds_nothing_that_is_not_explained(package: Path) -> None:
    assert shutil.which("lintian"), "lintian is not installed (Debian: lintian); `make system` installs it"
    tags = "--pedantic", "--display-info", "--fail-on", "error,warning,info,pedantic"
    done = run("lintian", "--no-cfg", "--allow-root", *tags, package)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    overrides = (ROOT / "tools/deb/lintian-overrides").read_text("utf-8").splitlines()
    first = [index for index, line in enumerate(overrides) if line.startswith("edge:")]
    assert all(overrides[index - 1].startswith("# ") for index in first), "an override without its reason"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_that_is_asked_for_nothing_does_nothing(name: str) -> None:
    done = run("sh", ROOT / "tools/deb" / name, "unknown", PATH="/nowhere:/usr/bin:/bin")
    assert done.returncode == 0, done.stderr


def test_another_processor_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    dpkg = tmp_path / "dpkg"
    dpkg.write_text("#!/bin/sh\necho armhf\n")
    dpkg.chmod(0o755)
    done = run("sh", ROOT / "tools/deb/preinst", "install", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode != 0
    assert "64-bit image" in done.stderr


SHORT = "[Service]\nRestartSec=200ms\nStandardError=append:/host/edge.log\n"
SETTINGS = "device: {name: mine}\ncamera: {source: demo}\n"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, wheel: Path, package: Path) -> Iterator[Machine]:
    """A running machine that never had edge; packages of it and of what it needs lie in /host."""
    folder = tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)
    (folder / "empty").mkdir()
    fetch_wheels(folder)
    shutil.copy(package, folder / "edge.deb")
    newer = build_wheel(folder, "9.0.0")
    build_package(folder / "newer", newer).rename(folder / "newer.deb")
    for part in ("Makefile", "tools/install", "tools/requirements", "systemd", "config"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        (folder / "checkout" / part).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / part, folder / "checkout" / part)
    shutil.copy(wheel, folder)
    shutil.copy(newer, folder)
    files = {
        "/etc/edge/edge.yaml": SETTINGS,
        "/etc/edge/front.yaml": SETTINGS.replace("mine", "front"),
        **{f"/etc/systemd/system/{unit}.d/short.conf": SHORT for unit in ("edge.service", "edge@.service")},
    }
    machine = Machine(folder, environment=folder / "empty", files=files)
    try:
        machine.start()
        machine.run("rm", "-f", "/usr/sbin/policy-rc.d")  # a container's, that lets nothing start
        yield machine
    finally:
        machine.stop()


def dpkg(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``dpkg`` inside: there is no network, but a folder of wheels. Settings that are there are kept."""
    options = ("EDGE_WHEELS=/host/wheels", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--force-confold")
    return machine.run("env", *options, *arguments, seconds=200)


def make(machine: Machine, target: str, version: str = "") -> subprocess.CompletedProcess[str]:
    """``make install`` or ``uninstall`` inside, with a wheel of that version."""
    wheel = f"WHEEL=/host/edge-{version}-py3-none-any.whl"
    command = ("make", "--no-print-directory", "-C", "/host/checkout", target)
    return machine.run("env", "EDGE_WHEELS=/host/wheels", wheel, *command, seconds=200)


def state(machine: Machine, unit: str) -> tuple[str, str]:
    """Whether it runs, and as which process."""
    return machine.show(unit, "ActiveState"), machine.show(unit, "MainPID")


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a systemd of its own needs root")
def test_from_installing_to_purging(machine: Machine) -> None:
    done = dpkg(machine, "--install", "/host/edge.deb")
    assert done.returncode == 0, done.stdout + done.stderr
    first = state(machine, "edge")
    assert first[0] == "active", machine.log()
    assert machine.run("systemctl", "is-enabled", "edge").stdout == "enabled\n"
    assert machine.run("cat", "/etc/edge/edge.yaml").stdout == SETTINGS
    assert machine.run("systemctl", "start", "edge@front").returncode == 0, machine.log()
    front = state(machine, "edge@front")

    # A newer one: what runs is restarted, with its settings and its state.
    done = dpkg(machine, "--install", "/host/newer.deb")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.run("edge", "--version").stdout == "edge 9.0.0\n"
    for unit, before in (("edge", first), ("edge@front", front)):
        now = state(machine, unit)
        assert now[0] == "active", machine.log()
        assert now[1] != before[1]
    assert machine.run("cat", "/etc/edge/edge.yaml").stdout == SETTINGS

    # What the site has stopped and disabled stays so.
    machine.run("systemctl", "disable", "--now", "edge")
    assert dpkg(machine, "--install", "/host/newer.deb").returncode == 0
    assert state(machine, "edge")[0] == "inactive", machine.show("edge", "Result") + machine.log()
    assert machine.run("systemctl", "is-enabled", "edge").stdout == "disabled\n"

    refused = make(machine, "install", "9.0.0")
    assert refused.returncode != 0
    assert "apt-get remove edge" in refused.stderr

    # One that cannot be configured leaves the running one alone, and says what to do.
    before = state(machine, "edge@front")
    done = machine.run("env", "EDGE_WHEELS=/host/memory", "dpkg", "--install", "/host/edge.deb", seconds=200)
    assert done.returncode != 0
    assert "sudo dpkg --configure edge" in done.stderr
    assert state(machine, "edge@front") == before
    assert machine.run("edge", "--version").stdout == "edge 9.0.0\n"
    assert dpkg(machine, "--configure", "edge").returncode == 0

    # Removed, settings and state are there; purged, nothing is.
    done = dpkg(machine, "--remove", "edge")
    assert done.returncode == 0, done.stderr
    assert state(machine, "edge@front")[0] in ("inactive", "failed")
    there = (
        "test -e /etc/edge/edge.yaml && test -e /var/lib/edge/edge/outbox.db && ! test -e /opt/edge/current"
    )
    assert machine.run("sh", "-c", there).returncode == 0
    done = dpkg(machine, "--purge", "edge")
    assert done.returncode == 0, done.stderr
    gone = "! test -e /etc/edge/edge.yaml && ! test -e /var/lib/edge && ! test -e /opt/edge/current"
    links = "! find /etc/systemd /var/lib/systemd -type l,f -name '*edge*' | grep ."
    left = machine.run("sh", "-c", f"{gone} && {links}")
    assert left.returncode == 0, left.stdout


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="a systemd of its own needs root")
def test_make_install_starts_nothing_and_restarts_what_runs(machine: Machine, wheel: Path) -> None:
    version = wheel.name.split("-")[1]
    machine.write("/etc/edge/front.yaml", SETTINGS.replace("mine", "front"))
    done = make(machine, "install", version)
    assert done.returncode == 0, done.stderr
    assert "sudo systemctl enable --now edge" in done.stderr
    assert state(machine, "edge")[0] == "inactive"
    assert machine.run("sh", "-c", "cmp /etc/edge/edge.yaml /usr/local/share/edge/edge.yaml").returncode == 0
    assert machine.run("systemctl", "enable", "--now", "edge@front").returncode == 0, machine.log()
    before = state(machine, "edge@front")
    assert before[0] == "active", machine.log()

    done = make(machine, "install", "9.0.0")
    assert done.returncode == 0, done.stderr
    now = state(machine, "edge@front")
    assert now[0] == "active", machine.log()
    assert now[1] != before[1]
    assert state(machine, "edge")[0] == "inactive"
    refused = dpkg(machine, "--install", "/host/edge.deb")
    assert refused.returncode != 0
    assert "sudo make uninstall STATE=keep" in refused.stderr

    done = make(machine, "uninstall")
    assert done.returncode == 0, done.stderr
    assert state(machine, "edge@front")[0] == "inactive"
    assert machine.run("id", "edge").returncode != 0
    places = (
        "/opt/edge/* /usr/local/bin/edge /usr/local/lib/systemd /usr/local/share/edge /var/lib/edge /run/edge"
    )
    assert not machine.run("sh", "-c", f"ls -d {places} /etc/systemd/system/*.wants/edge*").stdout
    assert machine.run("ls", "/etc/edge").stdout.split() == ["edge.yaml", "front.yaml"]
