"""The compiled requirements: every dependency of pyproject.toml, pinned once, with hashes, for
every Python and machine, and nothing of the machine that compiled them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tools" / "requirements"
PROJECT = ROOT / "pyproject.toml"
PROFILES = {
    "device": (),
    "demo": ("demo",),
    "tools": ("tools",),
    "dev": ("demo", "tools", "dev"),
    "train": ("tools", "train"),
    "oldest": ("demo",),
}
"""Profile and the extras of pyproject.toml that it holds."""
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
CHOSEN_BY_THE_MACHINE = {"torch"}

PIN = re.compile(
    r"^(?P<requirement>[A-Za-z0-9][^\\\n]*==[^\\\n]*?) \\\n(?P<hashes>(?:    --hash=.*\n)+)", re.MULTILINE
)


def pins(text: str) -> list[Requirement]:
    """The pinned requirements of a compiled file, those with at least one sha256."""
    return [Requirement(match["requirement"]) for match in PIN.finditer(text) if "sha256:" in match["hashes"]]


def unpinned(text: str) -> list[str]:
    """Lines of a compiled file that are neither a pin with hashes nor a comment."""
    rest = PIN.sub("", text)
    return [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def environment(python: str, machine: str) -> dict[str, str]:
    """The marker environment of a Python on Linux."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
    }


def declared(name: str) -> list[Requirement]:
    """The requirements of a list of pyproject.toml: ``dependencies``, or the name of an extra."""
    found = re.search(rf"^{name} = \[\n(.*?)^\]", PROJECT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found, f"pyproject.toml has no list {name}"
    return [Requirement(text) for text in re.findall(r'^  "([^"]+)"', found[1], re.MULTILINE)]


def versions(profile: str, python: str, machine: str) -> dict[str, set[str]]:
    """What a profile pins for a Python on a machine: name and version, or versions where it is wrong."""
    here = environment(python, machine)
    found: dict[str, set[str]] = {}
    for pin in pins((FOLDER / f"{profile}.txt").read_text("utf-8")):
        if not pin.marker or pin.marker.evaluate(here):
            (pinned,) = pin.specifier
            found.setdefault(canonicalize_name(pin.name), set()).add(pinned.version)
    return found


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_dependency_is_pinned_once_and_fits(profile: str, python: str, machine: str) -> None:
    found = versions(profile, python, machine)
    assert not {name: pinned for name, pinned in found.items() if len(pinned) > 1}
    for item in [item for extra in ("dependencies", *PROFILES[profile]) for item in declared(extra)]:
        if item.name not in CHOSEN_BY_THE_MACHINE:
            assert canonicalize_name(item.name) in found, f"{item.name} is not in {profile}.txt"
            (version,) = found[canonicalize_name(item.name)]
            assert item.specifier.contains(version), f"{item.name} {version} is not {item.specifier}"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_a_file_holds_pins_with_hashes_and_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert pins(text)
    assert unpinned(text) == []
    assert not re.findall(
        r"--(?:index-url|extra-index-url|find-links|trusted-host)|\w+://|(?<!\w)/\w+/", text
    )


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("profile", ["device", "demo", "tools"])
def test_one_environment_can_hold_all_but_training(profile: str, python: str) -> None:
    everything = versions("dev", python, "x86_64")
    part = versions(profile, python, "x86_64")
    assert len(part) > 10
    assert part.items() <= everything.items()


def test_the_lists_of_pyproject_are_read() -> None:
    assert {"numpy", "pydantic"} <= {item.name for item in declared("dependencies")}
    assert {"pytest"} <= {item.name for item in declared("dev")}


def test_a_pin_without_hashes_is_told() -> None:
    good = "six==1.17.0 \\\n    --hash=sha256:00\n    # via x\n"
    assert unpinned(good) == []
    assert [pin.name for pin in pins(good)] == ["six"]
    assert unpinned("six==1.17.0\n") == ["six==1.17.0"]
    assert unpinned("six>=1 \\\n    --hash=sha256:00\n")
