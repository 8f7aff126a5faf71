"""Arrays of an ``.npz`` from anybody: a zip of ``.npy``, whose pickles are read without running any of them.

JPEG files of several lengths are an array of objects, which numpy stores as a pickle, and a pickle may name
any function of any module to be called. Here an unpickler takes such an array apart that knows three names,
those with which numpy writes one, and has for each a stand-in that only keeps what it is given (Python's
documentation of ``pickle``, "Restricting globals"). Whatever else a pickle names is refused before it is
called.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from edge.errors import InputError

MAX_BYTES = 1 << 30
"""Of one array, unpacked: the crops of half a million faces."""
MAX_ARRAYS = 64
COPY = "is the file whole? copy it again"


class Arrays:
    """The arrays of one file, read as they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises ``InputError`` where it is no ``.npz``."""
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                names = [item.filename for item in archive.infolist()]
        except FileNotFoundError:
            raise InputError(f"{path}: no such file", "--set names an .npz of crops and pairs") from None
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise InputError(f"{path}: no .npz ({error})", COPY) from None
        if len(names) > MAX_ARRAYS:
            raise InputError(f"{path}: {len(names)} arrays", f"at most {MAX_ARRAYS} are read")
        self.names = {name.removesuffix(".npy") for name in names if name.endswith(".npy")}

    def get(self, name: str) -> np.ndarray[Any, np.dtype[Any]]:
        """The array ``name``; one of objects holds bytes. Raises ``InputError`` where it is missing or
        bad."""
        if name not in self.names:
            there = ", ".join(sorted(self.names)) or "nothing"
            raise InputError(f"{self.path}: has no array {name}", f"it holds: {there}")
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as stream:
                content = stream.read(MAX_BYTES + 1)
            if len(content) > MAX_BYTES:
                raise InputError(f"{self.path}: {name} has more than {MAX_BYTES} bytes", "judge a part of it")
            return _array(content)
        except InputError:
            raise
        # Whatever a damaged zip, header or pickle can lead to; nothing of it is run.
        except Exception as error:  # noqa: BLE001
            words = " ".join(str(error).split())[:160]
            raise InputError(f"{self.path}: {name} cannot be read ({words})", COPY) from None


def _array(content: bytes) -> np.ndarray[Any, np.dtype[Any]]:
    stream = io.BytesIO(content)
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version} of the format")
    header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, by_columns, dtype = header(stream)
    if not dtype.hasobject:
        stream.seek(0)
        return np.asarray(npy.read_array(stream, allow_pickle=False))
    if dtype != np.dtype(object) or by_columns or len(shape) != 1:
        raise ValueError(f"objects of kind {dtype} and shape {shape}")
    items = _Unpickler(stream).load()
    if not isinstance(items, _Array) or items.shape != shape or len(items.items) != shape[0]:
        raise ValueError("the pickle is no array of the shape that is told")
    if not all(isinstance(item, bytes) for item in items.items):
        raise ValueError("an item is not bytes")
    found = np.empty(shape, object)
    found[:] = items.items
    return found


class _Array:
    """Stands for a numpy array in a pickle: keeps its shape and its items."""

    shape: tuple[int, ...] = ()
    items: list[Any]

    def __init__(self, *_: Any) -> None:
        self.items = []

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, _, _, items = state
        if not isinstance(items, list):
            raise pickle.UnpicklingError("the items of the array are no list")
        self.shape, self.items = tuple(shape), items


class _Type:
    """Stands for numpy's dtype in a pickle: there is one kind of objects, so nothing of it matters."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


_KNOWN: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is None:
            raise pickle.UnpicklingError(
                f"its pickle names {module}.{name}, which no array of JPEG files needs"
            )
        return known
