"""What the models and the digit recognizer give, written down on one processor and compared on another.

::

    python -m tools.arm64.outputs write here.npz
    python -m tools.arm64.outputs write there.npz --pictures here.npz     on the other processor
    python -m tools.arm64.outputs compare here.npz there.npz

Both see the same bits: inputs come from integers of a seeded generator, and the pictures that the recognizer
reads are drawn once and travel in the file.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.capture.scene.scene import Scene
from edge.infer.card import load_card
from edge.infer.model import Model
from edge.infer.runtime import delegated, find_runtime
from edge.infer.settings import InferSettings
from edge.infer.store import installed
from edge.recognize.digits.recognizer import build
from edge.recognize.digits.settings import DigitsSettings
from edge.records import Frame

Outputs = dict[str, NDArray[Any]]

INPUTS = 32
"""Random inputs of each model."""
MOMENTS = tuple(range(4, 40, 6))
"""Seconds of the drawn scene at which the recognizer looks."""
LEVELS = 2
"""The most by which an int8 output may be off: kernels of two processors round differently."""
SCORE, PIXELS = 0.03, 1.5
"""The most by which score and box of a digit may be off."""


def main(argv: Sequence[str] | None = None) -> int:
    """Writes or compares; 1 when the two differ by more than rounding."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.arm64.outputs", description=(__doc__ or "").split("\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="compute, and write down")
    write.add_argument("file", type=Path)
    write.add_argument("--pictures", type=Path, help="a file written before: its pictures are read")
    compare = commands.add_parser("compare", help="how far two files are apart")
    compare.add_argument("here", type=Path)
    compare.add_argument("there", type=Path)
    arguments = parser.parse_args(argv)
    if arguments.command == "write":
        outputs = compute(_load(arguments.pictures) if arguments.pictures else None)
        np.savez(arguments.file, **outputs)  # type: ignore[arg-type] # none is called allow_pickle
        return 0
    lines, apart = differences(_load(arguments.here), _load(arguments.there))
    print("\n".join(lines))
    return 1 if apart else 0


def compute(before: Outputs | None = None) -> Outputs:
    """Raw outputs of every model as ``model/NAME/SIZE``, the pictures, and what was read in each as JSON.

    ``before``: outputs whose pictures are read, instead of new ones.
    """
    found: Outputs = {"machine": np.array(platform.machine())}
    for name, levels, count, seconds in _models():
        found[f"model/{name}"] = levels
        print(f"{platform.machine()}: {name}: {count} delegate, {seconds * 1e3:.2f} ms each", file=sys.stderr)
    recognizer = build(DigitsSettings(), lambda name: Model.load(name, InferSettings()))
    for moment in MOMENTS:
        key = f"picture/{moment}"
        picture = before[key] if before else Scene(seed=1).draw(moment)[0].copy()
        picture.flags.writeable = False
        begun = time.perf_counter()
        detections = recognizer.detect(Frame(picture, moment, 0, datetime.now(timezone.utc)))
        seconds = time.perf_counter() - begun
        digits = sorted(
            [item.label or "", round(item.score, 4), *map(float, item.box)] for item in detections
        )
        found[key], found[f"read/{moment}"] = picture, np.array(json.dumps(digits))
        told = "".join(str(item[0]) for item in digits)
        print(f"{platform.machine()}: picture {moment}: {told} in {seconds:.2f} s", file=sys.stderr)
    return found


def _models() -> Iterator[tuple[str, NDArray[Any], int, float]]:
    """Name, outputs (INPUTS, N) in levels, delegated parts and seconds of an inference, of each variant."""
    settings = InferSettings()
    for folder in installed(settings):
        card = load_card(folder)
        for variant in card.variants:
            content = (folder / variant.file).read_bytes()
            interpreter = find_runtime("auto").interpreter(content, variant.file, settings)
            interpreter.allocate_tensors()
            (feed,) = interpreter.get_input_details()
            drawn = random_inputs(tuple(feed["shape"]), feed["dtype"])
            rows, begun = [], time.perf_counter()
            for values in drawn:
                interpreter.tensor(feed["index"])()[...] = values
                interpreter.invoke()
                rows.append(
                    [
                        interpreter.tensor(out["index"])().copy().ravel()
                        for out in interpreter.get_output_details()
                    ]
                )
            seconds = (time.perf_counter() - begun) / len(drawn)
            levels = np.stack([np.concatenate(row) for row in rows])
            yield f"{card.name}/{variant.width}x{variant.height}", levels, delegated(interpreter), seconds


def random_inputs(shape: tuple[int, ...], dtype: type[np.generic]) -> list[NDArray[Any]]:
    """Noise of several coarsenesses over the whole range, the same bits on every machine."""
    generator = np.random.Generator(np.random.PCG64(7))
    found: list[NDArray[Any]] = []
    for count in range(INPUTS):
        step = (1, 2, 4, 8)[count % 4]
        _, height, width, channels = shape
        coarse = generator.integers(0, 256, (1, -(-height // step), -(-width // step), channels))
        fine = np.repeat(np.repeat(coarse, step, 1), step, 2)[:, :height, :width]
        if np.issubdtype(dtype, np.signedinteger):
            found.append((fine - 128).astype(dtype))
        elif np.issubdtype(dtype, np.integer):
            found.append(fine.astype(dtype))
        else:
            found.append((fine / 255).astype(dtype))
    return found


def differences(here: Outputs, there: Outputs) -> tuple[list[str], bool]:
    """A line for each model and for what was read, and whether anything is apart by more than rounding."""
    lines = [f"{here['machine']} and {there['machine']}"]
    apart = here.keys() != there.keys()
    if apart:
        lines.append(f"not in both: {', '.join(sorted(here.keys() ^ there.keys()))}")
    for key in sorted(here.keys() & there.keys()):
        if key.startswith("model/"):
            line, wrong = _levels(here[key], there[key])
        elif key.startswith("read/"):
            line, wrong = _digits(json.loads(str(here[key])), json.loads(str(there[key])))
        else:
            continue
        lines.append(f"{key}: {line}{': MORE THAN ROUNDING' if wrong else ''}")
        apart |= wrong
    return lines, apart


def _levels(here: NDArray[Any], there: NDArray[Any]) -> tuple[str, bool]:
    difference = np.abs(here.astype(np.float64) - there.astype(np.float64))
    unit, most = ("levels", LEVELS) if np.issubdtype(here.dtype, np.integer) else ("", 1e-3)
    share = float((difference > 0).mean())
    return (
        f"{here.size} outputs, at most {difference.max():g} {unit} apart, {share:.2%} differ",
        difference.max() > most,
    )


def _digits(here: list[list[Any]], there: list[list[Any]]) -> tuple[str, bool]:
    labels, others = ["".join(str(item[0]) for item in digits) for digits in (here, there)]
    if labels != others:
        return f"reads {labels} and {others}", True
    if not here:
        return "nothing read", False
    values = np.abs(np.array([item[1:] for item in here]) - np.array([item[1:] for item in there]))
    score, pixels = float(values[:, 0].max()), float(values[:, 1:].max())
    line = f"the same {len(here)} digits, scores at most {score:.4f} apart, boxes {pixels:.2f} pixels"
    return line, score > SCORE or pixels > PIXELS


def _load(file: Path) -> Outputs:
    with np.load(file) as archive:
        return dict(archive)


if __name__ == "__main__":
    sys.exit(main())
