"""``edge recognize FILES… [--faces] [--json] [--annotate DIR] [--explain DIR]``: reads pictures."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.text import Text

from edge.annotate import annotate
from edge.capture.chatter import held_back
from edge.capture.stills import picture_files, read_picture
from edge.cli.annotations import Annotations
from edge.cli.explanations import counted, sheet
from edge.cli.terminal import Terminal, shown
from edge.clock import SystemClock
from edge.errors import InputError
from edge.geometry import size_of, whole
from edge.infer.model import Model
from edge.recognize.descriptor import Explaining, Explanations, Recognizer
from edge.recognize.registry import descriptors, resolve
from edge.records import UNKNOWN, Detection, Frame, Image, Target
from edge.settings.compose import Settings
from edge.settings.folder import state_folder
from edge.settings.load import load
from edge.track.numbers import Glyph, Number, group

MOST_IN_ONE = 1000
"""Things of one picture that get a closer look."""

UNSURE = "a face"
"""What is shown of somebody of whom one picture does not tell enough."""

CLOSER_LOOKS = 60.0
"""Seconds for the closer looks at one picture: nothing else waits."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Files, and how to show what was read."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures, folders or quoted globs")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--annotate", type=Path, metavar="DIR", help="write the pictures with what was read to DIR"
    )
    parser.add_argument(
        "--faces", action="store_true", help="look for faces too, also where the settings do not"
    )
    parser.add_argument(
        "--explain", type=Path, metavar="DIR", help="write to DIR where the network looked for each digit"
    )


def main(args: argparse.Namespace) -> int:
    """Reads every file; 1 when some could not be read, each named on standard error."""
    settings = load(args.config)
    recognizers = _recognizers(args, settings)
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
        found = {name: _found(name, recognizer, frame) for name, recognizer in recognizers.items()}
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
                explained = _explained(frame, recognizers)
                explanations.write(source, sheet(image, explained))
                if explained.left_out:
                    print(f"edge: {shown(str(source))}: {counted(explained)}", file=sys.stderr)
        except InputError as error:
            failed += _tell(error)
    return 1 if failed else 0


def _recognizers(args: argparse.Namespace, settings: Settings) -> dict[str, Recognizer]:
    known = descriptors()
    names = dict.fromkeys((*settings.recognizers, *(("faces",) if args.faces else ())))
    state = state_folder(args.config, settings)
    return {
        name: resolve(known[name].factory)(
            settings.recognizer(name), lambda model: Model.load(model, settings.infer), state
        )
        for name in names
    }


def _found(name: str, recognizer: Recognizer, frame: Frame) -> Sequence[Detection]:
    """What is in a picture, named: by a closer look at each thing, where that is what names it."""
    detections = recognizer.detect(frame)
    if descriptors()[name].named_by == "detect":
        return detections
    # Numbers that no other picture has: nothing that was seen in one says anything of the next.
    first = frame.sequence * MOST_IN_ONE
    targets = [
        Target(first + index, item.box, "new", item.landmarks)
        for index, item in enumerate(detections[:MOST_IN_ONE])
    ]
    told = {item.track: item for item in recognizer.describe(frame, targets, CLOSER_LOOKS)}
    return [
        replace(item, label=told[target.track].label, score=told[target.track].score)
        if target.track in told
        else item
        for item, target in zip(detections, targets, strict=False)
    ]


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


def _explained(frame: Frame, recognizers: Mapping[str, Recognizer]) -> Explanations:
    """Of those recognizers that can."""
    some = [each.explain(frame) for each in recognizers.values() if isinstance(each, Explaining)]
    items = tuple(item for each in some for item in each.items)
    return Explanations(items, sum(each.left_out for each in some))


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
        closer = descriptor.named_by == "describe"
        record[name] = [
            {
                descriptor.label: int(item.label)
                if item.label is not None and descriptor.label_type == "integer"
                else item.label,
                "score": round(item.score, 3),
                "box": whole(item.box),
                **({"landmarks": _points(item)} if closer else {}),
            }
            for item in detections
            if item.label is not None or closer
        ]
        if name in numbers:
            record["numbers"] = [
                {"text": number.text, "score": round(number.score, 3), "box": whole(number.box)}
                for number in numbers[name]
            ]
    record["ms"] = round(elapsed, 1)
    return record


def _points(item: Detection) -> list[list[float]] | None:
    """Where eyes, nose and mouth are, in pixels."""
    return (
        None
        if item.landmarks is None
        else [[round(float(x), 1), round(float(y), 1)] for x, y in item.landmarks]
    )


def _line(file: Path, found: dict[str, Sequence[Detection]], numbers: dict[str, list[Number]]) -> Text:
    line = Text(f"{shown(str(file))}: ")
    texts = [number for some in numbers.values() for number in some]
    if not any(found.values()):
        return line.append("nothing", "dim")
    for number in texts:
        line.append(number.text, "bold green" if number.score >= 0.9 else "yellow").append(
            f" ({number.score:.2f})  "
        )
    for item in _closer(found):
        colour = "dim" if item.label in (None, UNKNOWN) else "bold green" if item.score >= 0.9 else "yellow"
        line.append(shown(item.label or UNSURE), colour).append(f" ({item.score:.2f})  ")
    return line


def _drawn(image: Image, found: dict[str, Sequence[Detection]], numbers: dict[str, list[Number]]) -> Image:
    known = descriptors()
    everything = [item for name, items in found.items() if known[name].named_by == "detect" for item in items]
    named = [replace(item, label=item.label or UNSURE) for item in _closer(found)]
    texts = [(number.box, number.text) for some in numbers.values() for number in some]
    return annotate(image, [*everything, *named], texts)


def _closer(found: Mapping[str, Sequence[Detection]]) -> list[Detection]:
    """What a closer look names."""
    known = descriptors()
    return [item for name, items in found.items() if known[name].named_by == "describe" for item in items]
