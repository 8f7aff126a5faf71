"""``edge enroll NAME FILES…``, ``edge enroll --folder DIR``: gets to know people from pictures and videos."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from edge.capture.chatter import held_back
from edge.cli.terminal import Terminal, shown
from edge.errors import InputError, UnavailableError, UsageError
from edge.people.door import Door, FileDoor, door, recognizer
from edge.people.scout import Sight, Unseen, ordered, scout
from edge.people.sources import Given, of_files, of_folder
from edge.recognize.faces.names import checked_name
from edge.recognize.faces.recognizer import FaceRecognizer
from edge.settings.load import load

WORTH_A_BAR = 5
"""Files from which on it is shown how far it is."""

_WAYS = "allowed: edge enroll NAME FILES…, or edge enroll --folder DIR"

_Advance = Callable[[], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Who, from what."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the person's name")
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="pictures, videos, folders or globs of that person alone",
    )
    parser.add_argument(
        "--folder", metavar="DIR", help="instead: a folder that holds one for each person, called by its name"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for each picture")


@dataclass(slots=True)
class _Result:
    """What came of a person's pictures. ``count``: embeddings that are kept now, as the last answer said."""

    name: str
    as_json: bool
    kept: int = 0
    left_out: int = 0
    refused: int = 0
    count: int | None = None

    def refuse(self, file: Path | None, reason: str, words: str) -> None:
        """Counts a file that is not taken, and says why."""
        self.refused += 1
        line = words if file is None else f"{file}: {words}"
        print(f"edge: {shown(self.name)}: {shown(line)}", file=sys.stderr)
        self.tell(file, reason, words, kept=False)

    def tell(self, file: Path | None, reason: str | None, message: str, *, kept: bool) -> None:
        """A line for programs."""
        if self.as_json:
            told = {"name": self.name, "file": None if file is None else str(file), "kept": kept}
            print(json.dumps({**told, "reason": reason, "message": message}), flush=True)


def main(args: argparse.Namespace) -> int:
    """1 where some pictures were refused, each named with its reason on standard error."""
    people = _people(args)
    settings = load(args.config)
    with held_back():  # the runtime tells standard error how it begins
        way = door(args.config, settings)
        # What is seen in a picture is judged here, also where the service keeps it.
        eyes = way.recognizer if isinstance(way, FileDoor) else recognizer(settings, None)
    results = []
    with _progress(args, sum(len(given.files) for given in people)) as advance:
        for given in people:
            result = _Result(given.name, args.json)
            seen = _seen(given, result, eyes, settings.camera.max_pixels, advance)
            results.append(_enrol(result, way, seen))
    if not args.json:
        _print(results, way.where)
    return InputError.exit_code if any(result.refused for result in results) else 0


def _people(args: argparse.Namespace) -> list[Given]:
    if args.folder is not None:
        if args.name is not None:
            raise UsageError("a name and --folder", _WAYS)
        return of_folder(args.folder)
    if args.name is None or not args.files:
        raise UsageError("enroll whom, from what?", _WAYS)
    try:
        return [of_files(checked_name(args.name), args.files)]
    except InputError as error:
        raise UsageError(error.message, error.hint) from None


def _seen(
    given: Given, result: _Result, eyes: FaceRecognizer, max_pixels: int, advance: _Advance
) -> Iterator[Sight]:
    """What the files show, in the order in which it is best kept."""
    for error in given.wrong:
        result.refuse(None, "bad-picture", str(error))
    sights: list[Sight] = []
    for file in given.files:
        with held_back():  # a damaged file is told in one line, which is ours
            found = scout(eyes, file, max_pixels)
        advance()
        if isinstance(found, Unseen):
            result.refuse(file, found.why, found.words)
        else:
            sights += found
    yield from ordered(eyes, sights)


def _enrol(result: _Result, way: Door, sights: Iterator[Sight]) -> _Result:
    for sight in sights:
        reply = way.enrol(result.name, sight)
        if reply.error in ("unavailable", "busy"):
            raise UnavailableError(reply.message)  # which the next picture would not change
        if not reply.ok:
            result.refuse(sight.file, str(reply.data.get("reason") or reply.error), reply.message)
            continue
        kept = bool(reply.data.get("kept"))
        more = kept and not reply.data.get("replaced")
        result.kept += more
        result.left_out += not more
        result.count = reply.data.get("count", result.count)
        result.tell(sight.file, None if kept else reply.data.get("reason"), reply.message, kept=kept)
    return result


def _print(results: Sequence[_Result], where: str) -> None:
    table = Table("person", box=None, pad_edge=False)
    for heading in ("kept", "left out", "refused", "known by"):
        table.add_column(heading, justify="right")
    for result in results:
        known = "" if result.count is None else str(result.count)
        counts = (result.kept, result.left_out, result.refused)
        table.add_row(Text(shown(result.name)), *(str(count) for count in counts), known)
    console = Terminal(highlight=False)
    console.print(table)
    words = f"in {shown(where)}; left out: almost the same as one that is kept"
    console.print(Text(words, "dim"), soft_wrap=True)


@contextmanager
def _progress(args: argparse.Namespace, files: int) -> Iterator[_Advance]:
    """What is called after each file; on a terminal it moves a bar."""
    console = Console(stderr=True)
    if args.json or not console.is_terminal or files < WORTH_A_BAR:
        yield _nothing
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Refreshed by hand: a thread of its own would draw while the codecs' lines are held back.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("looking at pictures", total=files)

        def advance() -> None:
            progress.advance(task)
            progress.refresh()

        yield advance


def _nothing() -> None:
    """Without a terminal there is no bar."""
