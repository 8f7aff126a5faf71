"""``python -m tools.quantize``: the order of the work, progress."""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from edge.errors import EdgeError, InputError, ModelError
from edge.infer.card import Card
from tools.quantize.arguments import check, parser, pixels
from tools.quantize.cards import card_beside, write_card
from tools.quantize.graph import Layer, float_input, float_operations, layers, read_model
from tools.quantize.judge import Outputs, accuracy, agreement, run, timings
from tools.quantize.legend import SELECTIVE
from tools.quantize.plots import write_plots
from tools.quantize.report import Findings, Row, show, write_markdown
from tools.quantize.samples import Normalisation, Samples, counts, load_samples, split
from tools.quantize.schemes import SCHEMES, chosen_layers, layer_noise, quantize

PROBED = 64
"""Samples of which each layer's noise is the mean."""


def main(argv: Sequence[str] | None = None) -> int:
    """Quantizes and reports: 0 done, 1 for unusable data or --out, 2 wrong usage, 78 an unusable model."""
    arguments = parser().parse_args(argv)
    try:
        findings = _work(arguments, shlex.join(["python", "-m", "tools.quantize", *(argv or sys.argv[1:])]))
    except EdgeError as error:
        print(f"quantize: {error}", file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps(findings.as_json()))
    else:
        show(findings, Console())
        print(f"{arguments.out / 'report.md'}: written, with the meaning of the columns")
    return 0


def _work(arguments: argparse.Namespace, command: str) -> Findings:
    model, out = arguments.model, arguments.out
    shape, _ = float_input(read_model(model), model)
    found = card_beside(model)
    check(arguments, found)
    normalisation = pixels(arguments, found)
    pool = load_samples(arguments.data, shape, normalisation)
    calibration, judged = split(pool, arguments.calibrate, arguments.judge, arguments.seed)
    if arguments.test:
        test = load_samples(arguments.test, shape, normalisation)
        _, judged = split(test, 0, arguments.judge, arguments.seed)
    _make(out)
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        findings = _findings(arguments, calibration, judged, bars)
    try:
        plots = write_plots(findings, out)
        write_markdown(findings, out / "report.md", plots, command)
        _card(arguments, found, normalisation, findings, command)
    except OSError as error:
        raise _unwritable(error.filename or out, error) from error
    return findings


def _make(out: Path) -> None:
    """The folder, before anything is computed for it. Raises InputError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not os.access(out, os.W_OK | os.X_OK):
            raise PermissionError(None, "Permission denied")
    except OSError as error:
        raise _unwritable(out, error) from error


def _unwritable(place: object, error: OSError) -> InputError:
    return InputError(f"{place} cannot be written ({error.strerror})", "give --out a folder of yours")


def _findings(
    arguments: argparse.Namespace, calibration: Samples, judged: Samples, bars: Progress
) -> Findings:
    model, out = arguments.model, arguments.out
    names = list(SCHEMES) if arguments.scheme == "all" else [arguments.scheme]
    told = bars.add_task("float", total=None)
    inputs = calibration.inputs()
    reference = run(model, judged) if len(judged) else None
    rows = [_row("float", model, judged, reference, None, pythons=arguments.python)]
    noise: list[tuple[Layer, float]] = []
    troubles: list[str] = []

    def attempt(name: str, file: Path, scheme: str, keep: Sequence[Layer] = ()) -> None:
        """One row, or a sentence why there is none: one kind that fails says nothing of the others."""
        bars.update(told, description=name)
        try:
            options = {"scheme": scheme, "keep": keep, "per_tensor": arguments.per_tensor, "strict": False}
            quantize(model, inputs, file, **options)
            rows.append(_row(name, file, judged, None, reference, pythons=arguments.python))
        except ModelError as error:
            file.unlink(missing_ok=True)
            troubles.append(f"No {name}: {error}.")

    if "int8" in names:
        bars.update(told, description="noise of the layers")
        try:
            noise = layer_noise(model, inputs, inputs[:PROBED], per_tensor=arguments.per_tensor)
        except ModelError as error:
            nothing = ", so --keep-worst has nothing to choose by" if arguments.keep_worst else ""
            troubles.append(f"No noise of the layers{nothing}: {error}.")
    # A layer that int8 cannot be measured with can still be named, and is then perhaps the one to keep.
    known = noise or [(layer, math.nan) for layer in layers(read_model(model))]
    kept = chosen_layers(known, arguments.keep, arguments.keep_worst if noise else 0)
    for name in names:
        attempt(name, out / SCHEMES[name].file, name)
    if kept:
        attempt(SELECTIVE, out / "model-selective.tflite", "int8", kept)
    if len(rows) == 1:
        raise ModelError(" ".join(troubles))
    return Findings(
        model=str(model),
        calibration=counts(calibration),
        calibrated_from=calibration.origin,
        judged=len(judged),
        judged_on=judged.origin,
        rows=rows,
        noise=[(layer.title, round(ratio, 2)) for layer, ratio in noise],
        kept=[layer.title for layer in kept],
        troubles=troubles,
        per_tensor=arguments.per_tensor,
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
        outputs = run(file, judged)
    right = accuracy(outputs, judged.labels) if outputs is not None and judged.labels is not None else None
    same = agreement(outputs, reference) if outputs is not None and reference is not None else None
    content = file.read_bytes()
    left = len(float_operations(content))
    return Row(name, file.name, len(content), right, same, timings(file, pythons), left)


def _card(
    arguments: argparse.Namespace,
    found: Card | None,
    normalisation: Normalisation,
    findings: Findings,
    command: str,
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
        "licence": arguments.licence or "not stated",
        "pixels": normalisation,
        "command": command,
    }
    write_card(arguments.model, arguments.out / row.file, found, given, figures)


if __name__ == "__main__":
    sys.exit(main())
