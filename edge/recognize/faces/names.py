"""What a person may be called: a text that is safe to print, to publish and to put into a file's name."""

from __future__ import annotations

import unicodedata

from edge.errors import InputError
from edge.records import UNKNOWN

LONGEST = 64
"""Characters of a name."""

_MOST = 1024
"""Characters that are looked at before anything else is done with them."""


class BadNameError(InputError):
    """Nobody can be called so; the message says why."""


def checked_name(text: str) -> str:
    """The name as it is kept: in Unicode's normal form C, without blanks around it. Raises
    ``BadNameError``."""
    if len(text) > _MOST:
        raise BadNameError(f"a name of {len(text)} characters", _ALLOWED)
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= LONGEST:
        raise BadNameError(f"a name of {len(name)} characters", _ALLOWED)
    if not name.isprintable():
        raise BadNameError("a name with signs that cannot be printed", _ALLOWED)
    if "/" in name or "\\" in name or not name.strip("."):
        raise BadNameError(f"the name {name!r} reads like a path", _ALLOWED)
    if key(name) == UNKNOWN:
        raise BadNameError(f"nobody can be called {name}: it is what strangers are called", _ALLOWED)
    return name


def key(name: str) -> str:
    """By what two names are the same: ``anna`` is ``Anna``, however it is typed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


_ALLOWED = f"1 to {LONGEST} printable characters are needed, no / and no \\"
