"""What long work on many pictures shows: a bar for each source, or lines where nobody looks at a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

EVERY = 512
"""Pictures between two lines."""


class Tell(Protocol):
    """Hears of each picture: ``done`` of the ``pictures`` of ``source``, with ``words`` on what was found."""

    def __call__(self, source: str, done: int, pictures: int, words: str = "") -> None:
        """Shows it."""


@contextlib.contextmanager
def sources(console: Console) -> Iterator[Tell]:
    """Shows the progress of one source after another, as long as this lasts."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=console) as bars:
        rows: dict[str, TaskID] = {}

        def tell(source: str, done: int, pictures: int, words: str = "") -> None:
            if source not in rows:
                rows[source] = bars.add_task(source, total=pictures)
            bars.update(rows[source], completed=done, description=f"{source}{words}")
            if not console.is_terminal and done % EVERY == 0:
                console.print(f"{source}: {done} of {pictures} pictures{words}")

        yield tell
