"""Lines for people: what came from outside (names of files, messages of a broker) cannot steer a terminal."""

from __future__ import annotations

from rich.console import Console


def shown(text: str) -> str:
    """``text`` as one line: whatever is not printable, also of names that are not UTF-8, is replaced."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


class Terminal(Console):
    """rich's console; a reader that has gone is left to the border of the command line, as for ``--json``."""

    def on_broken_pipe(self) -> None:
        """Instead of exit code 1, which says that some inputs failed."""
        raise BrokenPipeError
