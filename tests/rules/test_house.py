"""How the repository looks: short modules named by nouns, documented, and speaking of itself only."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 350
"""Lines of a module; more is two purposes in one file."""
HEAVIEST = 1_500_000
"""Bytes of a file outside models/."""

EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|common|stuff|core)(_|$)")
"""Names that say nothing of what is inside."""

SECRET_FILES = re.compile(
    r"(\.(pem|key|p12|pfx|jks|kdbx)|(^|/)(id_[a-z0-9]+|\.env|\.netrc|\.pypirc|credentials))$"
)

FOREIGN = {
    "a path of one machine": re.compile(r"(?<![\w.~$}-])/(work|root|home/\w+|Users|opt/pypi|opt/wheels)/"),
    "the address of a package registry": re.compile(
        r"\b(pypi\.org|pythonhosted\.org|npmjs\.(org|com)|deb\.debian\.org|crates\.io)\b"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a token": re.compile(r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[bp]-[0-9A-Za-z-]{10,})\b"),
}
"""What no file of the project holds."""


def tracked() -> list[Path]:
    """The files of the project: those that git has, or would take."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in done.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def python_files(*folders: str) -> list[Path]:
    """The modules below these folders."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def house_problems(name: str, source: str) -> list[str]:
    """What is wrong with the look of a module of edge/ or tools/."""
    found = []
    lines = source.count("\n")
    if lines > LONGEST:
        found.append(f"{name}: {lines} lines; two purposes in one file?")
    if EMPTY_NAMES.search(Path(name).stem):
        found.append(f"{name}: the name says nothing; call it by a noun of the field")
    if source.strip() and not ast.get_docstring(ast.parse(source)):
        found.append(f"{name}: no docstring that says what it is for")
    if "import annotations" not in source and re.search(r"^(def|class) ", source, re.MULTILINE):
        found.append(f"{name}: no `from __future__ import annotations`")
    return found


def foreign_words(name: str, text: str) -> list[str]:
    """What a file holds that is not of this project."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group()}"
        for what, pattern in FOREIGN.items()
        for match in pattern.finditer(text)
    ]


def test_modules_are_short_named_and_documented() -> None:
    found = [
        line
        for path in python_files("edge", "tools")
        for line in house_problems(str(path.relative_to(ROOT)), path.read_text("utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


def test_tests_are_short_too() -> None:
    long = {str(path): path.read_text("utf-8").count("\n") for path in python_files("tests")}
    assert not {path: lines for path, lines in long.items() if lines > LONGEST}


def test_files_speak_of_the_project_only() -> None:
    found = []
    for path in tracked():
        if path == Path(__file__) or path.stat().st_size > HEAVIEST:
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            found += foreign_words(str(path.relative_to(ROOT)), data.decode("utf-8"))
    assert not found, "\n" + "\n".join(found)


def test_no_file_looks_like_a_secret() -> None:
    assert not [path for path in tracked() if SECRET_FILES.search(path.relative_to(ROOT).as_posix())]


def test_only_models_are_heavy() -> None:
    files = [path for path in tracked() if path.relative_to(ROOT).parts[0] != "models"]
    assert ROOT / "pyproject.toml" in files
    assert not {str(path): path.stat().st_size for path in files if path.stat().st_size > HEAVIEST}


@pytest.mark.parametrize(
    ("name", "source", "told"),
    [
        ("edge/long.py", '"""Doc."""\n' + "x = 1\n" * LONGEST, "two purposes"),
        ("edge/image_utils.py", '"""Doc."""\n', "says nothing"),
        ("edge/manager.py", '"""Doc."""\n', "says nothing"),
        ("edge/slot.py", "x = 1\n", "no docstring"),
        ("edge/slot.py", '"""Doc."""\ndef f(): ...\n', "import annotations"),
    ],
)
def test_an_ugly_module_is_told(name: str, source: str, told: str) -> None:
    (found,) = house_problems(name, source)
    assert told in found


def test_a_good_module_is_not_told() -> None:
    assert (
        house_problems("edge/slot.py", '"""The slot."""\n\nfrom __future__ import annotations\n\nx = 1\n')
        == []
    )


WORK, ROOTS = "work", "root"
"""Put together below, or this file would hold what it forbids."""


@pytest.mark.parametrize(
    "text",
    [
        f"cd /{WORK}/checkout",
        "the file " + "/home/someone/x",
        f"open('/{ROOTS}/x')",
        "--index-url https://pypi.org/simple",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIA" + "A" * 16,
    ],
)
def test_a_foreign_word_is_told(text: str) -> None:
    (found,) = foreign_words("x", "first line\n" + text)
    assert found.startswith("x:2: ")


@pytest.mark.parametrize(
    "text", [f"~/{WORK}/x", f"$HOME/{ROOTS}/", "/var/lib/edge", "/homes/", f"data/{WORK}/"]
)
def test_an_ordinary_path_is_not_told(text: str) -> None:
    assert foreign_words("x", text) == []


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("a/broker.key", True),
        ("id_ed25519", True),
        (".env", True),
        ("docs/security.md", False),
        ("key.py", False),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, secret: bool) -> None:
    assert bool(SECRET_FILES.search(name)) is secret
