"""Pictures of a tar or of a folder, read one by one and never unpacked onto the disk."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath

from edge.errors import InputError
from edge.pictures.decode import PictureError, decoded
from edge.pictures.header import SUFFIXES
from edge.records import Image

MAX_PIXELS = 40_000_000
"""Of one picture: more is no photograph of these sets, and would take 120 MB."""
MAX_BYTES = 64 * 1024 * 1024
"""Of one file: what is larger is not read."""
MAX_FILES = 100_000
"""Of one tar or folder, so that a list of empty names does not fill the memory."""

Read = Callable[[], bytes]


class Pictures(Mapping[str, Image]):
    """Pictures by file name, (H, W, 3) uint8 BGR; each access reads and decodes anew.

    Raises ``InputError`` at the access of one that is missing, too large or damaged.
    """

    def __init__(self, source: Path, readers: Mapping[str, Read]) -> None:
        self.source = source
        self._readers = readers

    def __getitem__(self, name: str) -> Image:
        if name not in self._readers:
            raise InputError(
                f"{self.source}: {name} is not in it", "pictures and labels must belong together"
            )
        try:
            return decoded(self._readers[name](), MAX_PIXELS)
        except PictureError as error:
            raise InputError(f"{self.source}: {name}: {error.message}", error.hint) from None
        except (OSError, tarfile.TarError) as error:
            raise InputError(f"{self.source}: {name} cannot be read: {error}", "copy it again") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)

    def __contains__(self, name: object) -> bool:
        return name in self._readers


def open_pictures(path: Path) -> Pictures:
    """The pictures of an uncompressed tar, or of a folder and those below it, in order of their names.

    Raises ``InputError`` where there are none, where it is neither, and where a tar names a file with a path
    that leads out of it: nothing is unpacked, but who writes such names may be wrong about more.
    """
    try:
        readers = _of_folder(path) if path.is_dir() else _of_tar(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder", "name a tar or a folder of pictures") from None
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(
            f"{path}: cannot be read as a tar: {error}", "name a tar that is not compressed"
        ) from None
    if not readers:
        raise InputError(f"{path}: holds no pictures", "name a tar or a folder of JPEG or PNG files")
    return Pictures(path, dict(sorted(readers.items())))


def _of_folder(folder: Path) -> dict[str, Read]:
    readers: dict[str, Read] = {}
    for file in folder.rglob("*"):
        if file.suffix.lower() in SUFFIXES and file.is_file():
            readers[file.relative_to(folder).as_posix()] = partial(_content, file)
            _bounded(len(readers), folder)
    return readers


def _of_tar(path: Path) -> dict[str, Read]:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: neither a file nor a folder", "name a tar or a folder of pictures")
    readers: dict[str, Read] = {}
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            if member.isdir():
                continue
            _judge(path, member)
            if PurePosixPath(member.name).suffix.lower() in SUFFIXES:
                readers[member.name] = partial(_part, path, member.offset_data, member.size)
                _bounded(len(readers), path)
    return readers


def _judge(path: Path, member: tarfile.TarInfo) -> None:
    name = PurePosixPath(member.name)
    if not member.isfile() or member.issparse():
        raise InputError(f"{path}: {member.name!r} is no plain file", "a tar of plain files is needed")
    if name.is_absolute() or ".." in name.parts or not member.name.isprintable():
        raise InputError(
            f"{path}: {member.name!r} leads out of the tar", "a tar of plain file names is needed"
        )
    if member.size > MAX_BYTES:
        raise InputError(f"{path}: {member.name} has {member.size} bytes", f"allowed: {MAX_BYTES}")


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise PictureError(f"more than {MAX_BYTES} bytes", "no picture is so large")
    return content


def _part(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(offset)
        return stream.read(size)


def _bounded(count: int, path: Path) -> None:
    if count > MAX_FILES:
        raise InputError(f"{path}: more than {MAX_FILES} pictures", "judge a part of them")
