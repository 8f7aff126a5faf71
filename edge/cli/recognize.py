"""``edge recognize FILES… [--json] [--annotate DIR] [--explain DIR]``: reads pictures, without a broker."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from edge.annotate import annotate
from edge.capture.chatter import held_back
from edge.capture.stills import picture_files, read_picture
from edge.cli.annotations import Annotations
from edge.cli.explanations import sheet
from edge.cli.terminal import Terminal, shown
from edge.clock import SystemClock
from edge.errors import InputError
from edge.geometry import size_of, whole
from edge.infer.model import Model
from edge.recognize.descriptor import Explaining, Explanation, Recognizer
from edge.recognize.registry import descriptors, resolve
from edge.records import Detection, Frame, Image
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

    parser.add_argument(
        "--explain", type=Path, metavar="DIR", help="write to DIR where the network looked for each digit"
    )


def main(args: argparse.Namespace) -> int:
    """Reads every file; 1 when some could not be read, each named on standard error."""
    settings = load(args.config)
    recognizers = _recognizers(settings)
    sources = list(_each(args.files))
    annotations = _annotations(args.annotate, sources, "--annotate")
    explanations = _annotations(args.explain, sources, "--explain")
    console = Terminal(highlight=False, soft_wrap=True)
    failed = 0
    for sequence, source in enumerate(sources):
        try:
            if isinstance(source, InputError):
                raise source
            with held_back():  # a damaged file is told in one line, which is ours
                image = read_picture(source, settings.camera.max_pixels)
        except InputError as error:
            failed += _tell(error)
            continue
        begun = time.perf_counter()
        frame = _frame(image, sequence)
        found = {name: recognizer.detect(frame) for name, recognizer in recognizers.items()}
        elapsed = (time.perf_counter() - begun) * 1e3
        numbers = {name: _numbers(items) for name, items in found.items() if descriptors()[name].numbers}
        if args.json:
            print(json.dumps(_record(source, image, found, numbers, elapsed)), flush=True)
        else:
            console.print(_line(source, found, numbers))
        try:
            if annotations:
                annotations.write(source, _drawn(image, found, numbers))
            if explanations:
                explanations.write(source, sheet(image, _explained(frame, recognizers)))
        except InputError as error:
            failed += _tell(error)
    return 1 if failed else 0


def _recognizers(settings: Settings) -> dict[str, Recognizer]:
    known = descriptors()
    return {
        name: resolve(known[name].factory)(
            settings.recognizer(name), lambda model: Model.load(model, settings.infer)
        )
        for name in settings.recognizers
    }


def _annotations(
    folder: Path | None, sources: Sequence[Path | InputError], option: str
) -> Annotations | None:
    inputs = [source for source in sources if isinstance(source, Path)]
    return Annotations(folder, inputs, option) if folder else None


def _tell(error: InputError) -> int:
    """Names what went wrong with one file; gives 1, to be counted."""
    print(f"edge: {shown(str(error))}", file=sys.stderr)
    return 1


def _each(arguments: Sequence[str]) -> Iterator[Path | InputError]:
    """The pictures behind the arguments; an argument that names none comes as its error."""
    for argument in arguments:
        try:
            yield from picture_files(argument)
        except InputError as error:
            yield error


def _frame(image: Image, sequence: int) -> Frame:
    clock = SystemClock()
    return Frame(image, sequence, clock.monotonic_ns(), clock.wall())


def _explained(frame: Frame, recognizers: Mapping[str, Recognizer]) -> list[Explanation]:
    """Of those recognizers that can."""
    return [
        explanation
        for recognizer in recognizers.values()
        if isinstance(recognizer, Explaining)
        for explanation in recognizer.explain(frame)
    ]


def _numbers(detections: Sequence[Detection]) -> list[Number]:
    return group(
        [
            Glyph(found.box, found.label, found.score, index, found.mark)
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
                "box": whole(item.box),
            }
            for item in detections
            if item.label is not None
        ]
        if name in numbers:
            record["numbers"] = [
                {"text": number.text, "score": round(number.score, 3), "box": whole(number.box)}
                for number in numbers[name]
            ]
    record["ms"] = round(elapsed, 1)
    return record


def _line(file: Path, found: dict[str, Sequence[Detection]], numbers: dict[str, list[Number]]) -> Text:
    line = Text(f"{shown(str(file))}: ")
    texts = [number for some in numbers.values() for number in some]
    if not any(found.values()):
        return line.append("nothing", "dim")
    for number in texts:
        line.append(number.text, "bold green" if number.score >= 0.9 else "yellow").append(
            f" ({number.score:.2f})  "
        )
    return line


def _drawn(image: Image, found: dict[str, Sequence[Detection]], numbers: dict[str, list[Number]]) -> Image:
    everything = [item for detections in found.values() for item in detections]
    texts = [(number.box, number.text) for some in numbers.values() for number in some]
    return annotate(image, everything, texts)
