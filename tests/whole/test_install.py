"""``make install`` into a folder: what lies where, and that nothing half replaces anything good."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from installing import ROOT, build_wheel, fetch_wheels, run

pytestmark = pytest.mark.timeout(600)

MAKE = ("make", "--no-print-directory")


@dataclass(frozen=True)
class Site:
    """A folder that stands for ``/``, and what is installed from."""

    root: Path
    wheels: Path

    def install(self, wheel: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """``make install``."""
        where = {"DESTDIR": str(self.root), "EDGE_WHEELS": str(self.wheels), **environment}
        return run(*MAKE, "install", WHEEL=str(wheel), **where)

    @property
    def current(self) -> Path:
        """The environment that the service would run in."""
        return self.root / "opt/edge/current"

    def edge(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """The command of that environment."""
        return run(self.current / "bin/python", "-I", "-m", "edge", *arguments)

    def environments(self) -> set[str]:
        """The names of all environments."""
        return {path.name for path in (self.root / "opt/edge").iterdir() if not path.is_symlink()}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, in a folder."""
    return fetch_wheels(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, wheels: Path, wheel: Path) -> Site:
    """An installation. Tests of this module share it, in their order, and leave it working."""
    site = Site(tmp_path_factory.mktemp("site"), wheels)
    done = site.install(wheel)
    assert done.returncode == 0, done.stderr
    return site


