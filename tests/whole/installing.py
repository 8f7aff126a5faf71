"""What an installation is made from: a wheel of this checkout, newer ones, and its packages in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a tool of the checkout, with these variables and without those of the caller's."""
    theirs = {
        key: value for key, value in os.environ.items() if key not in ("DESTDIR", "PREFIX", "PYTHON", "WHEEL")
    }
    return subprocess.run(
        list(map(str, command)), cwd=ROOT, env={**theirs, **environment}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


def build_wheel(folder: Path, version: str | None = None) -> Path:
    """The wheel of this checkout, or of one that only differs in its version."""
    source = ROOT
    if version:
        source = folder / f"source-{version}"
        for name in ("edge", "config", "models"):
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.pt"))
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, source)
        (source / "edge" / "__init__.py").write_text(f'"""edge."""\n\n__version__ = "{version}"\n', "utf-8")
    out = folder / f"wheel-{version}"
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    done = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


def fetch_wheels(folder: Path, python: str = "/usr/bin/python3") -> Path:
    """The packages of a device with that interpreter, fetched as `make wheels` does."""
    ask = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    version = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    out = folder / "wheels"
    done = run("tools/install/wheels", OUT=str(out), PYTHON=sys.executable, PYTHON_FOR=version)
    assert done.returncode == 0, done.stderr
    return out


def build_package(folder: Path, wheel: Path) -> Path:
    """The Debian package of a wheel."""
    done = run("tools/deb/build", OUT=str(folder), WHEEL=str(wheel))
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())
