"""``python -m tools.quantize``: arguments, the order of the work, progress."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from edge.errors import EdgeError, ModelError, UsageError
from edge.infer.card import Card
from tools.quantize.cards import card_beside, write_card
from tools.quantize.graph import Layer, float_input, float_operations, read_model
from tools.quantize.judge import Outputs, accuracy, agreement, run, timings
from tools.quantize.plots import write_plots
from tools.quantize.report import Findings, Row, show, write_markdown
from tools.quantize.samples import SETS, Normalisation, Samples, counts, load_samples, split
from tools.quantize.schemes import SCHEMES, chosen_layers, layer_noise, quantize

PROBED = 64
"""Samples of which each layer's noise is the mean."""


def main(argv: Sequence[str] | None = None) -> int:
    """Quantizes and reports: 0 done, 1 for unusable data, 2 for wrong usage, 78 for an unusable model."""
    arguments = _parser().parse_args(argv)
    try:
        findings = _work(arguments, shlex.join(["python", "-m", "tools.quantize", *(argv or sys.argv[1:])]))
    except EdgeError as error:
        print(f"quantize: {error}", file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps(findings.as_json()))
    else:
        show(findings, Console())
        print(f"{arguments.out / 'report.md'}: written")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.quantize", description="Float TFLite to smaller kinds, with a report."
    )
    add = parser.add_argument
    add("model", type=Path, help="the float .tflite")
    add("--data", required=True, help=f"{', '.join(SETS)}, a folder of pictures, or an .npz with `inputs`")
    add("--test", help="what it is judged on (default: what of --data did not calibrate)")
    add("--out", type=Path, required=True, help="folder for files, report and card")
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
    card = parser.add_argument_group("the card, where none lies beside the model")
    card.add_argument("--name", help="the model's name; without it no card is written")
    card.add_argument("--labels", default="", help="of its outputs, with commas (0,1,2,…)")
    card.add_argument("--licence", default="not stated", help="what it may be used for")
    card.add_argument(
        "--colour", choices=("grey", "rgb", "bgr"), default="grey", help="of its pictures (grey)"
    )
    card.add_argument("--mean", default="0", help="of real = (pixel - mean) / std (0)")
    card.add_argument("--std", default="255", help="the same (255)")
    return parser


def _work(arguments: argparse.Namespace, command: str) -> Findings:
    if min(arguments.calibrate, arguments.judge) < 1 or arguments.keep_worst < 0:
        raise UsageError("--calibrate and --judge must be at least 1, --keep-worst at least 0")
    model: Path = arguments.model
    shape, _ = float_input(read_model(model), model)
    found = card_beside(model)
    pixels = _pixels(arguments, found)
    pool = load_samples(arguments.data, shape, pixels)
    calibration, rest = split(pool, arguments.calibrate, arguments.seed)
    judged = load_samples(arguments.test, shape, pixels) if arguments.test else rest
    judged = judged.take(np.arange(min(len(judged.inputs), arguments.judge)))
    arguments.out.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        findings = _findings(arguments, calibration, judged, bars)
    plots = write_plots(findings, arguments.out)
    write_markdown(findings, arguments.out / "report.md", plots, command)
    _card(arguments, found, pixels, findings, command)
    return findings


