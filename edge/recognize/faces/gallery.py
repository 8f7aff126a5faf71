"""Who is enrolled: embeddings of faces by name, on disk, and in memory as one matrix.

Embeddings only; pictures where the settings ask for them. What is forgotten is gone. A file that cannot be
used is set aside under another name, which is said and counted, and the service goes on without names.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import InputError, UnavailableError
from edge.recognize.faces.embedder import Maker
from edge.recognize.faces.gallery_file import Entry, GalleryFile, Look
from edge.recognize.faces.index import Index
from edge.recognize.faces.names import checked_name, key
from edge.recognize.faces.person import Limits, Person
from edge.recognize.faces.pruning import Pruning, stacked
from edge.recognize.faces.remarks import remarks
from edge.recognize.faces.similarity import Vectors, is_embedding

log = logging.getLogger("edge.recognize")

FILE = "gallery.db"
"""In the state folder."""

Kept = tuple[NDArray[np.float32], float]
"""An embedding (D,) and its quality."""

Added = Literal["added", "replaced", "duplicate"]
"""What became of an embedding: kept, kept in place of a worse one that is nearly the same, or not needed."""

_COUNTED = "people_refused pruned duplicates denied_dropped strange_rows set_aside gallery_errors"


class Gallery:
    """Owned by one thread, but for ``remarks`` and ``counters``. ``revision`` changes with every change."""

    def __init__(self, path: Path | None, maker: Maker, limits: Limits) -> None:
        """Use ``open``."""
        self.maker = maker
        self.limits = limits
        self.revision = 0
        self._file = GalleryFile(path, maker.sha256, maker.size)
        self._pruning = Pruning(limits.embeddings, limits.duplicate, maker.distance)
        self._entries: dict[str, Entry] = {}
        self._index: Index | None = None
        self._names: tuple[str, ...] = ()
        self._together = False
        self._remarks: tuple[str, ...] = ()
        self._trouble: str | None = None
        self._counts = dict.fromkeys(_COUNTED.split(), 0)

    @classmethod
    def open(cls, path: Path | None, maker: Maker, limits: Limits) -> Gallery:
        """The gallery in the file ``path``, which need not be there; None: in memory. Nothing in it raises.
        ``maker``: whose embeddings are compared; those of any other are kept, and left alone."""
        gallery = cls(path, maker, limits)
        gallery._read()
        return gallery

    @property
    def index(self) -> Index:
        """Everybody who can be recognised; made when it is asked for after a change."""
        if self._index is None:
            self._index = Index(list(self._entries.values()), self.maker.distance, self.maker.size)
        return self._index

    @property
    def names(self) -> tuple[str, ...]:
        """Of those who can be recognised. Any thread may ask."""
        return self._names

    def refresh(self) -> None:
        """Takes up what another process, or another part of this one, has changed."""
        if self._together:
            return
        try:
            changed = self._file.changed()
        except (sqlite3.Error, OSError):
            return  # locked or gone for the moment: what is known stays
        if changed:
            self._read()

    def people(self) -> tuple[Person, ...]:
        """Everybody, by name."""
        entries = sorted(self._entries.values(), key=lambda entry: key(entry.name))
        return tuple(self._person(entry) for entry in entries)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for somebody new."""
        return len(self._entries) >= self.limits.people

    def knows(self, name: str) -> bool:
        """Whether somebody is called so, however it is typed."""
        return key(name) in self._entries

    def person(self, name: str) -> Person | None:
        """Who is called so, however it is typed."""
        return self._person(self._entries[key(name)]) if self.knows(name) else None

    def embeddings(self, name: str) -> Vectors:
        """(N, D): those of a person that can be compared; none of somebody unknown."""
        return stacked(self._entries[key(name)].looks if self.knows(name) else (), self.maker.size)

    def contents(self) -> Iterator[tuple[str, list[Kept], list[Kept]]]:
        """By person: name, embeddings and denied ones, each with its quality, oldest first."""
        for entry in self._entries.values():
            if entry.looks:
                looks, denied = (
                    [(look.vector, look.quality) for look in part] for part in (entry.looks, entry.denied)
                )
                yield entry.name, looks, denied

    def best(self, embedding: Vectors, own: float = 1.0, common: float = 0.0) -> list[tuple[str, float]]:
        """Everybody who can be recognised with the similarity to ``embedding`` (D,) of the template or of the
        nearest embedding, best first, also whom it is said not to be; ``own``, ``common``: as ``freed``."""
        ranking = self.index.rank(embedding).freed(own, common)
        found = np.maximum(ranking.persons, ranking.nearest)
        return [(self.index.names[at], float(found[at])) for at in np.argsort(-found, kind="stable")]

    def pictures(self, name: str) -> list[bytes]:
        """JPEGs that are kept of somebody. Raises ``UnavailableError``."""
        entry = self._entries.get(key(name))
        try:
            return self._file.pictures(entry.key) if entry else []
        except (sqlite3.Error, OSError) as error:
            raise self._failed("read", error, "look at the disk") from None

    def remarks(self) -> Sequence[str]:
        """What people should know: troubles of the file, and who has to be enrolled again."""
        return self._remarks

    def counters(self) -> dict[str, int]:
        """Totals since it was opened."""
        return dict(self._counts)

    def add(
        self, name: str, embedding: NDArray[np.float32], quality: float, picture: bytes | None = None
    ) -> Added:
        """Enrols a look at somebody: ``embedding`` (D,), ``quality`` 0..1, ``picture``: a JPEG to keep.

        What was denied of the person and is nearly the same counts no longer. Raises ``InputError`` where it
        is refused, ``UnavailableError`` where the disk does not take it.
        """
        name, vector = checked_name(name), self._checked(embedding)
        self.refresh()
        entry = self._entries.get(key(name))
        if entry is None and self.is_full:
            self._counts["people_refused"] += 1
            raise InputError(
                f"{self.limits.people} people are enrolled, which is the most that is kept",
                "forget somebody, or raise faces.max_people",
            )
        looks = entry.looks if entry else []
        twin = self._pruning.twin(vector, looks)
        if twin is not None and quality <= twin.quality:
            self._counts["duplicates"] += 1
            return "duplicate"
        new = Look(0, vector, quality)
        surplus = [] if twin is not None else self._pruning.surplus([*looks, new])
        gone = [look for look in (*surplus, twin) if look is not None and look is not new]
        denied = [look for look in (entry.denied if entry else ()) if self._pruning.twin(vector, [look])]
        now = time.time()
        with self._writing() as file:
            if entry is None:
                entry = Entry(file.add_person(name, key(name), now), name, now)
            file.drop_looks([look.key for look in (*gone, *denied)])
            if new not in surplus:
                new.key = file.add_look(entry.key, vector, quality, denied=False, picture=picture)
        kept = [look for look in (*entry.looks, new) if look not in gone and look not in surplus]
        entry.looks, entry.denied = kept, [look for look in entry.denied if look not in denied]
        self._entries[key(name)] = entry
        self._counts["pruned"] += len(surplus)
        self._changed()
        return "duplicate" if new in surplus else "added" if twin is None else "replaced"

    def deny(self, name: str, embedding: NDArray[np.float32]) -> None:
        """From now on ``embedding`` (D,) is not that person; one that is nearly the same goes for it. Raises
        ``InputError`` where nobody has this name, ``UnavailableError`` where the disk does not take it."""
        vector = self._checked(embedding)
        self.refresh()
        entry = self._entries.get(key(name))
        if entry is None:
            raise InputError("nobody of this name is enrolled")
        twin = self._pruning.twin(vector, entry.denied)
        left = [look for look in entry.denied if look is not twin]
        dropped = max(len(left) + 1 - self.limits.denied, 0)
        kept = left[dropped:]
        with self._writing() as file:
            file.drop_looks([look.key for look in entry.denied if look not in kept])
            row = file.add_look(entry.key, vector, 1.0, denied=True, picture=None)
        entry.denied = [*kept, Look(row, vector, 1.0)]
        self._counts["denied_dropped"] += dropped
        self._changed()

    def forget(self, name: str) -> bool:
        """Forgets somebody, so that no trace is left in the file; False where nobody is called so.

        Raises ``UnavailableError`` where the disk does not do it.
        """
        self.refresh()
        entry = self._entries.get(key(name))
        if entry is None:
            return False
        with self._writing() as file:
            file.drop_person(entry.key)
        del self._entries[key(name)]
        self._changed()
        try:
            self._file.vacuum()
        except (sqlite3.Error, OSError) as error:
            hint = "the person is deleted, but traces may be left in the file: forget somebody again"
            raise self._failed("cleaned", error, hint) from None
        return True

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is added or denied within it is written at once, or nothing of it. Raises
        ``UnavailableError`` where the disk does not take it."""
        self.refresh()
        before = {name: copy(entry) for name, entry in self._entries.items()}
        try:
            with self._writing():
                self._together = True
                yield
        except BaseException:
            self._entries = before
            raise
        finally:
            self._together = False
            self._changed()

    def close(self) -> None:
        """Ends the use of the file."""
        self._file.close()

    def _person(self, entry: Entry) -> Person:
        return Person(
            entry.name,
            len(entry.looks),
            len(entry.denied),
            self.index.spreads[entry.name] if len(entry.looks) > 1 else None,
            datetime.fromtimestamp(min(max(entry.since, 0.0), 4e9), timezone.utc),
            bool(entry.looks),
        )

    def _read(self) -> None:
        """Everything anew from the file."""
        entries, self._trouble, aside = self._file.read_in_any_case()
        self._counts["set_aside"] += aside
        self._counts["gallery_errors"] += aside or self._trouble is not None
        self._counts["strange_rows"] += self._file.strange
        if entries is not None:  # else what is known stays
            self._entries = {key(entry.name): entry for entry in entries}
        self._changed()

    def _changed(self) -> None:
        self._index = None
        if self._together:  # all of it is looked at once, at the end
            return
        self._names = tuple(entry.name for entry in self._entries.values() if entry.looks)
        self.revision += 1
        said = tuple(remarks(self._file.path, self._trouble, self._entries.values(), self._file.strange))
        for remark in said:
            if remark not in self._remarks:
                log.warning("%s", remark)
        self._remarks = said

    @contextmanager
    def _writing(self) -> Iterator[GalleryFile]:
        if self._together:
            yield self._file
            return
        try:
            with self._file.writing():
                yield self._file
        except (sqlite3.Error, OSError) as error:
            raise self._failed("written", error, "nothing was changed; look at the disk") from None

    def _failed(self, verb: str, error: Exception, hint: str) -> UnavailableError:
        self._counts["gallery_errors"] += 1
        return UnavailableError(f"{self._file.path or 'the gallery'}: cannot be {verb}: {error}", hint)

    def _checked(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        vector = np.asarray(embedding, np.float32)
        if vector.shape == (self.maker.size,) and is_embedding(vector):
            return vector
        raise InputError(f"no embedding: {self.maker.size} finite numbers are needed, not all 0")