def texts(folder: Path) -> dict[Path, str]:
    """The files below a folder that are text and not of a package, by their path."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and "site-packages" not in path.parts:
            data = path.read_bytes()
            if b"\0" not in data:
                found[path.relative_to(folder)] = data.decode("utf-8")
    return found


@pytest.mark.slow
def test_everything_is_in_its_place(site: Site) -> None:
    root, local = site.root, site.root / "usr/local"
    assert os.readlink(local / "bin/edge") == "/opt/edge/current/bin/edge"
    assert os.readlink(site.current) in site.environments()
    for unit in ("edge.service", "edge@.service"):
        assert "ExecStart=/opt/edge/current/bin/edge run" in (local / "lib/systemd/system" / unit).read_text()
    assert (local / "lib/sysusers.d/edge.conf").read_bytes() == (ROOT / "systemd/edge.sysusers").read_bytes()
    assert (root / "etc/edge/edge.yaml").read_bytes() == (ROOT / "config/edge.yaml").read_bytes()
    assert {path.name for path in (local / "share/edge/drop-ins").iterdir()} == {
        path.name for path in (ROOT / "systemd/drop-ins").iterdir()
    }
    assert {path.name for path in root.iterdir()} == {"etc", "opt", "usr"}
    # Nobody but root may change any of it, whatever umask it was installed with.
    assert not [path for path in root.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o022]


@pytest.mark.slow
def test_nothing_inside_knows_where_it_was_made(site: Site) -> None:
    assert not [path for path, text in texts(site.root).items() if str(site.root) in text]
    script = (site.current / "bin/edge").read_text().splitlines()[0]
    assert re.fullmatch(r"#!/opt/edge/[^/]+/bin/python -I", script)


@pytest.mark.slow
def test_it_runs_and_reads(site: Site, tmp_path: Path) -> None:
    assert site.edge("--version").stdout.startswith("edge ")
    paper = np.full((240, 480, 3), 235, np.uint8)
    cv2.putText(paper, "4 7 1", (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 3.0, (40, 40, 40), 9, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "paper.png"), paper)
    read = site.edge("recognize", tmp_path / "paper.png", "--json")
    assert read.returncode == 0, read.stderr
    assert sorted(re.findall(r'"digit": (\d)', read.stdout)) == ["1", "4", "7"]


@pytest.mark.slow
def test_again_changes_nothing_and_settings_are_the_sites(site: Site, wheel: Path) -> None:
    settings = site.root / "etc/edge/edge.yaml"
    settings.write_text("device: {name: mine}\n")
    before = {path: path.lstat().st_mtime_ns for path in (site.root / "opt").rglob("*")}
    done = site.install(wheel)
    assert done.returncode == 0, done.stderr
    assert "is there already and works" in done.stderr
    assert {path: path.lstat().st_mtime_ns for path in (site.root / "opt").rglob("*")} == before
    assert settings.read_text() == "device: {name: mine}\n"
    assert (site.root / "usr/local/share/edge/edge.yaml").read_bytes() == (
        ROOT / "config/edge.yaml"
    ).read_bytes()


@pytest.mark.slow
def test_what_cannot_be_made_leaves_what_is_there(site: Site, tmp_path: Path) -> None:
    newer = build_wheel(tmp_path, "0.98.0")
    before = os.readlink(site.current), site.environments()
    (tmp_path / "empty").mkdir()
    done = site.install(newer, EDGE_WHEELS=str(tmp_path / "empty"))
    assert done.returncode != 0
    assert "make wheels" in done.stderr
    assert "nothing was changed" in done.stderr
    broken = tmp_path / "broken" / newer.name
    broken.parent.mkdir()
    broken.write_bytes(newer.read_bytes()[:-1000])
    assert site.install(broken).returncode != 0
    assert (os.readlink(site.current), site.environments()) == before
    assert site.edge("--version").returncode == 0


@pytest.mark.slow
def test_killed_in_the_middle_the_old_one_stands_and_the_next_attempt_succeeds(
    site: Site, tmp_path: Path
) -> None:
    newer = build_wheel(tmp_path, "0.99.0")
    before = os.readlink(site.current)
    environment = {
        **os.environ,
        "DESTDIR": str(site.root),
        "EDGE_WHEELS": str(site.wheels),
        "WHEEL": str(newer),
    }
    process = subprocess.Popen(
        [*MAKE, "install"], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + 60
    while not any((site.root / "opt/edge").glob("0.99.0-*/lib/python3*/site-packages/numpy")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert os.readlink(site.current) == before
    assert "0.99.0" not in site.edge("--version").stdout

    done = site.install(newer)
    assert done.returncode == 0, done.stderr
    assert site.edge("--version").stdout == "edge 0.99.0\n"
    # The one before is kept: a service that runs imports from it until it is restarted.
    assert site.environments() == {before, os.readlink(site.current)}


@pytest.mark.slow
def test_uninstalled_only_the_settings_remain(site: Site) -> None:
    state = site.root / "var/lib/edge/edge"
    state.mkdir(parents=True)
    (state / "outbox.db").write_text("")
    enabled = site.root / "etc/systemd/system/multi-user.target.wants"
    enabled.mkdir(parents=True)
    for name in ("edge.service", "edge@front.service", "other.service"):
        (enabled / name).symlink_to(f"/usr/local/lib/systemd/system/{name}")
    kept = run(*MAKE, "uninstall", DESTDIR=str(site.root), STATE="keep")
    assert kept.returncode == 0, kept.stderr
    assert (state / "outbox.db").exists()
    done = run(*MAKE, "uninstall", DESTDIR=str(site.root))
    assert done.returncode == 0, done.stderr
    left = {
        str(path.relative_to(site.root))
        for path in site.root.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }
    assert left == {"etc/edge/edge.yaml", "etc/systemd/system/multi-user.target.wants/other.service"}


def told(done: subprocess.CompletedProcess[str]) -> str:
    """What a person reads, of a call that failed, without the line that make adds."""
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert all(line.startswith("edge: ") for line in lines), done.stderr
    return " ".join(lines)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("308 64 x86_64 True", ("Python 3.10 to 3.13", "is 3.8")),
        ("314 64 aarch64 True", ("Python 3.10 to 3.13", "is 3.14")),
        ("311 32 armv7l True", ("32-bit", "64-bit image")),
        ("311 32 aarch64 True", ("32-bit",)),
        ("311 64 riscv64 True", ("riscv64", "aarch64 only")),
        ("311 64 aarch64 False", ("python3-venv",)),
        ("", ("Python 3.10 to 3.13", "PYTHON=")),
    ],
)
def test_a_machine_that_cannot_is_told_why(tmp_path: Path, answer: str, words: tuple[str, ...]) -> None:
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\necho {answer}\n")
    python.chmod(0o755)
    site = tmp_path / "site"
    said = told(run(*MAKE, "install", DESTDIR=str(site), PYTHON=str(python)))
    assert all(word in said for word in words), said
    assert not [path for path in site.rglob("*") if path.is_file()]


def test_a_full_card_is_told_before_anything_is_written(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "df").write_text("#!/bin/sh\necho Avail; echo 123\n")
    (tools / "df").chmod(0o755)
    site = tmp_path / "site"
    path = f"{tools}:{os.environ['PATH']}"
    said = told(run(*MAKE, "install", DESTDIR=str(site), PATH=path, PYTHON="/usr/bin/python3"))
    assert "123 MB left" in said
    assert not [path for path in site.rglob("*") if path.is_file()]


@pytest.mark.parametrize("target", ["install", "uninstall"])
def test_without_root_it_says_how(target: str) -> None:
    # As nobody, whoever runs the tests: root would go on and do it.
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
    assert "sudo make" in told(run(*nobody, ROOT / "tools/install" / target))


def test_a_relative_prefix_is_refused(tmp_path: Path) -> None:
    assert "must begin with /" in told(run(*MAKE, "install", DESTDIR=str(tmp_path), PREFIX="usr"))


def test_scripts_are_clean() -> None:
    assert shutil.which("shellcheck"), (
        "shellcheck is not installed (Debian: shellcheck); `make system` installs it"
    )
    shebang = re.compile(rb"#!(/usr/bin/env bash|/bin/(ba)?sh)\n")
    tools = [
        path for path in (ROOT / "tools").rglob("*") if path.is_file() and shebang.match(path.read_bytes())
    ]
    assert len(tools) > 10
    done = run("shellcheck", ROOT / ".ci/run", *tools)
    assert done.returncode == 0, done.stdout