def _findings(
    arguments: argparse.Namespace, calibration: Samples, judged: Samples, bars: Progress
) -> Findings:
    model, out = arguments.model, arguments.out
    names = list(SCHEMES) if arguments.scheme == "all" else [arguments.scheme]
    told = bars.add_task("float", total=None)
    reference = run(model, judged.inputs) if len(judged.inputs) else None
    rows = [_row("float", model, judged, reference, None, pythons=arguments.python)]
    noise: list[tuple[Layer, float]] = []
    troubles: list[str] = []

    def attempt(name: str, file: Path, scheme: str, keep: Sequence[Layer] = ()) -> None:
        """One row, or a sentence why there is none: one kind that fails says nothing of the others."""
        bars.update(told, description=name)
        try:
            options = {"scheme": scheme, "keep": keep, "per_tensor": arguments.per_tensor, "strict": False}
            quantize(model, calibration.inputs, file, **options)
            rows.append(_row(name, file, judged, None, reference, pythons=arguments.python))
        except ModelError as error:
            file.unlink(missing_ok=True)
            troubles.append(f"No {name}: {error}.")

    if "int8" in names:
        bars.update(told, description="noise of the layers")
        probe = calibration.inputs[:PROBED]
        try:
            noise = layer_noise(model, calibration.inputs, probe, per_tensor=arguments.per_tensor)
        except ModelError as error:
            troubles.append(f"No noise of the layers: {error}.")
    kept = chosen_layers(noise, arguments.keep, arguments.keep_worst)
    for name in names:
        attempt(name, out / SCHEMES[name].file, name)
    if kept:
        attempt("selective", out / "model-selective.tflite", "int8", kept)
    if len(rows) == 1:
        raise ModelError(" ".join(troubles))
    return Findings(
        model=str(model),
        calibration=counts(calibration),
        calibrated_from=calibration.origin,
        judged=len(judged.inputs),
        judged_on=judged.origin,
        rows=rows,
        noise=[(layer.title, round(ratio, 2)) for layer, ratio in noise],
        kept=[layer.title for layer in kept],
        troubles=troubles,
    )


def _row(
    name: str,
    file: Path,
    judged: Samples,
    outputs: Outputs | None,
    reference: Outputs | None,
    *,
    pythons: Sequence[Path],
) -> Row:
    """``outputs``: of this file, where they are known already; ``reference``: those of the float model."""
    if outputs is None and reference is not None:
        outputs = run(file, judged.inputs)
    right = accuracy(outputs, judged.labels) if outputs is not None and judged.labels is not None else None
    same = agreement(outputs, reference) if outputs is not None and reference is not None else None
    content = file.read_bytes()
    left = len(float_operations(content))
    return Row(name, file.name, len(content), right, same, timings(file, pythons), left)


def _pixels(arguments: argparse.Namespace, found: Card | None) -> Normalisation:
    if found:
        return Normalisation(found.input.colour, found.input.mean, found.input.std)
    try:
        mean, std = (tuple(float(v) for v in text.split(",")) for text in (arguments.mean, arguments.std))
    except ValueError:
        raise UsageError("--mean and --std are numbers, one or three with commas") from None
    if not all(value > 0 for value in std) or {len(mean), len(std)} - {1, 3}:
        raise UsageError("--mean and --std are numbers, one or three with commas, --std above 0")
    return Normalisation(arguments.colour, mean, std)


def _card(
    arguments: argparse.Namespace, found: Card | None, pixels: Normalisation, findings: Findings, command: str
) -> None:
    row = next((row for row in findings.rows if row.scheme == "int8"), None)
    if row is None or (found is None and not arguments.name):
        return
    data = f"{findings.judged_on}, {findings.judged} samples"
    values = {"accuracy": row.accuracy, "same answer as float": (row.agreement or {}).get("same")}
    figures: list[dict[str, Any]] = [
        {"metric": metric, "value": round(value, 5), "data": data}
        for metric, value in values.items()
        if value is not None
    ]
    outputs = run(
        arguments.model,
        np.zeros((1, *float_input(read_model(arguments.model), arguments.model)[0][1:]), np.float32),
    )
    given = {
        "name": arguments.name,
        "labels": arguments.labels.split(",") if arguments.labels else [str(i) for i in range(outputs.size)],
        "decoding": "probabilities"
        if abs(float(outputs.sum()) - 1) < 1e-3 and outputs.min() >= 0
        else "softmax",
        "licence": arguments.licence,
        "pixels": pixels,
        "command": command,
    }
    write_card(arguments.model, arguments.out / row.file, found, given, figures)


if __name__ == "__main__":
    sys.exit(main())
