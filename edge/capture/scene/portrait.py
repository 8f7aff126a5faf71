"""The portrait that the demo shows beside the page: a photograph that anybody may use, read at run time.

It is NASA's official portrait of the astronaut Eileen Collins (1999, public domain), which scikit-image ships
as ``skimage.data.astronaut()``. Its file is read where that package lies; the package itself, with all that
it would load, is not imported, nothing is fetched, and nothing of the picture is kept.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from edge.errors import InputError, UnavailableError
from edge.pictures.decode import decoded
from edge.records import Box, Image

NAME = "Eileen Collins"
CREDIT = "portrait: NASA, Eileen Collins, public domain, from scikit-image"

PACKAGE, FILE = "skimage", "data/astronaut.png"

SIZE = 512
"""Width and height of the photograph, pixels."""

CARD = (128, 8, 190, 192)
"""The part that is shown: left, top, width, height in the photograph."""

FACE = Box(178.0, 63.0, 90.0, 113.0)
"""Where the face is in the photograph: from the brows to the chin, and from ear to ear."""

MARGIN = 60
"""Pixels of the photograph around the face in the picture that it is enrolled from."""


def portrait() -> Image:
    """The photograph, (512, 512, 3) BGR. Raises ``UnavailableError`` where scikit-image is not installed."""
    spec = find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec else None
    missing = "the demo's portrait comes with scikit-image, which is not installed"
    hint = "pip install 'edge[demo]'"
    if not places:
        raise UnavailableError(missing, hint)
    file = Path(places[0], FILE)
    try:
        picture = decoded(_without_profile(file.read_bytes()), SIZE * SIZE)
    except OSError:
        raise UnavailableError(f"{missing} whole: {FILE} is not there", hint) from None
    except InputError as error:
        raise UnavailableError(f"{missing} whole: {FILE}: {error.message}", hint) from None
    if picture.shape != (SIZE, SIZE, 3):
        raise UnavailableError(f"{missing} as it was: {FILE} is another picture", hint)
    return picture


def _without_profile(png: bytes) -> bytes:
    """The file without its colour profile, of which libpng in older OpenCVs complains on standard error."""
    chunk = png.find(b"iCCP", 0, png.find(b"IDAT"))
    if chunk < 0:
        return png
    length = int.from_bytes(png[chunk - 4 : chunk], "big")
    return png[: chunk - 4] + png[chunk + 8 + length :]  # a length before the name, a checksum at the end


def passport(picture: Image) -> Image:
    """The one crop of the portrait from which the demo enrols: the head, upright, alone."""
    left, top = round(FACE.x) - MARGIN, round(FACE.y) - MARGIN
    right, bottom = round(FACE.x + FACE.w) + MARGIN, round(FACE.y + FACE.h) + MARGIN
    return picture[max(top, 0) : bottom, max(left, 0) : right]
