"""Where models are: a folder each, with a card in it, found by name.

Those that come with edge lie inside the package once it is installed, and beside it in a
checkout. A folder named in the settings is searched first, so that a device can bring its
own, also in place of one of ours.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from edge.errors import ModelError
from edge.infer.card import FILE_NAME
from edge.infer.settings import InferSettings

_PACKAGE = Path(__file__).parents[1]
_SIDE = re.compile(r"[1-9][0-9]{0,3}")


def built_in() -> Path:
    """The folder of the models that come with edge: in the installed package, else in the checkout."""
    installed = _PACKAGE / "_share" / "models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def parted(name: str) -> tuple[str, int | None]:
    """A model's name without the variant that it may ask for, and that: ``face-detector@320`` asks for the
    one whose longer side is 320 pixels."""
    base, _, side = name.rpartition("@")
    return (base, int(side)) if base and _SIDE.fullmatch(side) else (name, None)


def find(name: str, settings: InferSettings) -> Path:
    """The folder of the model ``name``; a name with a slash in it is a folder already.

    Raises ``ModelError``, with the names that there are, where it is not.
    """
    if "/" in name:
        folder = Path(os.path.expanduser(name))
        if not (folder / FILE_NAME).is_file():
            raise ModelError(f"{name}: is no model: {FILE_NAME} is not there", "name a model's folder")
        return folder
    for folder in _folders(settings):
        if folder.name == name:
            return folder
    there = ", ".join(sorted({folder.name for folder in _folders(settings)})) or "none"
    searched = " and ".join(str(root) for root in _roots(settings))
    raise ModelError(
        f"model {name!r}: is not in {searched}", f"there is: {there}; or name a folder, ./{name}"
    )


def installed(settings: InferSettings) -> list[Path]:
    """The folders of all models that a name can find, by name."""
    found: dict[str, Path] = {}
    for folder in _folders(settings):
        found.setdefault(folder.name, folder)
    return [found[name] for name in sorted(found)]


def _roots(settings: InferSettings) -> tuple[Path, ...]:
    own = (Path(os.path.expanduser(settings.models)),) if settings.models else ()
    return (*own, built_in())


def _folders(settings: InferSettings) -> Iterator[Path]:
    """Every folder with a card, those of the settings first."""
    for root in _roots(settings):
        try:
            yield from sorted(folder for folder in root.iterdir() if (folder / FILE_NAME).is_file())
        except OSError as error:
            raise ModelError(
                f"{root}: cannot be listed: {error.strerror or error}",
                "correct infer.models, or install edge again",
            ) from None
