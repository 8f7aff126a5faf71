"""What people should know of a gallery, a sentence each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.recognize.faces.gallery_file import Entry, aside_names

NAMED = 5
"""People that a remark names."""


def remarks(path: Path | None, trouble: str | None, entries: Iterable[Entry], strange: int) -> Iterator[str]:
    """Of the gallery in the file ``path``. ``trouble``: why it cannot be read; ``strange``: rows that are no
    faces."""
    if trouble:
        yield trouble
    aside = [name for name in aside_names(path) if name.exists()] if path else []
    if aside:
        yield (
            f"{aside[-1]}: a gallery that could not be used, damaged or of a newer version, was set aside "
            "here; it still holds people: remove it, or bring it back with the version that wrote it"
        )
    again = [entry.name for entry in entries if entry.others and not entry.looks]
    if again:
        more = f" and {len(again) - NAMED} more" if len(again) > NAMED else ""
        yield f"enrol again: {', '.join(again[:NAMED])}{more}; they are known by another face embedder only"
    if strange:
        yield f"the gallery has {strange} rows that are no faces; they are left out"
