"""The command line of ``python -m tools.quantize``: its options, and which of them go together."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from edge.errors import UsageError
from edge.infer.card import CHANNELS, FILE_NAME, Card, Colour
from tools.quantize.samples import SETS, Normalisation
from tools.quantize.schemes import SCHEMES

_OF_CARD = ("name", "labels", "licence", "colour", "mean", "std")
"""Options whose answers a card beside the model has already."""

_NUMBERS = "--mean and --std are numbers, one for all channels or one for each with commas, --std above 0"


def parser() -> argparse.ArgumentParser:
    """All options. Those of the card are None where they are not given."""
    made = argparse.ArgumentParser(
        prog="python -m tools.quantize", description="Float TFLite to smaller kinds, with a report."
    )
    add = made.add_argument
    add("model", type=Path, help="the float .tflite")
    add("--data", required=True, help=f"{', '.join(SETS)}, a folder of pictures, or an .npz with `inputs`")
    add("--test", help="what it is judged on (default: what of --data did not calibrate)")
    add("--out", type=Path, required=True, help="folder for files, report and card; not the model's own")
    add("--scheme", choices=(*SCHEMES, "all"), default="int8", help="kind of quantizing (int8)")
    add("--calibrate", type=int, default=256, metavar="N", help="samples that calibrate (256)")
    add("--judge", type=int, default=5000, metavar="N", help="samples that it is judged on at most (5000)")
    add("--seed", type=int, default=1, help="chooses the samples (1)")
    add(
        "--keep", action="append", default=[], metavar="LAYER", help="stays float: number or part of its name"
    )
    add("--keep-worst", type=int, default=0, metavar="N", help="so many of the noisiest layers stay float")
    add("--per-tensor", action="store_true", help="one scale for a layer's weights instead of one a channel")
    add("--python", action="append", type=Path, default=[], help="also timed with this environment's runtime")
    add("--json", action="store_true", help="the findings as JSON")
    card = made.add_argument_group("the card, where none lies beside the model")
    card.add_argument("--name", help="the model's name; without it no card is written")
    card.add_argument("--labels", help="of its outputs, with commas (0,1,2,…)")
    card.add_argument("--licence", help="what it may be used for (not stated)")
    card.add_argument("--colour", choices=tuple(CHANNELS), help="of its pictures (grey)")
    card.add_argument("--mean", help="of real = (pixel - mean) / std (0)")
    card.add_argument("--std", help="the same (255)")
    return made


def check(arguments: argparse.Namespace, found: Card | None) -> None:
    """``found``: the card beside the model. Raises UsageError for what does not go together, or would be
    without effect."""
    if min(arguments.calibrate, arguments.judge) < 1 or min(arguments.keep_worst, arguments.seed) < 0:
        raise UsageError("--calibrate and --judge must be at least 1, --keep-worst and --seed at least 0")
    int8 = arguments.scheme in ("int8", "all")
    if (arguments.keep or arguments.keep_worst) and not int8:
        raise UsageError(
            f"--keep and --keep-worst need int8, which --scheme {arguments.scheme} does not make",
            "give --scheme int8 or all",
        )
    if arguments.per_tensor and arguments.scheme in ("dynamic", "float16"):
        raise UsageError(
            f"--per-tensor is for int8 and int16x8, which --scheme {arguments.scheme} does not make",
            "leave it away, or give another --scheme",
        )
    given = [option for option in _OF_CARD if getattr(arguments, option) is not None]
    if found and given:
        raise UsageError(
            f"{_options(given)}: {arguments.model.parent / FILE_NAME} says that already",
            "leave it away, or quantize a copy of the model in a folder without a card",
        )
    unused = [option for option in ("labels", "licence") if option in given and "name" not in given]
    if unused:
        raise UsageError(f"{_options(unused)}: without --name no card is written", "give --name too")
    if "name" in given and not int8:
        raise UsageError(
            f"--name: a card is written of the int8 file, which --scheme {arguments.scheme} does not make",
            "leave it away, or give --scheme int8 or all",
        )
    if arguments.out.resolve() == arguments.model.parent.resolve():
        raise UsageError(
            f"--out {arguments.out} is the model's own folder, whose files would be lost", "name another"
        )


def pixels(arguments: argparse.Namespace, found: Card | None) -> Normalisation:
    """How pictures become the model's values: as its card says, or as told. Raises UsageError."""
    if found:
        return Normalisation(found.input.colour, found.input.mean, found.input.std)
    colour: Colour = arguments.colour or "grey"
    try:
        mean, std = (
            tuple(float(value) for value in (usual if text is None else text).split(","))
            for text, usual in ((arguments.mean, "0"), (arguments.std, "255"))
        )
    except ValueError:
        raise UsageError(_NUMBERS) from None
    fit = {len(mean), len(std)} <= {1, CHANNELS[colour]}
    if not fit or not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
        raise UsageError(f"{_NUMBERS}; {colour} has {CHANNELS[colour]}")
    return Normalisation(colour, mean, std)


def _options(names: Sequence[str]) -> str:
    return ", ".join(f"--{name}" for name in names)
