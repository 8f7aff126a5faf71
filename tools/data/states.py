"""Whether what the tools read is there, whole and unchanged: files by their checksums, folders of photographs
by their labels, fonts by their packages."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import cv2

from tools.data.files import Source, checksum
from tools.data.sets import SOURCES

FONTS = Path(__file__).parents[1] / "ink" / "fonts.txt"
"""The Debian packages that type is drawn from, a line each; ``#`` begins a comment."""


@dataclass(frozen=True, slots=True)
class Photographs:
    """A folder of pictures with a ``labels.json`` that names them, read for reports only."""

    path: str
    origin: str


_METERS = "a choice, mostly of github.com/haverland/Tenth-of-step-of-a-meter-digit"
PHOTOGRAPHS = (
    Photographs(
        "digits/scenes/dev",
        "not published as a set; python -m tools.compose draws others",
    ),
    Photographs("digits/meters/roller/dev", _METERS),
    Photographs("digits/meters/sevenseg/dev", _METERS),
)


class State(NamedTuple):
    """How something was found."""

    word: Literal["ok", "missing", "damaged", "incomplete", "unknown"]
    remedy: str = ""
    """What is wrong, where that is not plain, and where the thing is usually had."""
    fails: bool = False
    """Whether the check fails by it; what only some reports need may be missing."""


def states(root: Path) -> Iterator[tuple[str, State]]:
    """Everything under ``root`` (it holds ``digits/``) by its path, then the fonts, one after the other."""
    for source in SOURCES:
        yield source.path, _file(root, source)
    for folder in PHOTOGRAPHS:
        yield folder.path, _photographs(root, folder)
    yield "fonts", _fonts(FONTS)


COUNT = len(SOURCES) + len(PHOTOGRAPHS) + 1
"""How many ``states`` gives."""


def _file(root: Path, source: Source) -> State:
    path = root / source.path
    if not path.is_file():
        return State("missing", source.origin, fails=True)
    if checksum(path) != source.md5:
        return State("damaged", f"not the published file; {source.origin}", fails=True)
    return State("ok")


def _photographs(root: Path, folder: Photographs) -> State:
    file = root / folder.path / "labels.json"
    if not file.is_file():
        return State("missing", f"only for reports; {folder.origin}")
    try:
        labels = json.loads(file.read_bytes())
    except (OSError, ValueError):
        labels = None
    if not isinstance(labels, dict) or not labels:
        return State("damaged", "its labels.json is no object of pictures", fails=True)
    lacking = [name for name in labels if not _is_picture(file.parent / name)]
    if lacking:
        told = f"{len(lacking)} of {len(labels)} pictures cannot be read, as {lacking[0]}"
        return State("damaged", f"{told}; {folder.origin}", fails=True)
    return State("ok")


def _is_picture(file: Path) -> bool:
    return file.is_file() and cv2.imread(str(file), cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None


def _fonts(listing: Path) -> State:
    lister = shutil.which("dpkg-query")
    if lister is None:
        return State("unknown", f"no Debian here: install the families of {listing.name} another way")
    show = [lister, "--show", "--showformat", "${Package} ${db:Status-Status}\n"]
    said = subprocess.run(show, capture_output=True, text=True, check=False).stdout
    there = {line.partition(" ")[0] for line in said.splitlines() if line.endswith(" installed")}
    wanted = {line for line in listing.read_text("utf-8").split("\n") if line and not line.startswith("#")}
    lacking = wanted - there
    if not lacking:
        return State("ok")
    remedy = "as root: tools/environment fonts (a release of Debian may lack some)"
    told = f"{len(lacking)} of {len(wanted)} packages are not there; {remedy}"
    return State("missing" if lacking == wanted else "incomplete", told)
