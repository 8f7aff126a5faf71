"""Whose pictures and videos there are: files of one person, or a folder with one of each person in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.capture.settings import CameraSettings
from edge.capture.source import open_source
from edge.capture.stills import at, picture_files, read_picture
from edge.clock import SystemClock
from edge.errors import InputError, UnavailableError, UsageError
from edge.pictures.header import SUFFIXES, foreign
from edge.recognize.faces.names import BadNameError, checked_name
from edge.records import Image

MOST_FILES = 500
"""Files of one person in a call: the gallery keeps a few embeddings of each, whatever more is given."""

MOST_PEOPLE = 10_000
"""Folders that are looked at in a call: as many people as a gallery can hold."""

LOOKED_AT = 120
"""Frames of a video that are looked at."""

RATE = 2.0
"""Of so many in a second of it: those between them show the same."""

VIDEOS = frozenset((".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".3gp"))

_FOLDER = "allowed: a folder that holds one for each person"


@dataclass(frozen=True, slots=True)
class Given:
    """A person's name as it was given, and the files. ``wrong``: what is no file, each with its error."""

    name: str
    files: tuple[Path, ...]
    wrong: tuple[InputError, ...] = ()


def of_files(name: str, arguments: Sequence[str]) -> Given:
    """The pictures and videos that files, folders and globs name. Raises ``UsageError``."""
    files: dict[Path, None] = {}
    wrong = []
    for argument in arguments:
        try:
            found = _in_folder(at(argument)) if at(argument).is_dir() else picture_files(argument)
        except InputError as error:
            wrong.append(error)
            continue
        except (OSError, ValueError) as error:
            wrong.append(InputError(f"{argument}: cannot be read: {error}", "check the path"))
            continue
        files.update(dict.fromkeys(found))
    if len(files) > MOST_FILES:
        raise UsageError(f"{len(files)} files of {name}", f"allowed: {MOST_FILES}; a few good ones do")
    return Given(name, tuple(files), tuple(wrong))


def of_folder(folder: str) -> list[Given]:
    """A person for each folder in ``folder``, which is called so. Raises ``UsageError``."""
    path = at(folder)
    if not folder:
        raise UsageError("--folder without a name", _FOLDER)
    try:
        inside = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--folder {folder}: {reason}", _FOLDER) from None
    if not inside:
        raise UsageError(f"--folder {folder}: no folders in it", _FOLDER)
    if len(inside) > MOST_PEOPLE:
        raise UsageError(f"--folder {folder}: {len(inside)} folders", f"allowed: {MOST_PEOPLE}")
    return [_person(each) for each in inside]


def is_video(file: Path) -> bool:
    """Whether this is a video, by its first bytes."""
    try:
        if not file.is_file():
            return False  # a pipe would have us wait for somebody to write
        with file.open("rb") as stream:
            return (foreign(stream.read(256)) or "").startswith("a video")
    except (OSError, ValueError):
        return False  # whoever reads it says why


def picture(file: Path, max_pixels: int) -> Image:
    """(H, W, 3) BGR. Raises ``InputError``."""
    return read_picture(file, max_pixels)


def frames(file: Path) -> Iterator[Image]:
    """Frames of a video, evenly over its first minute, (H, W, 3) BGR each. Raises ``InputError``."""
    source = open_source(CameraSettings(source=str(file.absolute()), realtime=False), SystemClock())
    try:
        source.open()
        step = max(round(source.rate / RATE), 1)
        for number in range(step * LOOKED_AT):
            frame = source.read()
            if frame is None:
                return
            if number % step == 0:
                yield frame.image
    except UnavailableError as error:
        raise InputError(error.message, error.hint) from None
    finally:
        source.close()


def _person(folder: Path) -> Given:
    try:
        name = checked_name(folder.name)
    except BadNameError as error:
        return Given(folder.name, (), (InputError(f"{folder}: {error.message}", error.hint),))
    try:
        return of_files(name, [str(folder)])
    except UsageError as error:
        return Given(name, (), (InputError(f"{folder}: {error.message}", error.hint),))


def _in_folder(folder: Path) -> list[Path]:
    """Pictures and videos of a folder. Raises ``InputError`` where there are none."""
    found = sorted(
        each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES | VIDEOS and each.is_file()
    )
    if not found:
        raise InputError(f"{folder}: no pictures and no videos in this folder", "allowed: JPEG, PNG, MP4, …")
    return found
