"""Where the data lies, and whether a file is the one that is meant."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from edge.errors import ConfigError, InputError

DEFAULT = Path(__file__).parents[2].parent / "shared"
"""Beside the checkout; ``EDGE_SHARED`` names another place."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a data set: its place under the data folder, its md5, and where it is usually had."""

    path: str
    md5: str
    origin: str


def data_folder(folder: str | Path | None = None) -> Path:
    """The folder that holds ``digits/``: ``folder``, else ``$EDGE_SHARED/data``, else beside the checkout.

    ``folder`` may also be the ``digits`` folder itself. Raises ConfigError where there is none.
    """
    place = Path(folder) if folder else Path(os.environ.get("EDGE_SHARED", DEFAULT)) / "data"
    if place.name == "digits" and place.is_dir():
        place = place.parent
    if not (place / "digits").is_dir():
        raise ConfigError(
            f"no data sets in {place}", "give --data FOLDER (it holds digits/), or set EDGE_SHARED"
        )
    return place


def verified(root: Path, source: Source) -> Path:
    """The path of ``source`` under ``root``.

    Raises InputError where it is missing, or has another checksum than the published file.
    """
    path = root / source.path
    if not path.is_file():
        raise InputError(f"{path} is missing", f"it is usually had from {source.origin}")
    found = checksum(path)
    if found != source.md5:
        raise InputError(
            f"{path} is damaged or another file (md5 {found}, should be {source.md5})",
            f"it is usually had from {source.origin}",
        )
    return path


def checksum(path: Path) -> str:
    """The md5 of a file, in hex."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
