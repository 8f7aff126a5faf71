"""``edge recognize FILES… [--json] [--annotate DIR]``: reads pictures; needs no settings and no broker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console
from rich.text import Text

from edge.annotate import annotate
from edge.capture.stills import picture_files, read_picture
from edge.clock import SystemClock
from edge.errors import InputError
from edge.geometry import size_of
from edge.infer.model import Model
from edge.recognize.registry import Recognizer, descriptors, resolve
from edge.records import Box, Detection, Frame, Image
from edge.settings.compose import Settings
from edge.settings.load import load
from edge.track.numbers import Glyph, Number, group


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Files, and how to show what was read."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures, folders or quoted globs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--annotate", type=Path, metavar="DIR", help="write the pictures with what was read to DIR"
    )


def main(args: argparse.Namespace) -> int:
    """Reads every file; 1 when some could not be read, each named on standard error."""
    settings = load(args.config)
    recognizers = _recognizers(settings)
    if args.annotate:
        args.annotate.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    failed = 0
    for sequence, source in enumerate(_each(args.files)):
        try:
            if isinstance(source, InputError):
                raise source
            image = read_picture(source, settings.camera.max_pixels)
        except InputError as error:
            print(f"edge: {error}", file=sys.stderr)
            failed += 1
            continue
        begun = time.perf_counter()
        found = _recognise(image, sequence, recognizers)
        elapsed = (time.perf_counter() - begun) * 1e3
        numbers = {name: _numbers(items) for name, items in found.items() if descriptors()[name].numbers}
        if args.annotate:
            _write(args.annotate / f"{source.stem}.png", image, found, numbers)
        if args.json:
            print(json.dumps(_record(source, image, found, numbers, elapsed)), flush=True)
        else:
            console.print(_line(source, found, numbers))
    return 1 if failed else 0


def _recognizers(settings: Settings) -> dict[str, Recognizer]:
    known = descriptors()
    return {
        name: resolve(known[name].factory)(
            settings.recognizer(name), lambda model: Model.load(model, settings.infer)
        )
        for name in settings.recognizers
    }


def _each(arguments: Sequence[str]) -> Iterator[Path | InputError]:
    """The pictures behind the arguments; an argument that names none comes as its error."""
    for argument in arguments:
        try:
            yield from picture_files(argument)
        except InputError as error:
            yield error


def _recognise(
    image: Image, sequence: int, recognizers: dict[str, Recognizer]
) -> dict[str, Sequence[Detection]]:
    clock = SystemClock()
    frame = Frame(image, sequence, clock.monotonic_ns(), clock.wall())
    return {name: recognizer.detect(frame) for name, recognizer in recognizers.items()}


def _numbers(detections: Sequence[Detection]) -> list[Number]:
    return group(
        [
            Glyph(found.box, found.label, found.score, index)
            for index, found in enumerate(detections)
            if found.label
        ]
    )


def _record(
    file: Path,
    image: Image,
    found: dict[str, Sequence[Detection]],
    numbers: dict[str, list[Number]],
    elapsed: float,
) -> dict[str, Any]:
    """The object of one picture, as documented for subscribers."""
    record: dict[str, Any] = {"file": str(file), "size": list(size_of(image))}
    for name, detections in found.items():
        descriptor = descriptors()[name]
        record[descriptor.items] = [
            {
                descriptor.label: int(item.label) if descriptor.label_type == "integer" else item.label,
                "score": round(item.score, 3),
                "box": _pixels(item.box),
            }
            for item in detections
            if item.label is not None
        ]
        if name in numbers:
            record["numbers"] = [
                {"text": number.text, "score": round(number.score, 3), "box": _pixels(number.box)}
                for number in numbers[name]
            ]
    record["ms"] = round(elapsed, 1)
    return record


def _pixels(box: Box) -> list[int]:
    return [round(value) for value in box]


def _line(file: Path, found: dict[str, Sequence[Detection]], numbers: dict[str, list[Number]]) -> Text:
    line = Text(f"{file}: ")
    texts = [number for some in numbers.values() for number in some]
    if not any(found.values()):
        return line.append("nothing", "dim")
    for number in texts:
        line.append(number.text, "bold green" if number.score >= 0.9 else "yellow").append(
            f" ({number.score:.2f})  "
        )
    return line


def _write(
    file: Path, image: Image, found: dict[str, Sequence[Detection]], numbers: dict[str, list[Number]]
) -> None:
    everything = [item for detections in found.values() for item in detections]
    texts = [(number.box, number.text) for some in numbers.values() for number in some]
    if not cv2.imwrite(str(file), annotate(image, everything, texts)):
        raise InputError(f"{file}: cannot be written")
