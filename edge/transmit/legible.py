"""Other people's text as a log line, a payload or a terminal may show it."""

from __future__ import annotations

MOST = 80
"""Characters that are shown of a name or a reason."""


def legible(text: str | bytes, most: int = MOST) -> str:
    """One line of at most ``most`` characters that shows ``text`` without doing anything else.

    Whatever is not printable is escaped as in Python: line ends and colours of a terminal, marks that turn
    the direction of what follows (Unicode 9, Bidi_Control), blanks that cannot be seen, halves of pairs. A
    backslash is doubled, so that nobody can write an escape that was none. Bytes are read as UTF-8.
    """
    # A character is 4 bytes at most and becomes no shorter: what lies beyond cannot be shown.
    if isinstance(text, bytes):
        text = text[: 4 * most + 4].decode("utf-8", "replace")
    shown: list[str] = []
    room = most
    for place, char in enumerate(text):
        piece = char if char.isprintable() and char != "\\" else _escaped(char)
        room -= len(piece)
        # The last place is kept for the sign that something was cut off.
        if room < 0 or (room == 0 and place + 1 < len(text)):
            return _cut(shown, most)
        shown.append(piece)
    return "".join(shown)


def _cut(shown: list[str], most: int) -> str:
    while sum(map(len, shown)) >= most:
        shown.pop()
    return "".join(shown) + "…"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
