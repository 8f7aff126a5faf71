"""``faces-identify``: who is known in clips, by the daemon's recognizer with a gallery of its own.

The alphabetically first clip of each person enrols that person: as ``edge enroll`` does, or where it refuses
all pictures, as a track in view is enrolled. Every other one is a track that is to be named. Who has one clip
only is a stranger; in a second pass so is every second person. Folders that begin with ``_`` show several
people and are left out. A track is named wrongly if any wrong name is told of it, and rightly if none is and
the right one is held at its end.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge.infer.model import Model
from edge.infer.settings import InferSettings
from edge.recognize.faces.recognizer import build
from edge.recognize.faces.settings import FacesSettings
from edge.records import Image
from tools.evaluate.error_sheet import tile, write_sheet
from tools.evaluate.faces.clips import Person, persons_in
from tools.evaluate.faces.following import Track, enrolled, followed
from tools.evaluate.faces.models import add_models

SUMMARY = "people known in clips, as the daemon would know them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Clips, models, settings of the recognizer, the sheet."""
    parser.add_argument("--video", type=Path, required=True, metavar="DIR", help="folder of PERSON/CLIP")
    add_models(parser)
    parser.add_argument(
        "--strangers",
        type=int,
        choices=(100, 1000, 10000),
        default=1000,
        help="faces.strangers of the recognizer (1000)",
    )
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="write all tracks that were not named rightly to a PNG"
    )
    parser.add_argument("--clips", action="store_true", help="also list every track")


def main(arguments: argparse.Namespace) -> int:
    """Prints the tables or the object; 0 whatever the figures are."""
    persons = persons_in(arguments.video)
    settings = FacesSettings(
        detector=arguments.detector,
        embedder=arguments.model,
        detector_size=arguments.size,
        strangers=arguments.strangers,
    )
    passes = {"all": judge(persons, (), settings), "half": judge(persons, persons[1::2], settings)}
    tracks = [one for some, _ in passes.values() for one in some]
    names = [one.named_after for one in passes["all"][0] if one.named_after is not None]
    seconds = sum(one.seconds for one in tracks)
    record: dict[str, Any] = {
        **{name: counts(some, refused) for name, (some, refused) in passes.items()},
        "time_to_name_s": float(np.median(names)) if names else None,
        "fps": sum(one.frames for one in tracks) / seconds if seconds else None,
        "model": arguments.model,
    }
    if arguments.sheet:
        write_sheet(arguments.sheet, _tiles(passes))
    if arguments.clips:
        record["clips"] = {name: [_row(one) for one in some] for name, (some, _) in passes.items()}
    if arguments.json:
        print(json.dumps(record))
    else:
        _show(record)
    return 0


def judge(
    persons: Sequence[Person], strangers: Sequence[Person], settings: FacesSettings
) -> tuple[list[Track], dict[str, tuple[bool, str]]]:
    """All tracks of one pass, and who could not be enrolled and why. ``strangers`` stay so; so does who has
    one clip only. The gallery lies in a folder that is gone afterwards."""
    unknown = {person.name for person in strangers}
    known = [person for person in persons if len(person.clips) > 1 and person.name not in unknown]
    with tempfile.TemporaryDirectory(prefix="edge-identify-") as state:
        infer = InferSettings(threads=1)
        recognizer = build(settings, lambda name: Model.load(name, infer), Path(state))
        try:
            refused: dict[str, tuple[bool, str]] = {}
            for number, person in enumerate(known, start=1):
                done, why = enrolled(recognizer, person, number)
                if why is not None:
                    refused[person.name] = (done, why)
            names = {person.name for person in known}
            tests = [
                (person, clip, person.name if person.name in names else None)
                for person in persons
                for clip in person.clips[1 if person.name in names else 0 :]
            ]
            shown = track(
                tests, "tracks", console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
            )
            first = len(known) + 1
            found = [followed(recognizer, number, *test) for number, test in enumerate(shown, start=first)]
        finally:
            recognizer.close()
    return found, refused


def counts(tracks: Sequence[Track], refused: Mapping[str, tuple[bool, str]]) -> dict[str, Any]:
    """What is printed of one pass. ``unknown`` includes those of which nothing was told (``unsure`` of
    them)."""
    tests = [one.answer for one in tracks if one.expected is not None]
    strangers = [one.answer for one in tracks if one.expected is None]
    return {
        "right": tests.count("right"),
        "wrong": tests.count("wrong"),
        "unknown": tests.count("unknown") + tests.count("unsure"),
        "unsure": tests.count("unsure"),
        "n": len(tests),
        "strangers_named": strangers.count("named"),
        "strangers_unknown": strangers.count("unknown"),
        "strangers": len(strangers),
        "enrolled_as_track": {name: why for name, (done, why) in refused.items() if done},
        "not_enrolled": {name: why for name, (done, why) in refused.items() if not done},
    }


def _row(one: Track) -> dict[str, Any]:
    return {
        "person": one.person.name,
        "clip": one.clip.name,
        "answer": one.answer,
        "told": one.told,
        "held": one.held,
        "named_after_s": one.named_after,
        "looks": one.looks,
        "frames": one.frames,
    }


def _tiles(passes: Mapping[str, tuple[Sequence[Track], object]]) -> list[Image]:
    """What was not named rightly, and the strangers who were named."""
    tiles = []
    for name, (tracks, _) in passes.items():
        for one in tracks:
            fine = one.answer == "right" or (one.expected is None and one.answer != "named")
            if fine or one.shown is None:
                continue
            whom = one.told or one.held or "unsure"
            tiles.append(
                tile(one.shown[0], one.shown[1], (f"{one.person.name[:17]}", f"{name}: {whom[:12]}"))
            )
    return tiles


def _show(record: Mapping[str, Any]) -> None:
    console = Console()
    console.width = max(console.width, 110)
    table = Table(title=f"tracks named by {record['model']}")
    heads = (
        "pass",
        "right",
        "wrong",
        "unknown",
        "of them unsure",
        "tracks",
        "strangers named",
        "unknown",
        "strangers",
    )
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place else "left", no_wrap=True)
    keys = ("right", "wrong", "unknown", "unsure", "n", "strangers_named", "strangers_unknown", "strangers")
    for name in ("all", "half"):
        table.add_row(name, *(str(record[name][key]) for key in keys))
    console.print(table)
    for name in ("all", "half"):
        for person, why in record[name]["enrolled_as_track"].items():
            console.print(f"{name}: {person} was enrolled as a track: {why}")
        for person, why in record[name]["not_enrolled"].items():
            console.print(f"{name}: {person} could not be enrolled: {why}")
    first = record["time_to_name_s"]
    console.print(
        f"first right name after {'-' if first is None else f'{first:.1f}'} s (median; pictures of a folder "
        f"count as a second apart), {record['fps'] or 0:.1f} frames a second on one core"
    )
    for name, rows in record.get("clips", {}).items():
        for row in rows:
            console.print(
                f"{name} {row['person']}/{row['clip']}: {row['answer']} ({row['told'] or row['held']})"
            )
