"""Pictures as frames: one file, the files of a folder, or those that a glob finds."""

from __future__ import annotations

import glob
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from edge.capture.plain import Plain
from edge.capture.settings import MAX_PIXELS, CameraSettings
from edge.capture.stamp import Stamp
from edge.clock import Clock
from edge.errors import InputError, UnavailableError
from edge.pictures.decode import BYTES_PER_PIXEL, PictureError, TooManyPixelsError, decoded
from edge.pictures.header import FORMATS, SUFFIXES, read_header
from edge.records import Frame, Image

log = logging.getLogger("edge.capture")


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Image:
    """The picture of a file as (H, W, 3) uint8 BGR, upright by its EXIF data, on white where transparent.

    Raises ``InputError`` for everything else: missing, empty, truncated, no picture, too large, animated.
    """
    try:
        return decoded(_content(path, max_pixels), max_pixels)
    except TooManyPixelsError as error:
        raise InputError(f"{path}: {error.message}", "make it smaller, or raise camera.max_pixels") from None
    except PictureError as error:
        raise InputError(f"{path}: {error.message}", error.hint) from None


def picture_files(text: str) -> list[Path]:
    """The files that a file, folder or glob names, ``frame2`` before ``frame10``. Raises ``InputError``."""
    try:
        return _named(text)
    except (OSError, ValueError) as error:  # a name too long, or with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{text}: cannot be read: {reason}", "check the path") from None


def _named(text: str) -> list[Path]:
    path = at(text)
    if not text:
        raise InputError("an empty name of a file", "check the path")
    if path.is_dir():
        found = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file()]
        what = f"{path}: no pictures in this folder"
    elif path.exists() or not _has_wildcard(text):
        return [path]
    else:
        found = [file for file in map(Path, glob.iglob(str(path), recursive=True)) if file.is_file()]
        what = f"{text}: no file fits"
    if not found:
        raise InputError(what, f"allowed: {FORMATS}")
    return sorted(found, key=_natural)


def means_pictures(text: str) -> bool:
    """Whether a source is a picture, folder or glob rather than a video file."""
    path = at(text)
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        if path.is_dir():
            return True
        if path.is_file():
            with path.open("rb") as file:
                return read_header(file.read(65536)) is not None
    except OSError:  # whoever opens it tells why
        return False
    return _has_wildcard(text)


def at(text: str) -> Path:
    """The path that a person means; ``~`` of somebody who is not known stays as it is."""
    return Path(os.path.expanduser(text))


class StillsSource(Plain):
    """A ``Source`` of pictures, at ``camera.fps``; a file that is no picture is counted and left out."""

    live = False

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        self.name = settings.source
        self.rate = settings.fps
        self._max_pixels = settings.max_pixels
        self._stamp = Stamp(clock)
        self._files: Iterator[Path] = iter(())
        self._trouble: InputError | None = None
        self._given = 0
        self._corrupt = 0

    def open(self) -> None:
        """Lists the files; those that come later are found at the next opening."""
        try:
            self._files = iter(picture_files(self.name))
        except InputError as error:
            raise UnavailableError(error.message, error.hint) from None
        self._given = 0

    def read(self) -> Frame | None:
        """The next picture that can be used."""
        for path in self._files:
            try:
                image = read_picture(path, self._max_pixels)
            except InputError as error:
                self._leave_out(error)
                continue
            self._given += 1
            return self._stamp(image)
        if not self._given and self._trouble:
            raise UnavailableError(self._trouble.message, self._trouble.hint)
        return None

    def close(self) -> None:
        """Forgets the list."""
        self._files = iter(())

    def counters(self) -> dict[str, int]:
        """``corrupt``: files left out."""
        return {"corrupt": self._corrupt}

    def _leave_out(self, error: InputError) -> None:
        log.log(logging.DEBUG if self._corrupt else logging.WARNING, "left out: %s", error)
        self._corrupt += 1
        self._trouble = error


def _content(path: Path, max_pixels: int) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: no file", "allowed: a picture file")
        size = path.stat().st_size
        if size > max_pixels * BYTES_PER_PIXEL:
            raise InputError(f"{path}: {size} bytes are too many for a picture", "raise camera.max_pixels")
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", "check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", "check its permissions") from None
    return data


def _has_wildcard(text: str) -> bool:
    return any(mark in text for mark in "*?[")


def _natural(path: Path) -> list[tuple[int, str]]:
    """Orders numbers in names by their value."""
    parts = re.split(r"(\d+)", str(path).lower())
    return [(int(part), "") if part.isdecimal() and part.isascii() else (-1, part) for part in parts if part]
